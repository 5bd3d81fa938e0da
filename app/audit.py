"""The audit log: who did what to what, and when, for acts of people that change or close something.

It holds no bodies and nothing about learners; what an act was about is named by its id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.database import Base
from app.models import Moment
from app.platform import clock

ACTS_SHOWN = 50


class AuditEntry(Base):
    """Grain: one row per act. Rows are written once and never changed."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, comment="order of writing")
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(Text, comment="on whose authority: admin token, command line")
    act: Mapped[str] = mapped_column(Text, comment="noun.verb, such as dead_letter.replay")
    target: Mapped[str] = mapped_column(Text, comment="noun:id, such as dead_letter:7c3e…")
    detail: Mapped[dict[str, object]] = mapped_column(JSONB, comment="what came of it; no personal data, no bodies")

    __table_args__ = (Index("ix_audit_log_target_id", "target", "id"), {"schema": "ops"})


def note(db: Session, actor: str, act: str, target: str, detail: Mapping[str, object]) -> None:
    """Write one act down in the caller's transaction, so that it is there exactly if the act was done."""
    db.add(AuditEntry(at=clock.now(), actor=actor, act=act, target=target, detail=dict(detail)))


def acts_on(db: Session, target: str) -> Sequence[AuditEntry]:
    """The last acts on one thing, the newest first."""
    query = select(AuditEntry).where(AuditEntry.target == target).order_by(AuditEntry.id.desc()).limit(ACTS_SHOWN)
    return db.scalars(query).all()


def acts_before(db: Session, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """The last acts on anything, the newest first; before: the id that the page before ended with."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    return db.scalars(query if before is None else query.where(AuditEntry.id < before)).all()
