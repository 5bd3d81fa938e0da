"""Dead letters that are about one person: found by what stands in them."""

import base64
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.ingest.models import DeadLetter

_ROWS_AT_ONCE = 20
"""Letters in memory at once; each may be as long as a request."""

Holds = Callable[[str | bytes], bool]
"""Whether a text holds what identifies the person."""


def holding(db: Session, holds: Holds) -> Iterator[UUID]:
    """Letters whose body, reason or problems hold it."""
    letter = DeadLetter
    query = select(letter.id, letter.body, letter.reason, letter.problems, letter.path, letter.resolution)
    for row in db.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        told = orjson.dumps([row.reason, row.problems, row.path, row.resolution])
        if holds(bytes(row.body)) or holds(told):
            yield row.id


def of_statements(db: Session, ids: Collection[UUID]) -> list[UUID]:
    """Letters that are about one of these statements."""
    return list(db.scalars(select(DeadLetter.id).where(DeadLetter.statement_id.in_(ids))))


def show(db: Session, ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The letters, for the person to read; their bytes as base64."""
    return [
        {
            "id": str(letter.id),
            "reason": letter.reason,
            "first_seen_at": letter.first_seen_at,
            "content_type": letter.content_type,
            "body": base64.b64encode(letter.body).decode(),
        }
        for letter in db.scalars(select(DeadLetter).where(DeadLetter.id.in_(ids)).order_by(DeadLetter.first_seen_at))
    ]


def delete_letters(db: Session, ids: Collection[UUID]) -> None:
    """Delete letters with their bytes."""
    db.execute(delete(DeadLetter).where(DeadLetter.id.in_(ids)))


def count_older(db: Session, moment: datetime) -> int:
    """How many letters were last seen before this moment."""
    return db.scalar(select(func.count()).select_from(DeadLetter).where(DeadLetter.last_seen_at < moment)) or 0


def delete_older(db: Session, moment: datetime) -> int:
    """Delete letters that were last seen before this moment, whatever became of them. Returns how many."""
    return len(db.scalars(delete(DeadLetter).where(DeadLetter.last_seen_at < moment).returning(DeadLetter.id)).all())
