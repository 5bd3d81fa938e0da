"""Who may call from a page of another site (the Fetch standard's CORS), and what OPTIONS says to everybody else."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.xapi_consistency import CONSISTENT_THROUGH
from app.api.xapi_headers import under_xapi
from app.api.xapi_version import VERSION_HEADER
from app.config import Settings

SIGNUP_PATH = "/api/signup"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Content-Encoding",
    "If-Match",
    "If-None-Match",
    VERSION_HEADER,
    "X-Request-ID",
)
EXPOSED_HEADERS = (
    "ETag",
    "Last-Modified",
    "Retry-After",
    VERSION_HEADER,
    CONSISTENT_THROUGH,
    "X-Request-ID",
)


class OptionsUnderXapi:
    """Middleware: answers OPTIONS under /xapi with the methods there are (RFC 9110 9.3.7), nobody's business asked.

    Preflights of the configured origins never come this far.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if under_xapi(scope) and scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"Allow": ", ".join(METHODS)})(scope, receive, send)
            return
        await self._app(scope, receive, send)


class CorsOfSignup:
    """Middleware: pages of SIGNUP_ORIGINS may post to this one path with a script, and read the answer."""

    def __init__(self, app: ASGIApp, path: str, origins: Sequence[str]):
        self._app = app
        self._path = path
        self._with_cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("POST",),
            allow_headers=("Content-Type",),
            allow_credentials=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        here = scope["type"] == "http" and scope["path"] == self._path
        await (self._with_cors if here else self._app)(scope, receive, send)


def install_cors(app: FastAPI, settings: Settings) -> None:
    """Let pages of CORS_ORIGINS call (Fetch 3.2); without any, no page of another site may.

    Cookies never go along: senders prove themselves in Authorization, which a page sets itself, so that even `*`
    hands nobody's session to a stranger.
    """
    if settings.cors_origin_list:
        _install_for_everything(app, settings)
    if settings.signup_origin_list:
        # Outermost, because the layer for all doors refuses the preflights of origins that are not its own.
        origins = [*settings.signup_origin_list, *settings.cors_origin_list]
        app.add_middleware(CorsOfSignup, path=SIGNUP_PATH, origins=origins)


def _install_for_everything(app: FastAPI, settings: Settings) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origin_list,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        allow_credentials=False,
    )
