"""Documents that are about one person: found by whose they are, and by what stands in them."""

import base64
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.lrs.models import ActivityProfileDocument, AgentProfileDocument, StateDocument

_OWN = (StateDocument, AgentProfileDocument)
_ROWS_AT_ONCE = 50

Holds = Callable[[str | bytes], bool]
"""Whether a text holds what identifies the person."""


def count(db: Session, agents: Sequence[str], holds: Holds) -> dict[str, int]:
    """How many documents of each kind are about them."""
    return {table.__tablename__: len(list(_keys(db, table, agents, holds))) for table in _OWN}


def count_shared(db: Session, holds: Holds) -> int:
    """How many documents of activities, which belong to everybody, hold what identifies them."""
    table = ActivityProfileDocument
    rows = db.execute(select(table.content, table.activity_iri, table.document_id).execution_options(yield_per=50))
    return sum(holds(bytes(row.content)) or holds(f"{row.activity_iri} {row.document_id}") for row in rows)


def show(db: Session, agents: Sequence[str], holds: Holds) -> list[dict[str, Any]]:
    """The documents themselves, for the person to read; their bytes as base64."""
    found: list[dict[str, Any]] = []
    for table in _OWN:
        for key in list(_keys(db, table, agents, holds)):
            row: Any = db.get_one(table, key)
            found.append(
                {
                    "kind": table.__tablename__,
                    "id": row.document_id,
                    "activity": getattr(row, "activity_iri", None),
                    "content_type": row.content_type,
                    "updated_at": row.updated_at,
                    "content": base64.b64encode(row.content).decode(),
                }
            )
    return found


def delete_documents(db: Session, agents: Sequence[str], holds: Holds) -> None:
    """Delete what is about them."""
    for table in _OWN:
        keys = sorted(_keys(db, table, agents, holds))
        db.execute(delete(table).where(table.key.in_(keys)))


def count_older(db: Session, moment: datetime) -> int:
    """How many documents of persons were last updated before this moment."""
    return sum(
        db.scalar(select(func.count()).select_from(table).where(table.updated_at < moment)) or 0 for table in _OWN
    )


def delete_older(db: Session, moment: datetime) -> int:
    """Delete documents of persons that were last updated before this moment. Returns how many."""
    gone = 0
    for table in _OWN:
        gone += len(db.scalars(delete(table).where(table.updated_at < moment).returning(table.key)).all())
    return gone


def _keys(
    db: Session, table: type[StateDocument] | type[AgentProfileDocument], agents: Sequence[str], holds: Holds
) -> Iterator[UUID]:
    query = select(table.key, table.agent, table.document_id, table.content)
    for row in db.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        if row.agent in agents or holds(f"{row.agent} {row.document_id}") or holds(bytes(row.content)):
            yield row.key
