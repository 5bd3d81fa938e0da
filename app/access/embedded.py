"""Who asks a tool that stands behind us. Its pages know nothing of our tokens, so browsers say where a request is from.

The rules are those of app/access/callers.py but for this one. Requests that change something and WebSockets are
refused unless Origin or Sec-Fetch-Site says that a page of this site sent them (app/access/forgery.py).
"""

from typing import Any
from uuid import UUID

from fastapi import Depends, Request, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from app.access import forgery
from app.access.callers import Caller, bearer_of, known_caller, nobody, require, session_limits
from app.accounts import sessions
from app.config import Settings
from app.database import session_scope


def needs_from_here(scope: str) -> Any:
    """The dependency for requests that a tool answers: 401 for nobody, 403 without the scope or from another site."""

    async def check(request: Request) -> Caller:
        return await _caller(request, scope, asks_only=request.method in forgery.SAFE_METHODS)

    return Depends(check)


def socket_needs(scope: str) -> Any:
    """The same for WebSockets. Browsers send cookies with them wherever their page is from (RFC 6455 10.2)."""

    async def check(socket: WebSocket) -> Caller:
        return await _caller(socket, scope, asks_only=False)

    return Depends(check)


async def still_in(connection: HTTPConnection, caller: Caller, scope: str) -> bool:
    """Whether who was let in a while ago would be let in now. Asking keeps no session from ending by itself."""
    if caller.session_id is None:
        found = await bearer_of(connection)
        return found is not None and found.may(scope)
    return await run_in_threadpool(_lasts, caller.session_id, connection.app.state.settings)


async def _caller(connection: HTTPConnection, scope: str, *, asks_only: bool) -> Caller:
    caller = await known_caller(connection)
    if caller is None:
        raise nobody(connection)
    if not asks_only:
        if caller.csrf_secret is not None:
            forgery.check_sent_from_here(connection, caller.csrf_secret)
        else:
            forgery.check_origin(connection)
    connection.state.caller = caller
    require(caller, scope)
    return caller


def _lasts(session_id: UUID, settings: Settings) -> bool:
    with session_scope() as db:
        return sessions.lasts(db, session_limits(settings), session_id)
