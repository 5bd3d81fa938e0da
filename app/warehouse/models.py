"""Tables of aggregates. Each can be thrown away and rebuilt from silver."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class LessonProgress(Base):
    """Grain: one row per learner per lesson they have touched."""

    __tablename__ = "lesson_progress"

    learner_id: Mapped[UUID] = mapped_column(primary_key=True)
    lesson_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime | None] = mapped_column(Moment, comment="first statement")
    last_at: Mapped[datetime | None] = mapped_column(Moment, comment="latest statement")
    completed_at: Mapped[datetime | None] = mapped_column(Moment, comment="first completion; NULL: not completed")
    statement_count: Mapped[int] = mapped_column(server_default="0")
    best_score_scaled: Mapped[float | None] = mapped_column(Float, comment="of the lesson itself, -1 to 1")

    __table_args__ = (Index("ix_lesson_progress_lesson_id", "lesson_id"), {"schema": "gold"})
