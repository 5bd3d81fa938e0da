"""Tokens of programs: made, shown once, presented as `Authorization: Bearer 7t_…`, revoked."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.accounts.access_models import AgentToken
from app.accounts.scopes import SCOPES
from app.errors import BadRequest, Conflict, NotFound, Problem
from app.platform import clock

PREFIX = "7t_"
TOKEN_BYTES = 32
HINT_CHARACTERS = len(PREFIX) + 4
MOST_DAYS = 3_650
DEFAULT_DAYS = 90
MOST_TOKENS_SHOWN = 1_000
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that is in force: its id, what people call it, and what it may do."""

    id: UUID
    name: str
    scopes: frozenset[str]


def create(db: Session, actor: str, *, name: str, scopes: Iterable[str], expires_days: int) -> tuple[AgentToken, str]:
    """A new token; returns its row, and the token itself, which nobody can show again. Conflict, BadRequest."""
    wanted = sorted(set(scopes))
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        problem = Problem("scopes", f"there is no scope {unknown[0]!r}.", f"One of {', '.join(SCOPES)}.")
        raise BadRequest(problem.sentence(), [problem])
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    now = clock.now()
    row = insert(AgentToken).values(
        name=name,
        token_hash=_hash(token),
        hint=token[:HINT_CHARACTERS],
        scopes=wanted,
        created_by=actor,
        created_at=now,
        expires_at=now + timedelta(days=expires_days),
    )
    made = db.scalars(row.on_conflict_do_nothing().returning(AgentToken)).first()
    if made is None:
        raise Conflict(f"There is a token named “{name}” already. Revoke it first, or take another name.")
    detail = {"name": name, "scopes": wanted, "expires_days": expires_days}
    audit.note(db, actor, "token.create", _target(made), detail)
    return made, token


def known(db: Session, token: str) -> KnownToken | None:
    """The token in force; None when it is unknown, revoked or expired. Notes that it was used."""
    now = clock.now()
    row = db.scalars(select(AgentToken).where(AgentToken.token_hash == _hash(token))).first()
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    if row.last_used_at is None or row.last_used_at + USED_EVERY <= now:
        db.execute(update(AgentToken).where(AgentToken.id == row.id).values(last_used_at=now))
    return KnownToken(row.id, row.name, frozenset(row.scopes))


def all_tokens(db: Session) -> Sequence[AgentToken]:
    """Tokens, the newest first, those that have ended among them."""
    return db.scalars(
        select(AgentToken).order_by(AgentToken.created_at.desc(), AgentToken.id).limit(MOST_TOKENS_SHOWN)
    ).all()


def find(db: Session, token: UUID | str) -> AgentToken:
    """The token with this id, or the one in force of this name. NotFound."""
    if isinstance(token, UUID):
        found = db.get(AgentToken, token)
    else:
        found = db.scalars(
            select(AgentToken).where(func.lower(AgentToken.name) == func.lower(token), AgentToken.revoked_at.is_(None))
        ).one_or_none()
    if found is None:
        raise NotFound("There is no such token.")
    return found


def revoke(db: Session, actor: str, token: AgentToken) -> None:
    """End a token, from the next request on. Again: nothing."""
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        audit.note(db, actor, "token.revoke", _target(token), {"name": token.name})


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _target(token: AgentToken) -> str:
    return f"agent_token:{token.id}"
