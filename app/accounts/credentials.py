"""Credentials of senders: public keys that are registered, by fingerprint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.models import Credential
from app.errors import Conflict, NotFound
from app.platform import clock, keys

WRITE_STATEMENTS = "statements/write"
DEFINE = "define"
ALL = "all"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A registered public key: its fingerprint, what people call it, and what it may do."""

    id: str
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the scope, or `all`, was given to this key."""
        return scope in self.scopes or ALL in self.scopes


def environment_key(public_pem: str) -> KnownKey:
    """The key of PUBLIC_PEM, registered by being configured. ValueError says what is wrong with the setting."""
    try:
        return KnownKey(keys.fingerprint(keys.one_line(public_pem)), "PUBLIC_PEM", frozenset({ALL}))
    except ValueError as error:
        raise ValueError(f"PUBLIC_PEM {error}.") from error


def active_keys(db: Session) -> dict[str, KnownKey]:
    """Every key in the table that is not revoked, by fingerprint."""
    rows = db.execute(select(Credential).where(Credential.revoked_at.is_(None))).scalars()
    return {row.id: KnownKey(row.id, row.name, frozenset(row.scopes)) for row in rows}


def register(db: Session, *, name: str, public_key: str, scopes: Sequence[str]) -> Credential:
    """Register a public key (a one-line body). Conflict when it is registered already, revoked or not."""
    fingerprint = keys.fingerprint(public_key)
    row = insert(Credential).values(id=fingerprint, name=name, public_key=public_key, scopes=sorted(set(scopes)))
    if db.execute(row.on_conflict_do_nothing().returning(Credential.id)).first() is None:
        raise Conflict(f"The key {fingerprint[:12]} is registered already.")
    return db.get_one(Credential, fingerprint)


def all_credentials(db: Session) -> Sequence[Credential]:
    """Every credential, the oldest first."""
    return db.execute(select(Credential).order_by(Credential.created_at)).scalars().all()


def revoke(db: Session, id_or_prefix: str) -> Credential:
    """Revoke the one credential whose fingerprint starts so. NotFound when none does, Conflict when several do."""
    rows = db.execute(select(Credential).where(Credential.id.startswith(id_or_prefix, autoescape=True))).scalars().all()
    if not rows:
        raise NotFound(f"No credential starts with {id_or_prefix!r}.")
    if len(rows) > 1:
        raise Conflict(f"{len(rows)} credentials start with {id_or_prefix!r}; give more of the fingerprint.")
    rows[0].revoked_at = rows[0].revoked_at or clock.now()
    return rows[0]


def note_use(db: Session, last_use: Mapping[str, datetime]) -> None:
    """Remember when credentials were last used. Keys that are not in the table (PUBLIC_PEM) are passed over."""
    for key, moment in sorted(last_use.items()):
        db.execute(
            update(Credential)
            .where(Credential.id == key)
            .values(last_used_at=func.greatest(Credential.last_used_at, moment))
        )


def note_check(db: Session, key: str, moment: datetime) -> None:
    """Remember that a key was presented at a door. Never waits: a row that somebody else is writing is left to them."""
    free = select(Credential.id).where(Credential.id == key).with_for_update(skip_locked=True)
    db.execute(
        update(Credential)
        .where(Credential.id.in_(free.scalar_subquery()))
        .values(last_used_at=func.greatest(Credential.last_used_at, moment))
    )
