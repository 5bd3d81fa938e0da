"""Tables beside the statements themselves: what they are found by, what they define, and the aggregates of gold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Float, Index, LargeBinary, PrimaryKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class StoredAttachment(Base):
    """The data of an attachment (xAPI 1.0.3 Data 2.4.11). Grain: one row per content, whichever statements carry it."""

    __tablename__ = "attachments"

    sha2: Mapped[str] = mapped_column(Text, primary_key=True, comment="SHA-2 of the content, lower-case hex")
    content: Mapped[bytes] = mapped_column(LargeBinary)
    stored_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = ({"schema": "bronze"},)


class StatementLink(Base):
    """Grain: one row per statement per thing it is found by: agent, verb, activity, registration, authority.

    A statement that refers to another one is also found by what that one is found by. Voided statements have no rows.
    The key order is the order of pages, so that every filter is one range of the primary key.
    """

    __tablename__ = "statement_links"

    key: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id(kind, value), see lrs.filters")
    stored_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="statements_raw.seq")

    __table_args__ = ({"schema": "silver"},)


class StatementReference(Base):
    """Grain: one row per statement whose object is a StatementRef."""

    __tablename__ = "statement_refs"

    statement_id: Mapped[UUID] = mapped_column(primary_key=True, comment="the statement that refers")
    target_id: Mapped[UUID] = mapped_column(comment="the statement it refers to, here already or not")
    voids: Mapped[bool] = mapped_column(comment="its verb is voided")
    resolved_at: Mapped[datetime | None] = mapped_column(Moment, comment="when its target was found")

    __table_args__ = (
        Index("ix_statement_refs_target_id", "target_id"),
        Index("ix_statement_refs_unresolved", "target_id", postgresql_where=text("resolved_at IS NULL")),
        {"schema": "silver"},
    )


class KnownActivity(Base):
    """An activity with the definition that the store itself goes by. Grain: one row per activity id."""

    __tablename__ = "activities"

    key: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id('activity', iri)")
    iri: Mapped[str] = mapped_column(Text)
    definition: Mapped[object] = mapped_column(JSON, comment="canonical, merged from statements")
    updated_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = ({"schema": "silver"},)


class KnownVerb(Base):
    """A verb with the display that the store itself goes by. Grain: one row per verb id."""

    __tablename__ = "verbs"

    key: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id('verb', iri)")
    iri: Mapped[str] = mapped_column(Text)
    display: Mapped[object] = mapped_column(JSON, comment="canonical, merged from statements")
    updated_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = ({"schema": "silver"},)


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

    __table_args__ = (
        # With what reports count, so that the progress of a cohort is read from the key alone.
        PrimaryKeyConstraint(
            "learner_id",
            "lesson_id",
            name="pk_lesson_progress",
            postgresql_include=["started_at", "last_at", "completed_at", "statement_count"],
        ),
        Index("ix_lesson_progress_lesson_id", "lesson_id"),
        {"schema": "gold"},
    )
