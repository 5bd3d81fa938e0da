"""What people decided about reminders: templates of cohorts, and learners who are not to get any."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class ReminderTemplate(Base):
    """The words of a cohort's reminders. Grain: one row per cohort that has its own; the others use the default."""

    __tablename__ = "reminder_templates"

    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(Text, comment="Jinja2, one line")
    text: Mapped[str] = mapped_column(Text, comment="Jinja2, plain text")
    html: Mapped[str] = mapped_column(Text, comment="Jinja2, escaped by itself")
    updated_at: Mapped[datetime] = mapped_column(Moment)


class ReminderStop(Base):
    """Why a learner gets no reminders, or does again. Grain: one row per learner about whom something was decided."""

    __tablename__ = "reminder_stops"

    learner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(Moment, comment="the learner said so")
    bounced_at: Mapped[datetime | None] = mapped_column(Moment, comment="the mail server refused the address for good")
    bounced_address_hash: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="SHA-256 of that address; another one of the same learner is mailed"
    )
    resumed_at: Mapped[datetime | None] = mapped_column(
        Moment, comment="an admin said so; unanswered reminders are counted from then"
    )
