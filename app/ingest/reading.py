"""A dead letter as a page shows it: who sends such letters, and the part of a body that somebody can mend."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Credential
from app.ingest.dead_letters import no_such_letter
from app.ingest.models import DeadLetter
from app.ingest.pointing import MOST_CHARACTERS
from app.lrs.attachments import parse_multipart
from app.lrs.statements import Refused

MOST_SENDERS = 200


class SenderRead(BaseModel):
    """A key whose letters can be asked for. id: its fingerprint."""

    id: str
    name: str
    revoked: bool


class MendableRead(BaseModel):
    """What of a body somebody can write anew. text: as it came, None where it is no text; parts: attachments beside it.

    whole: nothing is cut off, so that it can be edited and sent.
    """

    text: str | None
    parts: int
    whole: bool


def senders(db: Session) -> list[SenderRead]:
    """Every key of a sender, the newest first."""
    rows = db.scalars(select(Credential).order_by(Credential.created_at.desc(), Credential.id).limit(MOST_SENDERS))
    return [SenderRead(id=row.id, name=row.name, revoked=row.revoked_at is not None) for row in rows]


def mendable(db: Session, letter_id: UUID) -> MendableRead:
    """The JSON of a letter, without the attachments that came with it. NotFound when there is no such letter."""
    row: Any = db.execute(select(DeadLetter.body, DeadLetter.content_type).filter_by(id=letter_id)).first()
    if row is None:
        raise no_such_letter(letter_id)
    body, parts = bytes(row.body), 0
    if (row.content_type or "").strip().lower().startswith("multipart/"):
        try:
            body, found = parse_multipart(row.content_type, body)
            parts = len(found)
        except Refused:
            return MendableRead(text=_text(body), parts=0, whole=False)
    text = _text(body)
    return MendableRead(text=text, parts=parts, whole=text is not None and len(text) <= MOST_CHARACTERS)


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
