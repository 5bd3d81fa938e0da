"""The limit for arrays: a bare ASGI application that parses the same body with orjson and does nothing else."""

from typing import Any

import orjson


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Parse and say 204."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if body:
        orjson.loads(body)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
