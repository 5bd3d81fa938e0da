"""WebSockets (RFC 6455) between a browser and a tool behind us."""

import asyncio
from collections.abc import Callable

import httpx
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from app.access.callers import Caller
from app.access.embedded import still_in
from app.config import Settings
from app.errors import AppError
from app.ui import proxy_rules
from app.ui.sql_tools import SCOPE

MAX_MESSAGE_BYTES = 4 * 2**20
MAX_WAITING_MESSAGES = 4
STILL_IN_SECONDS = 10.0
"""How often it is looked up whether the caller may still be here."""
POLICY_VIOLATION, WENT_AWAY = 1008, 1001


class _Straight(connect):
    """A connection to where it is told to go: a tool's redirect does not send us elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Never follow one."""
        return exc


async def pass_socket(socket: WebSocket, caller: Caller, url: httpx.URL, away: Callable[[Exception], AppError]) -> None:
    """Pass messages both ways until one side ends or the caller's session does. away: what to raise without a tool."""
    settings: Settings = socket.app.state.settings
    upwards = proxy_rules.headers_upwards(socket.headers.items(), caller)
    there = url.copy_with(scheme="wss" if url.scheme == "https" else "ws")
    opening = _Straight(
        str(there),
        additional_headers=[
            (name, value) for name, value in upwards if not name.lower().startswith(("content-", "if-"))
        ],
        subprotocols=socket.scope.get("subprotocols") or None,
        user_agent_header=None,
        compression=None,
        proxy=None,
        open_timeout=settings.tool_connect_seconds,
        close_timeout=settings.tool_connect_seconds,
        max_size=MAX_MESSAGE_BYTES,
        max_queue=MAX_WAITING_MESSAGES,
    )
    try:
        tool = await opening
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise away(error) from None
    async with tool:
        await socket.accept(subprotocol=tool.subprotocol)
        works = [_up(socket, tool), _down(socket, tool), _until_out(socket, caller)]
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        code = next((task.result() for task in done if task.exception() is None), WENT_AWAY)
        if WebSocketState.DISCONNECTED not in (socket.client_state, socket.application_state):
            await socket.close(code)


async def _up(socket: WebSocket, tool: ClientConnection) -> int:
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return WENT_AWAY
            text = message.get("text")
            await tool.send(text if text is not None else message.get("bytes") or b"")
    except (ConnectionClosed, WebSocketDisconnect):
        return _code(tool)


async def _down(socket: WebSocket, tool: ClientConnection) -> int:
    try:
        async for message in tool:
            await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))
    except (ConnectionClosed, WebSocketDisconnect, RuntimeError):
        pass
    return _code(tool)


async def _until_out(socket: WebSocket, caller: Caller) -> int:
    while True:
        await asyncio.sleep(STILL_IN_SECONDS)
        if not await still_in(socket, caller, SCOPE):
            return POLICY_VIOLATION


def _code(tool: ClientConnection) -> int:
    """The tool's own code where one may be sent on (RFC 6455 7.4)."""
    code = tool.close_code
    sendable = code is not None and (code in {1000, 1001, 1002, 1003, *range(1007, 1012)} or 3000 <= code <= 4999)
    return code if sendable and code is not None else WENT_AWAY
