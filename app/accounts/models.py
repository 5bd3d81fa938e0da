"""Tables of people and of the credentials that senders present."""

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, CheckConstraint, Date, ForeignKey, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class UserIdentifier(Base):
    """Grain: one row per xAPI identifier of a person. The key decides who a statement's actor is."""

    __tablename__ = "user_identifiers"

    key: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id(kind, value)")
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text, comment="mbox, mbox_sha1sum, openid, account, phone")
    value: Mapped[str] = mapped_column(Text, comment="normalised: mbox in lower case, phone as E.164")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())

    __table_args__ = (Index("ix_user_identifiers_user_id", "user_id"),)


class AvatarClaim(Base):
    """Grain: one row per public handle that somebody signed up with, whether or not it became theirs.

    A handle that was asked for is taken for everybody, so that nobody can find out by asking whose it is.
    """

    __tablename__ = "avatar_claims"

    handle: Mapped[str] = mapped_column(Text, primary_key=True, comment="as written; unique without regard to case")
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    claimed_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())

    __table_args__ = (
        Index("uq_avatar_claims_handle_lower", func.lower(handle), unique=True),
        Index("ix_avatar_claims_user_id", "user_id"),
    )


class Cohort(Base):
    """A group of learners who take the course together."""

    __tablename__ = "cohorts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    slug: Mapped[str] = mapped_column(Text, unique=True, comment="its name in addresses")
    name: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text, comment="IANA name")
    starts_on: Mapped[date | None] = mapped_column(Date, comment="day 0 of cohort_lessons.due_after_days")
    reminder_hour: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("9"), comment="0 to 23, in the learner's own time zone"
    )
    quiet_from_hour: Mapped[int | None] = mapped_column(
        SmallInteger, comment="0 to 23; with quiet_until_hour: no reminders in between; NULL: as the settings say"
    )
    quiet_until_hour: Mapped[int | None] = mapped_column(SmallInteger, comment="0 to 23")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())

    __table_args__ = (
        CheckConstraint("reminder_hour BETWEEN 0 AND 23", name="reminder_hour"),
        CheckConstraint(
            "quiet_from_hour BETWEEN 0 AND 23 AND quiet_until_hour BETWEEN 0 AND 23 "
            "OR quiet_from_hour IS NULL AND quiet_until_hour IS NULL",
            name="quiet_hours",
        ),
    )


class CohortMember(Base):
    """Grain: one row per learner per cohort they are in."""

    __tablename__ = "cohort_members"

    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())

    __table_args__ = (Index("ix_cohort_members_user_id", "user_id"),)


class CohortLesson(Base):
    """Grain: one row per lesson of a cohort: in which order, due when."""

    __tablename__ = "cohort_lessons"

    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), primary_key=True)
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(comment="1 for the first lesson")
    due_on: Mapped[date | None] = mapped_column(Date, comment="a day in the learner's own time zone")
    due_after_days: Mapped[int | None] = mapped_column(
        comment="days after cohorts.starts_on; due_on is written from it, so readers need only that"
    )

    __table_args__ = (Index("ix_cohort_lessons_lesson_id", "lesson_id"),)


class Import(Base):
    """Grain: one row per import of a file. How far it is, for whoever waits; nothing of what stands in the file."""

    __tablename__ = "imports"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(Text, comment="roster, responses")
    actor: Mapped[str] = mapped_column(Text, comment="on whose authority: admin token, command line")
    rows_total: Mapped[int] = mapped_column()
    rows_done: Mapped[int] = mapped_column(server_default=text("0"))
    outcome: Mapped[str | None] = mapped_column(Text, comment="done, failed; NULL while it runs or after a crash")
    counts: Mapped[dict[str, int]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="rows by verdict; no personal data"
    )
    started_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(
        Moment, comment="of the last step; old without outcome: it was cut off"
    )
    finished_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_imports_started_at", "started_at"), {"schema": "ops"})


class Credential(Base):
    """A sender's public key. The secret half is shown once, to the person who made it, and kept nowhere."""

    __tablename__ = "credentials"

    id: Mapped[str] = mapped_column(Text, primary_key=True, comment="fingerprint: SHA-256 of the public key, hex")
    name: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text, comment="body on one line")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    succeeds: Mapped[str | None] = mapped_column(
        ForeignKey("credentials.id"), comment="the key that this one takes over from"
    )
    created_by: Mapped[str | None] = mapped_column(Text, comment="as the audit log names them; NULL: not known")


class Upload(Base):
    """Grain: one row per file that somebody uploaded to a page, from the look at it until a day later.

    The file itself is kept only until it is applied or discarded.
    """

    __tablename__ = "uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(Text, comment="roster, responses")
    actor: Mapped[str] = mapped_column(Text, comment="who uploaded it")
    file_name: Mapped[str] = mapped_column(Text)
    choices: Mapped[dict[str, str]] = mapped_column(JSONB, comment="what was chosen beside the file")
    content: Mapped[bytes | None] = mapped_column(LargeBinary, comment="NULL once it is applied or discarded")
    summary: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="what it comes to, or came to, without its rows")
    lines: Mapped[list[Any]] = mapped_column(JSONB, comment="the same row by row, in order")
    import_id: Mapped[UUID | None] = mapped_column(comment="ops.imports.id, once it is applied")
    problem: Mapped[str | None] = mapped_column(Text, comment="why applying it failed")
    uploaded_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_uploads_uploaded_at", "uploaded_at"),
        Index("ix_uploads_import_id", "import_id"),
        {"schema": "ops"},
    )
