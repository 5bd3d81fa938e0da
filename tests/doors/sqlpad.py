"""A server that behaves as the documented API of SQLPad 7 does, for the proxy to stand before.

Sign-in by the header of an authenticating proxy, a session cookie, batches that run and are asked for until they are
finished, downloads of results, redirects; and whatever else a tool could do to whoever passes its answers on. `seen`
has each request as it arrived.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

BASE = "/ui/sqlpad"
PATIENCE_S = 20.0
PIECE = b"1,Ann,completed\n" * 4_096
DOWNLOAD_PIECES = 832
"""In pieces of 64 KiB, 52 MiB."""


@dataclass
class Seen:
    """One request, as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body_bytes: int = 0


@dataclass
class SqlPad:
    """The server. go_on: what a held download waits for before its second half. ended: downloads that were closed."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    batches: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def note(self, connection: Request | WebSocket) -> str:
        """Remember what came; returns who is signed in."""
        scope = connection.scope
        target = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.seen.append(Seen(scope.get("method", "WEBSOCKET"), target, dict(connection.headers)))
        return connection.headers.get("x-webauth-email", "")

    async def app_info(self, request: Request) -> Response:
        user = self.note(request)
        return JSONResponse({"currentUser": {"email": user, "role": "editor"}, "config": {"baseUrl": BASE}})

    async def new_batch(self, request: Request) -> Response:
        if not self.note(request):
            return JSONResponse({"title": "Unauthorized"}, 401, {"WWW-Authenticate": "Basic"})
        asked = await request.json()
        number = str(len(self.batches) + 1)
        self.batches[number] = asked["batchText"]
        return JSONResponse({"id": number, "status": "started", "statements": [{"id": f"s{number}"}]})

    async def batch(self, request: Request) -> Response:
        self.note(request)
        number = request.path_params["batch"]
        return JSONResponse({"id": number, "status": "finished", "statements": [{"id": f"s{number}"}]})

    async def results(self, request: Request) -> Response:
        self.note(request)
        text = self.batches[request.path_params["statement"].removeprefix("s")]
        return JSONResponse([[text, 1]])

    async def home(self, request: Request) -> Response:
        user = self.note(request)
        answer = PlainTextResponse(f"SQLPad of {user}", media_type="text/html")
        answer.set_cookie("sqlpad.sid", f"of {user}".replace(" ", "-"), domain="127.0.0.1", httponly=True, max_age=3600)
        answer.set_cookie("7t_session", "stolen", path="/")
        for name, value in {
            "X-Powered-By": "Express",
            "Strict-Transport-Security": "max-age=1; includeSubDomains",
            "Clear-Site-Data": '"*"',
            "Access-Control-Allow-Origin": "*",
            "X-Frame-Options": "DENY",
            "Connection": "X-Per-Hop",
            "X-Per-Hop": "1",
            "Cache-Control": "public, max-age=60",
            "X-Of-The-Tool": "1",
        }.items():
            answer.headers[name] = value
        return answer

    async def upload(self, request: Request) -> Response:
        self.note(request)
        async for piece in request.stream():
            self.seen[-1].body_bytes += len(piece)
        return JSONResponse({"bytes": self.seen[-1].body_bytes})

    async def download(self, request: Request) -> Response:
        self.note(request)
        return StreamingResponse(self._pieces(request.query_params.get("held") == "1"), media_type="text/csv")

    async def _pieces(self, held: bool) -> AsyncIterator[bytes]:
        try:
            for number in range(DOWNLOAD_PIECES):
                if held and number == DOWNLOAD_PIECES // 2:
                    await asyncio.to_thread(self.go_on.wait, PATIENCE_S)
                yield PIECE
        finally:
            self.ended.set()

    async def redirect(self, request: Request) -> Response:
        self.note(request)
        return Response(status_code=302, headers={"Location": request.query_params["to"]})

    async def problem(self, request: Request) -> Response:
        self.note(request)
        return PlainTextResponse("no JSON", 500, media_type="application/problem+json")

    async def silent(self, request: Request) -> Response:
        self.note(request)
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response()

    async def echo(self, socket: WebSocket) -> None:
        user = self.note(socket)
        await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
        await socket.send_text(user)
        try:
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                if message.get("text") == "leave":
                    await socket.close(4000)
                    return
                await socket.send(
                    {"type": "websocket.send", **{key: message[key] for key in ("text", "bytes") if message.get(key)}}
                )
        except WebSocketDisconnect:
            pass

    async def elsewhere(self, socket: WebSocket) -> None:
        self.note(socket)
        await socket.send_denial_response(Response(status_code=302, headers={"Location": f"{BASE}/echo"}))

    async def anything(self, request: Request) -> Response:
        self.note(request)
        return PlainTextResponse("anything")

    def application(self) -> Starlette:
        ways: list[tuple[str, Any, list[str]]] = [
            ("/", self.home, ["GET"]),
            ("/api/app", self.app_info, ["GET"]),
            ("/api/batches", self.new_batch, ["POST"]),
            ("/api/batches/{batch}", self.batch, ["GET"]),
            ("/api/statements/{statement}/results", self.results, ["GET"]),
            ("/statement-results/big.csv", self.download, ["GET"]),
            ("/upload", self.upload, ["POST", "PUT"]),
            ("/redirect", self.redirect, ["GET"]),
            ("/problem", self.problem, ["GET"]),
            ("/silent", self.silent, ["GET"]),
        ]
        routes = [Route(BASE + path, work, methods=methods) for path, work, methods in ways]
        sockets = [WebSocketRoute(BASE + "/echo", self.echo), WebSocketRoute(BASE + "/elsewhere", self.elsewhere)]
        every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return Starlette(routes=[*routes, *sockets, Route("/{path:path}", self.anything, methods=every)])


@contextmanager
def running_sqlpad() -> Iterator[SqlPad]:
    """The server, on a port of its own."""
    made = SqlPad()
    config = uvicorn.Config(made.application(), port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + PATIENCE_S
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < give_up
        time.sleep(0.01)
    made.port = server.servers[0].sockets[0].getsockname()[1]
    yield made
    made.go_on.set()
    server.should_exit = True
    thread.join(PATIENCE_S)
