"""What lies in the outbox: mails of this system as files, listed and read. They are our own, and still only data."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from pydantic import BaseModel

from app.config import Settings
from app.errors import NotFound
from app.notifications.outbox import outbox

MOST_FILES = 20_000
"""Files of the folder that are looked at; an outbox is for trying things out."""
MOST_MAIL_BYTES = 2 * 2**20
_HEADER_BYTES = 16 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.eml", re.ASCII)


class OutboxRow(BaseModel):
    """A mail in the outbox. at: when it was written. test: a copy that somebody had sent to themselves."""

    name: str
    subject: str
    recipient: str
    size_bytes: int
    at: datetime
    test: bool


class OutboxPage(BaseModel):
    """Mails, the newest first. more: give it as ?from= for the next page; total: files that were looked at."""

    mails: list[OutboxRow]
    total: int
    more: int | None


class OutboxMail(OutboxRow):
    """One mail with its words. headers: as they stand there, in order."""

    headers: list[tuple[str, str]]
    text: str
    html: str


def listed(settings: Settings, start: int, limit: int) -> OutboxPage:
    """A page of mails, the newest first. Empty while nothing was ever written there."""
    found = []
    try:
        for number, path in enumerate(outbox(settings).glob("[A-Za-z0-9]*.eml")):
            if number >= MOST_FILES:
                break
            if (at := _written_at(path)) is not None:
                found.append((at, path.name))
    except OSError:
        pass
    found.sort(reverse=True)
    rows = [row for _, name in found[start : start + limit] if (row := _row(settings, name)) is not None]
    return OutboxPage(mails=rows, total=len(found), more=start + limit if start + limit < len(found) else None)


def read(settings: Settings, name: str) -> OutboxMail:
    """One mail. NotFound for a name that is none of the outbox."""
    row, content = _row(settings, name), file_of(settings, name)
    if row is None:
        raise _nothing()
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)  # noqa: S101  (what this policy makes)
    return OutboxMail(
        **row.model_dump(),
        headers=[(key, _text(value)) for key, value in message.items()],
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def file_of(settings: Settings, name: str) -> bytes:
    """The bytes of a mail. NotFound for a name that is none of the outbox."""
    try:
        if _NAME.fullmatch(name):
            with (outbox(settings) / name).open("rb") as file:
                return file.read(MOST_MAIL_BYTES)
    except OSError:
        pass
    raise _nothing()


def _row(settings: Settings, name: str) -> OutboxRow | None:
    path = outbox(settings) / name
    if not _NAME.fullmatch(name) or (at := _written_at(path)) is None:
        return None
    try:
        with path.open("rb") as file:
            start, size = file.read(_HEADER_BYTES), path.stat().st_size
    except OSError:
        return None
    head = message_from_bytes(start, policy=default)
    return OutboxRow(
        name=name,
        subject=_text(head["Subject"]),
        recipient=_text(head["To"]),
        size_bytes=size,
        at=datetime.fromtimestamp(at, UTC),
        test=name.startswith("test-"),
    )


def _written_at(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError):
        return ""


def _text(value: object) -> str:
    return str(value or "").encode("utf-8", "replace").decode()


def _nothing() -> NotFound:
    return NotFound("The outbox holds no mail of this name.")
