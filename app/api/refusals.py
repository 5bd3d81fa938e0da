"""Counting what the doors refuse, by the code that the sender is told."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform import metrics

_DOORS: dict[str, metrics.Door] = {"/xapi/statements": "standard", "/api/xapi/statements": "plain"}


def counting_refusals(app: ASGIApp) -> ASGIApp:
    """An ASGI application that counts what another one refuses, by the code that the sender is told."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        refusal: Message | None = None

        async def counting(message: Message) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refusal = message
            elif refusal is not None and message["type"] == "http.response.body":
                zipped = (b"content-encoding", b"gzip") in refusal["headers"]
                code = metrics.code_in(message.get("body", b""), zipped) or f"http_{refusal['status']}"
                metrics.refused(_DOORS.get(scope["path"], "other"), code)
                refusal = None
            await send(message)

        await app(scope, receive, counting if scope["type"] == "http" else send)

    return counted
