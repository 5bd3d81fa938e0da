"""Logging in and out: counted, audited, and the same for a name that nobody has as for a password that is wrong."""

from dataclasses import dataclass

from fastapi import Request

from app import audit
from app.access import cookies
from app.access.addresses import client_address
from app.access.callers import ADMIN_TOKEN, BEARER, Caller, is_admin_token, session_limits
from app.access.limits import Counters, TooMany
from app.accounts import logins, passwords, sessions
from app.accounts.access_models import Account
from app.config import Settings
from app.database import session_scope
from app.errors import NotAllowed, NotAuthenticated
from app.platform import clock

WINDOW_SECONDS = 900


class TooManyLogins(TooMany):
    """There were too many tries with this name, or from this address."""

    code = "too_many_logins"
    title = "Too many tries to log in"


class WrongLogin(NotAuthenticated):
    """Name and password, or the token, prove nobody. What is wrong with them is not said."""

    code = "wrong_login"
    title = "That is not right"


@dataclass(frozen=True, slots=True)
class Presented:
    """What somebody wrote into the login form: name and password, or the admin token alone."""

    name: str
    password: str
    admin_token: str


def log_in(request: Request, presented: Presented) -> str:
    """Begin a session; returns the token for its cookie. TooManyLogins, WrongLogin.

    A session that the browser had before ends, and its token is never used again.
    """
    settings: Settings = request.app.state.settings
    _count(request, "login:address", client_address(request, settings.signup_trusted_proxies))
    if not presented.admin_token:
        _count(request, "login:name", presented.name.casefold())
    with session_scope() as db:
        account: Account | None = None
        stands_for: Account | None = None
        at = clock.now()
        if presented.admin_token:
            right = is_admin_token(presented.admin_token)
        else:
            account, stands_for, at = sessions.authenticate(db, presented.name, presented.password)
            right = account is not None
        if right:
            before = cookies.read(request, cookies.SESSION)
            if before is not None:
                sessions.end_by_token(db, before)
            token = sessions.begin(
                db,
                session_limits(settings),
                account=account,
                admin_token=settings.admin_token,
                user_agent=request.headers.get("user-agent", ""),
                at=at,
            )
            audit.note(
                db,
                f"account {account.name}" if account else ADMIN_TOKEN,
                "session.begin",
                _target(account, ADMIN_TOKEN),
                {},
            )
        else:
            # What was written into the field of the name is not kept: it may have been a password.
            by = "admin token" if presented.admin_token else "password"
            audit.note(db, "nobody", "session.refuse", _target(stands_for, presented.admin_token), {"by": by})
    if not right:
        by_token, by_name = "This is not the admin token.", "This name and this password do not belong together."
        raise WrongLogin(by_token if presented.admin_token else by_name, challenge=BEARER)
    _counters(request).forget("login:name", presented.name.casefold())
    return token


def log_out(caller: Caller, *, everywhere: bool) -> int:
    """End the caller's session, or all of theirs; returns how many that were."""
    if caller.session_id is None:
        return 0
    with session_scope() as db:
        if everywhere:
            ended = logins.end_sessions(db, caller.account_id)
        else:
            ended = int(sessions.end(db, caller.session_id, caller.account_id))
        act = "session.end_all" if everywhere else "session.end"
        audit.note(db, caller.actor, act, _target_of(caller), {"ended": ended})
    return ended


def change_own_password(request: Request, caller: Caller, current: str, new: str) -> str:
    """Another password, when the current one is right; ends every session, and begins this one anew: returns its token.

    NotAllowed, BadRequest, TooManyLogins.
    """
    if caller.account_id is None:
        raise NotAllowed("ADMIN_TOKEN is a setting; it is changed where the settings are.")
    settings: Settings = request.app.state.settings
    _count(request, "login:name", caller.name.casefold())
    with session_scope() as db:
        account = logins.find(db, caller.account_id)
        right = passwords.fits(current, account.password_hash)
        if right:
            logins.set_password(db, caller.actor, account, new)
            token = sessions.begin(
                db,
                session_limits(settings),
                account=account,
                admin_token=None,
                user_agent=request.headers.get("user-agent", ""),
                at=clock.now(),
            )
        else:
            audit.note(db, caller.actor, "session.refuse", _target(account), {"by": "password change"})
    if not right:
        raise NotAllowed("The current password is not right.")
    _counters(request).forget("login:name", caller.name.casefold())
    return token


def _count(request: Request, kind: str, text: str) -> None:
    settings: Settings = request.app.state.settings
    by_name = kind == "login:name"
    most = settings.login_max_per_name_per_quarter_hour if by_name else settings.login_max_per_address_per_quarter_hour
    counted = _counters(request).count_surely(kind, text, WINDOW_SECONDS)
    if counted.made <= most:
        return
    if counted.made == most + 1:
        with session_scope() as db:
            account = logins.named(db, text) if by_name else None
            audit.note(db, "nobody", "session.lock_out", _target(account), {"by": kind.partition(":")[2]})
    what = "with this name" if by_name else "from this address"
    raise TooManyLogins(f"There were too many tries to log in {what}.", counted.left_seconds)


def _counters(request: Request) -> Counters:
    counters: Counters = request.app.state.counters
    return counters


def _target(account: Account | None, admin_token: str = "") -> str:
    return f"account:{account.id}" if account else "account:admin token" if admin_token else "account:unknown"


def _target_of(caller: Caller) -> str:
    return f"account:{caller.account_id or ADMIN_TOKEN}"
