"""The version header on every reply under /xapi: which versions are spoken, and what a reply calls itself.

xAPI 1.0.3 Communication 3.3 wants the header in every response, refusals and failures included.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.api.xapi_version import ASSUMED_VERSION, VERSION_HEADER, full_version
from app.errors import AppError


def under_xapi(scope: Scope) -> bool:
    """Whether this is an HTTP request to the standard's own paths."""
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path == "/xapi" or path.startswith("/xapi/")


def header(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """The first header of this name among ASGI's pairs, or None."""
    wanted = name.lower().encode("latin-1")
    return next((value.decode("latin-1") for key, value in headers if key.lower() == wanted), None)


def reply_version(requested: str | None) -> str:
    """The version that a reply names: the requested one, or 1.0.3 where that one is missing or not spoken.

    A bare 1.0 counts as 1.0.0 (xAPI 1.0.3 Communication 3.3), and a bare 2.0 as 2.0.0 likewise.
    """
    return full_version(requested or "") or ASSUMED_VERSION


def with_version(send: Send, requested: str | None) -> Send:
    """A send that names the version on the reply, unless somebody further in already did."""
    version = reply_version(requested)

    async def send_with_version(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            MutableHeaders(scope=message).setdefault(VERSION_HEADER, version)
        await send(message)

    return send_with_version


class VersionHeader:
    """Middleware: X-Experience-API-Version on every reply under /xapi (xAPI 1.0.3 Communication 3.3).

    An unexpected error is answered here, because the framework would answer it outside of all middleware and so
    without the header; it is raised again, and the framework's own handler still writes it to the log.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not under_xapi(scope):
            await self._app(scope, receive, send)
            return
        started = False
        send_with_version = with_version(send, header(scope["headers"], VERSION_HEADER))

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send_with_version(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            if not started:
                failure = AppError("Something went wrong on our side; the log has it under this request id.")
                await problem_response(failure)(scope, receive, send_noting)
            raise
