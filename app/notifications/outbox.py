"""The outbox: where mails lie while no mail server is set, and how they leave with the learner they were for."""

import os
import re
import tempfile
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.models import Notification
from app.platform.mail import WIRE, ServerAway


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


class OutboxMailer:
    """Writes each mail as a file that mail programs open. Nobody is ever mailed by accident."""

    def __init__(self, folder: Path):
        self._folder = folder

    def open(self) -> None:
        """Make the folder, for our eyes only."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ServerAway(f"{self._folder}: {error}") from error

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """The file is there whole or not at all; the same mail again replaces it."""
        name = re.sub(r"[^A-Za-z0-9.-]", "_", str(message["Message-ID"]).strip("<>").partition("@")[0])
        self.open()
        try:
            _write_whole(self._folder / f"{name}.eml", message.as_bytes(policy=WIRE))
        except OSError as error:
            raise ServerAway(f"{self._folder}: {error}") from error
        return f"written to {self._folder.name}/{name}.eml"

    def close(self) -> None:
        """Nothing to do."""


def _write_whole(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)  # only there still when something failed
