"""Who asks, and may they? One function says it for every door, JSON and pages alike.

A caller is known by ADMIN_TOKEN or a token of a program (both as Bearer), or by the cookie of a session. A request that
changes something and is known by its cookie has to show that a page of ours sent it (app/access/forgery.py); as there
is no other way to be known by a cookie, no door can forget that. Pages of tools that stand behind us know nothing of
our tokens, so app/access/embedded.py takes the browser's word for where a request comes from; nothing else may.
"""

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie
from fastapi.security.http import HTTPBase
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from app.access import cookies, forgery
from app.accounts import sessions, tokens
from app.accounts.scopes import SCOPES, scopes_of
from app.config import Settings, get_settings
from app.database import session_scope
from app.errors import NotAllowed, NotAuthenticated

BEARER = 'Bearer realm="7taps Analytics"'
ADMIN_TOKEN = "admin token"  # noqa: S105  (what the audit log calls it)
LOGIN_PATH = "/ui/login"

# These two only describe the doors in OpenAPI; what was sent is read by the functions below.
_BEARER = HTTPBase(
    scheme="bearer", scheme_name="Admin", description="ADMIN_TOKEN, or a token of a program (7t_…)", auto_error=False
)
_COOKIE = APIKeyCookie(
    name=cookies.SESSION, scheme_name="Session", description="Of a login at /ui/login", auto_error=False
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. name: of the account or the token. role: None for tokens. account_id, session_id: of a session.

    csrf_secret: what tokens for forms are made of (see `form_token`); None where none is needed.
    """

    kind: Literal["session", "token", "admin_token"]
    name: str
    scopes: frozenset[str]
    role: str | None = None
    account_id: UUID | None = None
    session_id: UUID | None = None
    csrf_secret: bytes | None = field(default=None, repr=False)

    @property
    def actor(self) -> str:
        """As the audit log names them; nobody can take a name that reads like somebody else's."""
        if self.kind == "token":
            return f"token {self.name}"
        return ADMIN_TOKEN if self.account_id is None else f"account {self.name}"

    def may(self, scope: str) -> bool:
        """Whether they were given the scope."""
        return scope in self.scopes

    def form_token(self) -> str:
        """A fresh token for the forms and scripts of one page; empty where none is needed."""
        return forgery.masked(self.csrf_secret) if self.csrf_secret else ""


class LogInFirst(NotAuthenticated):
    """A person wants to see a page and nobody is logged in. location: where they can."""

    def __init__(self, message: str, location: str):
        super().__init__(message, challenge=BEARER)
        self.location = location


def session_limits(settings: Settings) -> sessions.Limits:
    """How long sessions last, from the settings."""
    return sessions.Limits(
        timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_max_hours)
    )


def is_admin_token(token: str) -> bool:
    """Whether this is ADMIN_TOKEN. Compared as hashes, so that the time taken tells nothing, its length included."""
    expected = get_settings().admin_token
    given, wanted = (sha256(one.encode("utf-8", "replace")).digest() for one in (token, expected or ""))
    return bool(expected) and hmac.compare_digest(given, wanted)


async def bearer_of(request: HTTPConnection) -> Caller | None:
    """Who is known by `Authorization: Bearer`; None when that proves nobody."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = token.strip()
    if is_admin_token(token):
        return Caller("admin_token", ADMIN_TOKEN, scopes_of("admin"), role="admin")
    if not token.startswith(tokens.PREFIX):
        return None
    found = await run_in_threadpool(_token, token)
    return Caller("token", found.name, found.scopes) if found else None


async def session_of(request: HTTPConnection) -> Caller | None:
    """Who is known by the cookie of a session that has not ended."""
    cookie = cookies.read(request, cookies.SESSION)
    if cookie is None:
        return None
    settings: Settings = request.app.state.settings
    found = await run_in_threadpool(_session, cookie, settings)
    if found is None:
        return None
    return Caller(
        "session",
        found.name or ADMIN_TOKEN,
        scopes_of(found.role),
        role=found.role,
        account_id=found.account_id,
        session_id=found.session_id,
        csrf_secret=forgery.secret_of(cookie),
    )


async def known_caller(request: HTTPConnection) -> Caller | None:
    """Who sends this; None when nothing proves it. Says nothing of whether a page of ours sent it.

    An Authorization header that proves nobody is not made up for by a cookie that comes with it.
    """
    return await (bearer_of(request) if request.headers.get("authorization") else session_of(request))


async def caller_of(
    request: Request, _bearer: Annotated[Any, Security(_BEARER)], _cookie: Annotated[Any, Security(_COOKIE)]
) -> Caller:
    """Who asks. NotAuthenticated when nobody does; Forged when a session's request may be another site's.

    An Authorization header that proves nobody is refused, whatever cookie comes with it.
    """
    caller = await known_caller(request)
    if caller is None:
        raise nobody(request)
    if caller.csrf_secret is not None and request.method not in forgery.SAFE_METHODS:
        await forgery.check(request, caller.csrf_secret)
    request.state.caller = caller
    return caller


Asking = Annotated[Caller, Depends(caller_of)]


def require(caller: Caller, scope: str) -> None:
    """NotAllowed (403) unless the caller was given the scope."""
    if not caller.may(scope):
        raise NotAllowed(f"This needs the scope {scope}, which {caller.actor} does not have.")


def needs(scope: str) -> Any:
    """The dependency that lets only callers with this scope in: 401 for nobody, 403 for everybody else.

    For `dependencies=[…]` of a router or route; or as `Annotated[Caller, needs(…)]`, which also says who it is.
    """
    if scope not in SCOPES:
        raise LookupError(f"there is no scope {scope!r}")

    async def check(caller: Asking) -> Caller:
        require(caller, scope)
        return caller

    return Depends(check)


async def _needs_session(caller: Asking) -> Caller:
    if caller.kind != "session":
        raise NotAllowed("This is about a session, and nobody is logged in with one.")
    return caller


LoggedIn = Annotated[Caller, Depends(_needs_session)]
"""Whoever is logged in, in whatever role: for their own account and sessions."""


def _token(token: str) -> tokens.KnownToken | None:
    with session_scope() as db:
        return tokens.known(db, token)


def _session(cookie: str, settings: Settings) -> sessions.Known | None:
    with session_scope() as db:
        return sessions.known(db, session_limits(settings), cookie, settings.admin_token)


def nobody(request: HTTPConnection) -> NotAuthenticated:
    """What to raise where somebody has to be known; browsers that ask for a page are sent to the login."""
    told = "Log in, or send the header Authorization: Bearer with ADMIN_TOKEN or a token that is in force."
    if request.scope.get("method") in ("GET", "HEAD") and wants_page(request):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        root = request.scope.get("root_path", "")
        return LogInFirst(told, f"{root}{LOGIN_PATH}?next={quote(path, safe='')}")
    return NotAuthenticated(told, challenge=BEARER)


def wants_page(request: HTTPConnection) -> bool:
    """Whether a browser asks for one of our pages, rather than a program for data."""
    path = request.scope["path"]
    return (path == "/ui" or path.startswith("/ui/")) and "text/html" in request.headers.get("accept", "")
