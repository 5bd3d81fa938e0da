"""Sessions: begun by a login, known by a cookie, ended by time, by a logout or by a change of the account."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts.access_models import Account, LoginSession
from app.accounts.logins import named
from app.platform import clock

TOKEN_BYTES = 32
MOST_SESSIONS = 50
"""Of one account; a further login ends the oldest."""
SEEN_EVERY = timedelta(minutes=1)
USER_AGENT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """idle: after how long a silence a session ends; longest: after how long whatever happens."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """Whose session a token stands for. name, account_id: None where it was begun with ADMIN_TOKEN."""

    session_id: UUID
    role: str
    name: str | None
    account_id: UUID | None


def authenticate(db: Session, name: str, password: str) -> tuple[Account | None, Account | None, datetime]:
    """Compare name and password. Returns who proved it, whom the name stands for, and since when that is known.

    One hash is compared whatever the name stands for; an account that is disabled proves nothing.
    """
    asked_at = clock.now()
    account = named(db, name)
    right = passwords.fits(password, account.password_hash if account else None)
    if not right or account is None or account.disabled_at is not None:
        return None, account, asked_at
    if passwords.is_outdated(account.password_hash):
        account.password_hash = passwords.hashed(password)
    return account, account, asked_at


def begin(
    db: Session, limits: Limits, *, account: Account | None, admin_token: str | None, user_agent: str, at: datetime
) -> str:
    """A new session of an account, or of ADMIN_TOKEN; returns the token for the cookie. Old ones are cleared away."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    mine = LoginSession.account_id.is_(None) if account is None else LoginSession.account_id == account.id
    oldest = select(LoginSession.id).where(mine).order_by(LoginSession.created_at.desc()).offset(MOST_SESSIONS - 1)
    db.execute(delete(LoginSession).where(or_(LoginSession.expires_at <= at, LoginSession.id.in_(oldest))))
    db.add(
        LoginSession(
            token_hash=_hash(token),
            account_id=account.id if account else None,
            admin_mark=None if account else _mark(token, admin_token or ""),
            role=account.role if account else "admin",
            user_agent=user_agent[:USER_AGENT_CHARACTERS],
            created_at=at,
            last_seen_at=at,
            expires_at=at + limits.longest,
        )
    )
    return token


def known(db: Session, limits: Limits, token: str, admin_token: str | None) -> Known | None:
    """Whose session the token stands for; None when it has ended. Notes that it was seen."""
    now = clock.now()
    query = select(LoginSession, Account).outerjoin(Account).where(LoginSession.token_hash == _hash(token))
    found = db.execute(query).first()
    if found is None:
        return None
    session, account = found
    if session.expires_at <= now or session.last_seen_at + limits.idle <= now:
        return None
    if account is None:
        if admin_token is None or not hmac.compare_digest(session.admin_mark or "", _mark(token, admin_token)):
            return None
    elif account.disabled_at is not None or session.created_at < account.password_changed_at:
        # A login that was under way while the password changed began before it.
        return None
    if session.last_seen_at + SEEN_EVERY <= now:
        db.execute(update(LoginSession).where(LoginSession.id == session.id).values(last_seen_at=now))
    if account is None:
        return Known(session.id, session.role, None, None)
    return Known(session.id, account.role, account.name, account.id)


def lasts(db: Session, limits: Limits, session_id: UUID) -> bool:
    """Whether a session has not ended, without noting that it was seen: a page left open is nobody at work."""
    now = clock.now()
    query = select(LoginSession, Account).outerjoin(Account).where(LoginSession.id == session_id)
    found = db.execute(query).first()
    if found is None:
        return False
    session, account = found
    if session.expires_at <= now or session.last_seen_at + limits.idle <= now:
        return False
    return account is None or (account.disabled_at is None and session.created_at >= account.password_changed_at)


def end(db: Session, session_id: UUID, account_id: UUID | None) -> bool:
    """End one session of the account (None: of ADMIN_TOKEN); False when it is no session of theirs, or ended."""
    mine = LoginSession.account_id.is_(None) if account_id is None else LoginSession.account_id == account_id
    gone = delete(LoginSession).where(LoginSession.id == session_id, mine).returning(LoginSession.id)
    return db.scalars(gone).first() is not None


def end_by_token(db: Session, token: str) -> None:
    """End the session that a token stands for, if there is one."""
    db.execute(delete(LoginSession).where(LoginSession.token_hash == _hash(token)))


def living(db: Session, limits: Limits, account_id: UUID | None) -> Sequence[LoginSession]:
    """The sessions of an account (None: of ADMIN_TOKEN) that have not ended, the one seen last first."""
    now = clock.now()
    mine = LoginSession.account_id.is_(None) if account_id is None else LoginSession.account_id == account_id
    query = select(LoginSession).where(
        mine, LoginSession.expires_at > now, LoginSession.last_seen_at > now - limits.idle
    )
    return db.scalars(query.order_by(LoginSession.last_seen_at.desc(), LoginSession.id).limit(MOST_SESSIONS)).all()


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _mark(token: str, admin_token: str) -> str:
    return hmac.digest(token.encode("utf-8", "replace"), admin_token.encode("utf-8", "replace"), "sha256").hex()
