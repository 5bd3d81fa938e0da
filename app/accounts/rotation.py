"""Keys of senders over their life: made, shown once, succeeded by another one while both work, revoked.

Whoever sends cannot change a key at the very moment we do. So a successor is made first, then pasted where the old one
stands, and the old one is revoked when the new one has been used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.accounts import credentials
from app.accounts.access_schemas import Name, known_among
from app.accounts.models import Credential
from app.errors import Conflict, NotFound
from app.platform import clock, keys
from app.schemas import Strict

SCOPES: dict[str, str] = {
    "statements/write": "send statements",
    "define": "name activities for everybody",
    "statements/read/mine": "read the statements that it sent",
    "statements/read": "read every statement",
    "state": "keep documents of learners about activities",
    "profile": "keep documents about activities and agents",
    "all/read": "read everything",
    "all": "everything",
}
"""The scopes of xAPI 1.0.3 Communication 4.2, and what each lets a sender do."""
USUAL_SCOPES = (credentials.WRITE_STATEMENTS, credentials.DEFINE)
MOST_KEYS_SHOWN = 500


class KeyPlan(Strict):
    """A key to be made. name: no other key in force has it."""

    name: Name
    scopes: Annotated[list[str], Field(min_length=1, max_length=len(SCOPES)), known_among(SCOPES)] = Field(
        default_factory=lambda: list(USUAL_SCOPES)
    )


class KeyRead(BaseModel):
    """A key of a sender. id: the fingerprint. last_used_at: to about two minutes; succeeds: the key it takes over from.

    public_key: what senders give as user name; it is no secret.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    scopes: list[str]
    public_key: str
    created_at: datetime
    created_by: str | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    succeeds: str | None


class KeyMade(KeyRead):
    """A new key. password: the secret half, shown this once and kept nowhere. endpoint: where statements are sent."""

    endpoint: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A registered key with its secret half."""

    row: Credential
    secret: str


def make(db: Session, actor: str, plan: KeyPlan, succeeds: Credential | None = None) -> Pair:
    """A new pair, of which the public half is registered. Conflict when a key in force has the name."""
    if _taken(db, plan.name):
        raise Conflict(
            f"There is a key named “{plan.name}” already. Take another name, or make a successor of that one."
        )
    pair = keys.new_key_pair()
    row = credentials.register(
        db, name=plan.name, public_key=keys.one_line(pair.public_pem), scopes=list(dict.fromkeys(plan.scopes))
    )
    row.created_by, row.succeeds = actor, succeeds.id if succeeds else None
    detail: dict[str, object] = {"name": plan.name, "scopes": row.scopes}
    if succeeds is not None:
        detail["succeeds"] = succeeds.id
    audit.note(db, actor, "key.create", _target(row), detail)
    db.flush()
    return Pair(row, keys.one_line(pair.secret_pem))


def succeed(db: Session, actor: str, key_id: str, name: str | None = None) -> Pair:
    """A successor with the same scopes; both work until the old one is revoked. Conflict when there is one already."""
    old = find(db, key_id)
    if old.revoked_at is not None:
        raise Conflict(f"The key “{old.name}” is revoked. Make a new one; there is nothing that it could overlap with.")
    waiting = select(Credential).where(Credential.succeeds == old.id, Credential.revoked_at.is_(None))
    if (new := db.scalars(waiting).first()) is not None:
        raise Conflict(f"The key “{old.name}” has a successor already: “{new.name}”.")
    plan = KeyPlan(name=name or _next_name(db, old.name, clock.now()), scopes=old.scopes)
    return make(db, actor, plan, succeeds=old)


def _next_name(db: Session, name: str, now: datetime) -> str:
    """What a successor is called that nobody named: `7taps from 2026-03-02`, with the time if there is one already."""
    begins = name.split(" from 20", maxsplit=1)[0][:60]
    today = f"{begins} from {now:%Y-%m-%d}"
    return today if not _taken(db, today) else f"{today} {now:%H:%M:%S}"


def end(db: Session, actor: str, key_id: str) -> Credential:
    """Revoke a key; again: nothing. It stops working within CREDENTIAL_CACHE_SECONDS."""
    row = find(db, key_id)
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        audit.note(db, actor, "key.revoke", _target(row), {"name": row.name})
    return row


def find(db: Session, key_id: str) -> Credential:
    """The key of this fingerprint. NotFound."""
    row = db.get(Credential, key_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no key of this fingerprint.")
    return row


def listed(db: Session) -> Sequence[Credential]:
    """Keys, those in force first, then the newest first."""
    query = select(Credential).order_by(Credential.revoked_at.is_not(None), Credential.created_at.desc(), Credential.id)
    return db.scalars(query.limit(MOST_KEYS_SHOWN)).all()


Overlap = Literal["new", "old", "neither"]


def used_last(old: KeyRead, new: KeyRead) -> Overlap:
    """Which of a key and its successor was used last."""
    if old.last_used_at is None and new.last_used_at is None:
        return "neither"
    if new.last_used_at is None:
        return "old"
    return "new" if old.last_used_at is None or new.last_used_at >= old.last_used_at else "old"


def shown_once(pair: Pair, endpoint: str) -> KeyMade:
    """A new key with all that has to be pasted where it is used."""
    read = KeyRead.model_validate(pair.row)
    return KeyMade(**read.model_dump(), endpoint=endpoint, username=read.public_key, password=pair.secret)


def _taken(db: Session, name: str) -> bool:
    query = select(Credential.id).where(func.lower(Credential.name) == name.lower(), Credential.revoked_at.is_(None))
    return db.scalars(query).first() is not None


def _target(row: Credential) -> str:
    return f"credential:{row.id}"
