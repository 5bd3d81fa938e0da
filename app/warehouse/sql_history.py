"""What each analyst asked in their own words, so that they find it again. Nobody else sees it; results are not kept."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.database import Base
from app.models import Moment
from app.platform import clock

SHOWN = 50


class SqlHistoryEntry(Base):
    """Grain: one row per query that somebody ran in their own words, the last SQL_HISTORY_ENTRIES of each."""

    __tablename__ = "sql_history"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    actor: Mapped[str] = mapped_column(Text, comment="as the audit log names them")
    asked_at: Mapped[datetime] = mapped_column(Moment)
    query: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text, comment="done, or the stable code of the refusal")
    rows: Mapped[int | None] = mapped_column(comment="of the result, as far as it was shown")
    seconds: Mapped[float | None] = mapped_column()

    __table_args__ = (Index("ix_sql_history_actor_id", "actor", "id"), {"schema": "ops"})


def remember(
    db: Session, actor: str, query: str, *, outcome: str, rows: int | None, seconds: float | None, keep: int
) -> None:
    """Write one query down and forget what is older than the last `keep` of this person."""
    entry = SqlHistoryEntry(actor=actor, asked_at=clock.now(), query=query, outcome=outcome, rows=rows, seconds=seconds)
    db.add(entry)
    db.flush()
    oldest = select(SqlHistoryEntry.id).where(SqlHistoryEntry.actor == actor)
    oldest = oldest.order_by(SqlHistoryEntry.id.desc()).offset(keep)
    db.execute(delete(SqlHistoryEntry).where(SqlHistoryEntry.id.in_(oldest)))


def last_queries(db: Session, actor: str, limit: int = SHOWN) -> Sequence[SqlHistoryEntry]:
    """The last queries of somebody, the newest first."""
    query = select(SqlHistoryEntry).where(SqlHistoryEntry.actor == actor)
    return db.scalars(query.order_by(SqlHistoryEntry.id.desc()).limit(limit)).all()
