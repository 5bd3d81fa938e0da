"""The audit log: who did what to what, and when, for acts of people that change or close something.

It holds no bodies and nothing about learners; what an act was about is named by its id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, Text, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.database import Base
from app.models import Moment
from app.platform import clock

ACTS_SHOWN = 50
CHOICES = 200


class AuditEntry(Base):
    """Grain: one row per act. Rows are written once and never changed."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, comment="order of writing")
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(Text, comment="on whose authority: admin token, command line")
    act: Mapped[str] = mapped_column(Text, comment="noun.verb, such as dead_letter.replay")
    target: Mapped[str] = mapped_column(Text, comment="noun:id, such as dead_letter:7c3e…")
    detail: Mapped[dict[str, object]] = mapped_column(JSONB, comment="what came of it; no personal data, no bodies")

    __table_args__ = (
        Index("ix_audit_log_target_id", "target", "id"),
        Index("ix_audit_log_actor_id", "actor", "id"),
        Index("ix_audit_log_act_id", "act", "id"),
        Index("ix_audit_log_at", "at"),
        {"schema": "ops"},
    )


def note(db: Session, actor: str, act: str, target: str, detail: Mapping[str, object]) -> None:
    """Write one act down in the caller's transaction, so that it is there exactly if the act was done."""
    db.add(AuditEntry(at=clock.now(), actor=actor, act=act, target=target, detail=dict(detail)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which acts. target: one thing (noun:id), or all things of a noun. since, until: moments, until not included."""

    actor: str | None = None
    act: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(db: Session, wanted: Wanted, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """These acts, the newest first; before: the id that the page before ended with."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if wanted.actor is not None:
        query = query.where(AuditEntry.actor == wanted.actor)
    if wanted.act is not None:
        query = query.where(AuditEntry.act == wanted.act)
    if wanted.target is not None and ":" in wanted.target:
        query = query.where(AuditEntry.target == wanted.target)
    elif wanted.target is not None:
        query = query.where(AuditEntry.target.startswith(f"{wanted.target}:", autoescape=True))
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return db.scalars(query).all()


def kinds(db: Session) -> tuple[Sequence[str], Sequence[str]]:
    """Everybody who ever acted and every act that was ever done, each once, by name, CHOICES at most.

    Each is found by one step in an index, however many acts there are.
    """
    told = []
    for column in ("actor", "act"):
        sql = f"""
WITH RECURSIVE step AS (
    (SELECT {column} AS value FROM ops.audit_log ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM ops.audit_log WHERE {column} > step.value ORDER BY {column} LIMIT 1)
    FROM step WHERE step.value IS NOT NULL
)
SELECT value FROM step WHERE value IS NOT NULL LIMIT :most
"""  # noqa: S608  (names of our own columns)
        told.append(db.execute(text(sql), {"most": CHOICES}).scalars().all())
    return told[0], told[1]


def acts_on(db: Session, target: str) -> Sequence[AuditEntry]:
    """The last acts on one thing (noun:id), the newest first."""
    return find(db, Wanted(target=target), before=None, limit=ACTS_SHOWN)
