"""Tools of others behind our server, each under a path of ours: SQLPad and Superset.

Who may come in is decided here; the tool is told by a header who it is, and believes it because nobody else reaches it.
Bodies pass both ways piece by piece, so that a download of any size costs the memory of one piece.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Annotated

import httpx
from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.access.addresses import is_https
from app.access.callers import Caller
from app.access.embedded import needs_from_here, socket_needs
from app.access.forgery import SAFE_METHODS
from app.config import Settings
from app.errors import AppError, BadRequest, NotAllowed, NotFound
from app.platform.logs import get_logger
from app.ui import proxy_rules
from app.ui.proxy_sockets import pass_socket
from app.ui.sql_tools import SCOPE, SQLPAD, SUPERSET, TOOLS, SqlTool, why_not

log = get_logger(__name__)

router = APIRouter(tags=["Pages"], include_in_schema=False)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
KEPT_ALIVE_SECONDS = 2.0
"""Shorter than the 5 seconds after which Node.js closes a connection that nobody uses."""

Analyst = Annotated[Caller, needs_from_here(SCOPE)]
SocketAnalyst = Annotated[Caller, socket_needs(SCOPE)]


class ToolAway(AppError):
    """The tool cannot be reached, or has no connection left."""

    status = 503
    code = "tool_away"
    title = "The tool does not answer right now"
    retry_after_seconds = 10


class ToolFailed(AppError):
    """The tool was reached, and what came back is no answer that can be passed on."""

    status = 502
    code = "tool_failed"
    title = "The tool gave no answer that can be passed on"


class Passed(StreamingResponse):
    """An answer of a tool, passed on as it comes. However that ends, the connection is given back."""

    def __init__(self, answer: httpx.Response, headers: list[tuple[str, str]]):
        super().__init__(answer.aiter_raw(), answer.status_code)
        self.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.aclose()


class Proxy:
    """The way to one tool. base: its scheme, host and port; nothing that a request says changes them."""

    def __init__(self, tool: SqlTool, base: str, settings: Settings):
        self.tool = tool
        self._base = httpx.URL(base)
        self._settings = settings
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.tool_silence_seconds, connect=settings.tool_connect_seconds, pool=10),
            limits=httpx.Limits(
                max_connections=settings.tool_max_connections,
                max_keepalive_connections=settings.tool_max_connections,
                keepalive_expiry=KEPT_ALIVE_SECONDS,
            ),
            # Cookies belong to whoever sent them, and where the tool is, is no matter of HTTP_PROXY.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    def url(self, request: Request | WebSocket) -> httpx.URL:
        """Where this is asked for. BadRequest when its path leads out of the tool."""
        scope = request.scope
        raw = scope.get("raw_path") or scope["path"].encode()
        raw = raw.removeprefix(scope.get("root_path", "").encode())
        target = proxy_rules.inner_path(self.tool.prefix, raw.partition(b"?")[0], scope["query_string"])
        try:
            url = self._base.copy_with(raw_path=target.encode())
        except httpx.InvalidURL as error:
            raise BadRequest(f"The address cannot be asked for: {error}") from None
        same = (url.scheme, url.netloc) == (self._base.scheme, self._base.netloc)
        if not same or not url.raw_path.startswith(self.tool.prefix.encode() + b"/"):
            raise BadRequest("The address leads out of the tool.")
        return url

    async def answer(self, request: Request, caller: Caller) -> Response:
        """What the tool answers. ToolAway or ToolFailed in place of an answer that does not come."""
        url = self.url(request)
        headers = proxy_rules.headers_upwards(request.headers.items(), caller)
        has_body = request.method not in SAFE_METHODS and request.headers.get("content-length") != "0"
        asked = httpx.Request(request.method, url, headers=headers, content=request.stream() if has_body else None)
        try:
            got = await self._client.send(asked, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self.away(error) from None
        except httpx.TimeoutException as error:
            raise self._failed(f"said nothing for {self._settings.tool_silence_seconds:g} seconds", error) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed("broke off, or answered what is not HTTP", error) from None
        try:
            return Passed(got, self._headers(request, caller, got, str(url)))
        except Exception:
            await got.aclose()
            raise

    def away(self, error: Exception) -> ToolAway:
        """The error to raise when the tool cannot be reached."""
        log.warning("a tool cannot be reached", tool=self.tool.title, error=repr(error)[:300])
        setting = self.tool.setting.upper()
        return ToolAway(
            f"{self.tool.title} does not answer right now. It should be running at the address in {setting}."
        )

    def _failed(self, how: str, error: object) -> ToolFailed:
        log.warning("a tool gave no answer", tool=self.tool.title, how=how, error=repr(error)[:300])
        return ToolFailed(f"{self.tool.title} {how}.")

    def _headers(self, request: Request, caller: Caller, got: httpx.Response, asked: str) -> list[tuple[str, str]]:
        raw = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in got.headers.raw]
        headers = proxy_rules.headers_downwards(raw)
        secure = is_https(request.scope, self._settings)
        for name, value in raw:
            if name.lower() == "set-cookie":
                if cookie := proxy_rules.cookie_downwards(value, self.tool.prefix, caller, secure=secure):
                    headers.append(("Set-Cookie", cookie))
            elif name.lower() == "location":
                host = request.headers.get("host", "")
                there = proxy_rules.location_downwards(value, asked, self.tool.prefix, host)
                if there is None:
                    raise self._failed("sends the browser to another site, which is not followed", value)
                headers.append(("Location", there))
        return headers


@asynccontextmanager
async def tools_behind(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Have the ways to the tools that there are in app.state.tools, by prefix."""
    found = {tool.prefix: Proxy(tool, base, settings) for tool in TOOLS if (base := tool.address(settings))}
    app.state.tools = found
    try:
        yield
    finally:
        for proxy in found.values():
            await proxy.close()


@router.api_route("/ui/sqlpad/{path:path}", methods=METHODS, response_model=None)
async def ask_sqlpad(request: Request, caller: Analyst) -> Response:
    """SQLPad, signed in as the caller."""
    return await _proxy(request, SQLPAD, caller).answer(request, caller)


@router.api_route("/ui/superset/{path:path}", methods=METHODS, response_model=None)
async def ask_superset(request: Request, caller: Analyst) -> Response:
    """Superset, signed in as the caller."""
    return await _proxy(request, SUPERSET, caller).answer(request, caller)


@router.websocket("/ui/sqlpad/{path:path}")
async def join_sqlpad(socket: WebSocket, caller: SocketAnalyst) -> None:
    """A WebSocket of SQLPad."""
    proxy = _proxy(socket, SQLPAD, caller)
    await pass_socket(socket, caller, proxy.url(socket), proxy.away)


@router.websocket("/ui/superset/{path:path}")
async def join_superset(socket: WebSocket, caller: SocketAnalyst) -> None:
    """A WebSocket of Superset."""
    proxy = _proxy(socket, SUPERSET, caller)
    await pass_socket(socket, caller, proxy.url(socket), proxy.away)


def _proxy(connection: Request | WebSocket, tool: SqlTool, caller: Caller) -> Proxy:
    if told := why_not(caller, connection.app.state.settings):
        raise NotAllowed(told)
    found: Proxy | None = connection.app.state.tools.get(tool.prefix)
    if found is None:
        raise NotFound(f"There is no {tool.title} behind this server: {tool.setting.upper()} is not set.")
    return found
