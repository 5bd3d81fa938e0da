"""What every request gets: an id, a bound on its body, a line in the log when it fails."""

import re
import secrets
import time
from collections.abc import Mapping

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.platform.logs import get_logger

log = get_logger(__name__)

REQUEST_ID = "X-Request-ID"
_ACCEPTABLE_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class RequestIds:
    """Gives each request an id (the sender's X-Request-ID if it is a sane one), in the answer and on each log line."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                level = "warning" if message["status"] >= 500 else "info" if message["status"] >= 400 else "debug"
                getattr(log, level)(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=message["status"],
                    ms=round((time.perf_counter() - started) * 1000, 1),
                )
            await send(message)

        await self._app(scope, receive, send_with_id)


def request_id() -> str:
    """The id of the request that is being answered."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body, never more than max_bytes of it in memory. TooLarge names the limit."""
    if declared_length(request.headers) > max_bytes:
        raise too_large(max_bytes)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > max_bytes:
            raise too_large(max_bytes)
        parts.append(part)
    return b"".join(parts)


def declared_length(headers: Mapping[str, str]) -> int:
    """The Content-Length, 0 where there is none that is a number; one of too many digits is just very large."""
    digits = headers.get("content-length", "")
    return int(digits[:18]) if digits.isascii() and digits.isdigit() else 0


def too_large(max_bytes: int, what: str = "The") -> TooLarge:
    """The refusal of a body that is longer than the setting allows."""
    return TooLarge(
        f"{what} body has more than {max_bytes} bytes. Send fewer statements at once, or raise MAX_BODY_BYTES."
    )
