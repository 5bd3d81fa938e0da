"""What browsers are told about our pages: nothing foreign runs in them, nobody frames them, nothing is kept of them."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.addresses import is_https
from app.config import Settings

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send `Origin: null` with our own forms, as with a stranger's.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"
PAGES = ("/ui", "/docs", "/docs-files")
FILES = ("/ui/static", "/docs-files")
TOOLS = ("/ui/sqlpad", "/ui/superset")
FRAMED_BY_US = {
    **HEADERS,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
    "X-Frame-Options": "SAMEORIGIN",
}
"""Where a page of ours frames a tool, it also frames the page that says in words why there is none."""


class PageHeaders:
    """An ASGI application that adds these to what another one answers under /ui and /docs, and to nothing else."""

    def __init__(self, app: ASGIApp, settings: Settings):
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not _under(scope["path"], PAGES):
            await self._app(scope, receive, send)
            return
        secure = is_https(scope, self._settings)
        is_file = _under(scope["path"], FILES)
        told = FRAMED_BY_US if _under(scope["path"], TOOLS) else HEADERS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in told.items():
                    # A page that needs another policy, such as one that frames a tool of ours, brings its own.
                    headers.setdefault(name, value)
                if secure:
                    headers["Strict-Transport-Security"] = HSTS
                if not is_file:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
