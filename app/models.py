"""The tables that every room knows: people, lessons, statements as received and as conformed.

Tables of one room live in that room's models.py; app/registry.py lists them all for the migrations.
Ids of lessons and the like are computed from their IRI (platform.ids.stable_id), so nobody has to look one up.
"""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Date, Float, ForeignKey, Identity, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSON, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

Moment = TIMESTAMP(timezone=True)


class User(Base):
    """A learner. Grain: one row per person, whoever recognised them first (a statement, a roster, a sign-up)."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text, comment="lower case")
    phone: Mapped[str | None] = mapped_column(Text, comment="E.164, +15551234567")
    avatar: Mapped[str | None] = mapped_column(Text, comment="public handle, unique without regard to case")
    time_zone: Mapped[str | None] = mapped_column(Text, comment="IANA name; unknown means the cohort's")
    language: Mapped[str | None] = mapped_column(Text, comment="RFC 5646 tag")
    source: Mapped[str] = mapped_column(Text, comment="who recognised them first: statement, roster, signup")
    attributes: Mapped[dict[str, str]] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="further columns of rosters, by their heading; reports filter by them",
    )
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())

    __table_args__ = (
        Index("uq_users_avatar_lower", func.lower(avatar), unique=True),
        Index("ix_users_email", "email"),
        # The order of the list of learners, letter by letter as app/accounts/visibility.py writes it.
        Index("ix_users_shown_name", text("left(lower(coalesce(name, email, phone, '')), 200)"), "id"),
    )


class Lesson(Base):
    """A lesson of a course. Grain: one row per activity that learners complete. Found by itself in statements."""

    __tablename__ = "lessons"

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id('activity', activity_id)")
    activity_id: Mapped[str] = mapped_column(Text, comment="the IRI that statements name")
    title: Mapped[str | None] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(Text, comment="where learners open it; NULL: its activity_id, if a URL")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class StatementRaw(Base):
    """A statement as it was received. Grain: one row per statement id. The record: never changed, never derived."""

    __tablename__ = "statements_raw"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, comment="order of storing")
    id: Mapped[UUID] = mapped_column(comment="statement id, the sender's or ours")
    payload: Mapped[object] = mapped_column(JSON, comment="the text as sent, number by number")
    content_hash: Mapped[bytes] = mapped_column(
        LargeBinary, comment="of the text: equal ones are exact repeats, others have to be compared"
    )
    stored_at: Mapped[datetime] = mapped_column(Moment, comment="when the door accepted it")
    xapi_version: Mapped[str] = mapped_column(Text)
    credential_id: Mapped[str] = mapped_column(Text, comment="fingerprint of the sender's public key")
    flattened_at: Mapped[datetime | None] = mapped_column(Moment, comment="the mark that drives the sweep")
    flatten_error: Mapped[str | None] = mapped_column(Text, comment="why it cannot be flattened")
    voided_by: Mapped[UUID | None] = mapped_column(comment="the statement that voids this one")
    defines: Mapped[bool] = mapped_column(
        server_default=text("true"), comment="whether its sender may define activities and verbs"
    )

    __table_args__ = (
        Index("ix_statements_raw_stored_at_seq", "stored_at", "seq", postgresql_where=text("voided_by IS NULL")),
        Index("uq_statements_raw_id", "id", unique=True),
        Index(
            "ix_statements_raw_unflattened",
            "seq",
            postgresql_where=text("flattened_at IS NULL AND flatten_error IS NULL"),
        ),
        {"schema": "bronze"},
    )


class StatementFlat(Base):
    """A statement conformed for asking questions. Grain: one row per statement id. Derived from bronze, rebuildable.

    There are no foreign keys here on purpose: each would lock a row of the referenced table for every statement
    loaded, and whatever is wrong here is mended by rebuilding.
    """

    __tablename__ = "statements_flat"

    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    # who
    learner_id: Mapped[UUID | None] = mapped_column(comment="users.id; unknown for groups")
    actor_key: Mapped[str] = mapped_column(Text, comment="the identifier as sent, mbox in lower case")
    actor_email: Mapped[str | None] = mapped_column(Text)
    actor_name: Mapped[str | None] = mapped_column(Text)
    # did what
    verb_id: Mapped[str] = mapped_column(Text)
    verb: Mapped[str] = mapped_column(Text, comment="last part of verb_id, for reading")
    # to what
    object_id: Mapped[str] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text, comment="Activity, Agent, Group, StatementRef, SubStatement")
    object_name: Mapped[str | None] = mapped_column(Text)
    activity_type: Mapped[str | None] = mapped_column(Text)
    interaction_type: Mapped[str | None] = mapped_column(Text)
    lesson_id: Mapped[UUID | None] = mapped_column(comment="lessons.id: the object, or the lesson it is part of")
    completes_lesson: Mapped[bool] = mapped_column(comment="completed or passed, and of the lesson itself")
    # with what result
    success: Mapped[bool | None] = mapped_column()
    completion: Mapped[bool | None] = mapped_column()
    score_scaled: Mapped[float | None] = mapped_column(Float)
    score_raw: Mapped[float | None] = mapped_column(Float)
    score_min: Mapped[float | None] = mapped_column(Float)
    score_max: Mapped[float | None] = mapped_column(Float)
    response: Mapped[str | None] = mapped_column(Text)
    duration_s: Mapped[float | None] = mapped_column(Float, comment="seconds")
    # in what context
    registration: Mapped[UUID | None] = mapped_column()
    parent_id: Mapped[str | None] = mapped_column(Text)
    grouping_id: Mapped[str | None] = mapped_column(Text)
    platform: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    card_type: Mapped[str | None] = mapped_column(Text, comment="poll, quiz, form, rating … as 7taps says it")
    # what it answers
    question_id: Mapped[UUID | None] = mapped_column(comment="activities.key of the object, if it was answered")
    choice: Mapped[str | None] = mapped_column(Text, comment="the response to it, if short enough to be counted")
    # when
    occurred_at: Mapped[datetime] = mapped_column(Moment, comment="the sender's timestamp, else stored_at")
    stored_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_statements_flat_learner_id_lesson_id", "learner_id", "lesson_id"),
        Index("ix_statements_flat_lesson_id_occurred_at", "lesson_id", "occurred_at"),
        # With whose it was and about which lesson, so that the overview reads no rows of the table.
        Index("ix_statements_flat_occurred_at", "occurred_at", postgresql_include=["learner_id", "lesson_id"]),
        Index(
            "ix_statements_flat_completions",
            "occurred_at",
            "statement_id",
            postgresql_where=text("completes_lesson"),
        ),
        # All that is counted of answers, so that reports read no rows of the table.
        Index(
            "ix_statements_flat_answers",
            "lesson_id",
            "question_id",
            "learner_id",
            "occurred_at",
            "statement_id",
            postgresql_include=["choice", "success", "score_raw"],
            postgresql_where=text("question_id IS NOT NULL"),
        ),
        {"schema": "silver"},
    )


class Notification(Base):
    """A reminder. Grain: one row per learner per day of theirs; the key is the claim, whoever inserts it sends."""

    __tablename__ = "notifications"

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id('reminder', learner and day)")
    learner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    local_day: Mapped[date] = mapped_column(Date, comment="the day in the learner's own time zone")
    time_zone: Mapped[str] = mapped_column(Text, comment="IANA name, the one the day was told by")
    cohort_id: Mapped[UUID | None] = mapped_column(comment="cohorts.id of the next lesson: whose template it was")
    lessons: Mapped[int] = mapped_column(comment="how many were left")
    status: Mapped[str] = mapped_column(
        Text, comment="sending, sent, waiting (for retry_at), bounced, failed, unknown; see docs/reminders.md"
    )
    attempts: Mapped[int] = mapped_column(server_default="1")
    claimed_at: Mapped[datetime] = mapped_column(Moment, comment="when the last attempt began")
    retry_at: Mapped[datetime | None] = mapped_column(Moment, comment="of waiting ones")
    sent_at: Mapped[datetime | None] = mapped_column(Moment, comment="when the mail server took it")
    message_id: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text, comment="the mail server's last words, or what went wrong")
    address_hash: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="SHA-256 of the address it went to, for mails that come back"
    )

    __table_args__ = (
        Index("uq_notifications_learner_id_local_day", "learner_id", "local_day", unique=True),
        Index("ix_notifications_status_claimed_at_id", "status", "claimed_at", "id"),
        Index("ix_notifications_claimed_at_id", "claimed_at", "id"),
    )


class TaskStatus(Base):
    """How a background task is doing. Grain: one row per task, the latest run."""

    __tablename__ = "task_status"

    name: Mapped[str] = mapped_column(Text, primary_key=True, comment="noun.verb, such as reminders.send")
    status: Mapped[str] = mapped_column(Text, comment="running, done, failed")
    detail: Mapped[dict[str, object]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="figures of the run, its progress while it runs; nothing personal"
    )
    started_at: Mapped[datetime] = mapped_column(Moment, comment="of this run")
    updated_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = ({"schema": "ops"},)
