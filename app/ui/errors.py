"""What went wrong under /ui, told as a page to browsers; everybody else gets the same problem as JSON."""

import orjson
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.callers import known_caller
from app.ui.pages import PRIVATE, render, wants_json

_PROBLEM = "application/problem+json"


class ErrorPages:
    """ASGI: turns problem+json answers into pages where a browser asked for a page.

    The problem is made where every problem is made; so a page can neither say more than the JSON nor something else.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not _is_page(scope["path"]):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        if wants_json(request) or "text/html" not in request.headers.get("accept", ""):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def as_page(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type", "").startswith(_PROBLEM):
                    start = message
                    return
            elif start is not None:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                problem = orjson.loads(body)
                await _find_out_who(request, problem["status"])
                page = render(request, "error.html", problem=problem).encode()
                headers = MutableHeaders(raw=list(start["headers"]))
                headers["Content-Type"], headers["Content-Length"] = "text/html; charset=utf-8", str(len(page))
                headers.update(PRIVATE)
                await send({**start, "headers": headers.raw})
                await send({"type": "http.response.body", "body": page})
                return
            await send(message)

        await self.app(scope, receive, as_page)


async def _find_out_who(request: Request, status: int) -> None:
    """An address without a page asks nobody who they are; whoever is logged in keeps the navigation all the same."""
    if status not in (404, 405) or getattr(request.state, "caller", None) is not None:
        return
    try:
        request.state.caller = await known_caller(request)
    except SQLAlchemyError:
        request.state.caller = None


def _is_page(path: str) -> bool:
    return path == "/ui" or path.startswith("/ui/")
