"""The outbox: where mails lie while no mail server is set, and how they leave with the learner they were for."""

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.models import Notification


def outbox(settings: Settings) -> Path:
    """The folder of the mails that nobody is sent."""
    return settings.data_dir.expanduser() / "outbox"


def mail_in_outbox(settings: Settings, reminder_id: UUID) -> Path:
    """Where the mail of a reminder is, if it went there."""
    return outbox(settings) / f"reminder-{reminder_id}.eml"


def reminders_of(db: Session, learner_id: UUID) -> list[UUID]:
    """The ids of all reminders of a learner."""
    return list(db.scalars(select(Notification.id).where(Notification.learner_id == learner_id)))


def forget_mails(settings: Settings, reminder_ids: Iterable[UUID]) -> int:
    """Delete the mails of these reminders from the outbox. Returns how many were there."""
    found = [path for path in (mail_in_outbox(settings, one) for one in reminder_ids) if path.exists()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
