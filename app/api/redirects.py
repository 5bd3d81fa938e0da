"""Redirects to the same address with or without its last slash name no host.

The router writes scheme and host as it sees them: `http` behind a proxy that ends TLS, and any host that somebody put
into the Host header. A path alone is right whichever way one came (RFC 9110 10.2.2).
"""

from starlette.datastructures import URL, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TEMPORARY_REDIRECT = 307
"""What the router answers; doors that send somebody elsewhere use 303."""


class RelativeRedirects:
    """Takes scheme and host off the redirects of the router."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def relative(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == TEMPORARY_REDIRECT:
                headers = MutableHeaders(raw=message["headers"])
                own = URL(scope=scope)
                start = f"{own.scheme}://{own.netloc}/"
                if (location := headers.get("location", "")).startswith(start):
                    headers["location"] = "/" + location.removeprefix(start).lstrip("/")
            await send(message)

        await self.app(scope, receive, relative)
