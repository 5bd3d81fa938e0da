"""Bury: keep what cannot be stored, with the reason and the bytes. An exact repeat is counted, not stored twice."""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.errors import Problem
from app.ingest.models import DeadLetter
from app.platform import clock
from app.platform.ids import stable_id


def bury(
    db: Session,
    *,
    source: str,
    code: str,
    reason: str,
    body: bytes,
    problems: Sequence[Problem] = (),
    content_type: str | None = None,
    credential_id: str | None = None,
    request_id: str | None = None,
    statement_id: UUID | None = None,
    attempts: int = 0,
) -> UUID:
    """Keep one body in quarantine and return the dead letter's id, the same for every exact repeat.

    A repeat raises the count, moves last_seen_at, and opens the letter again if somebody had closed it.
    """
    letter_id = letter_id_of(source, code, body)
    now = clock.now()
    row = insert(DeadLetter).values(
        id=letter_id,
        source=source,
        code=code,
        reason=_storable(reason),
        path=_storable(problems[0].path) if problems else None,
        problems=[{key: _storable(text) for key, text in asdict(problem).items()} for problem in problems],
        body=body,
        content_type=_storable(content_type[:200]) if content_type else None,
        credential_id=credential_id,
        request_id=request_id,
        statement_id=statement_id,
        attempts=attempts,
        first_seen_at=now,
        last_seen_at=now,
    )
    db.execute(
        row.on_conflict_do_update(
            index_elements=[DeadLetter.id],
            set_={
                "seen_count": DeadLetter.seen_count + 1,
                "attempts": func.greatest(DeadLetter.attempts, row.excluded.attempts),
                "last_seen_at": row.excluded.last_seen_at,
                "request_id": row.excluded.request_id,
                "status": "open",
            },
        )
    )
    return letter_id


def letter_id_of(source: str, code: str, body: bytes) -> UUID:
    """The id under which this body, turned away here for this reason, is kept."""
    return stable_id("dead_letter", f"{source}\x00{code}\x00{sha256(body).hexdigest()}")


def open_letters(db: Session) -> int:
    """How many distinct dead letters wait for somebody."""
    return db.scalar(select(func.count()).select_from(DeadLetter).where(DeadLetter.status == "open")) or 0


def _storable(text: str) -> str:
    """Text that PostgreSQL can hold: NUL characters and lone surrogates, which it refuses, become U+FFFD."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
