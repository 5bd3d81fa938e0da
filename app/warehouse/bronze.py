"""Bronze: store statements as they were received, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import StatementRaw
from app.warehouse.cursor import raw_cursor

_INSERT = """
INSERT INTO bronze.statements_raw (id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at)
VALUES %s
ON CONFLICT (id) DO NOTHING
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class RawStatement:
    """One statement as received. payload: its JSON text as sent. content_hash: see lrs.statements.comparison_hash."""

    id: UUID
    payload: bytes
    content_hash: bytes
    stored_at: datetime
    xapi_version: str
    credential_id: str


def store(db: Session, statements: Sequence[RawStatement], *, flattened_at: datetime | None) -> set[UUID]:
    """Store what is not there yet and return the ids that were new. The unique id decides, whoever else is storing.

    Rows go in sorted by id, so that two loaders that meet the same statements wait for each other in one order only.
    flattened_at: the mark of rows whose flat row is written in the same transaction; None leaves them to the sweep.
    """
    rows = [
        (
            s.id,
            s.payload.decode(),
            s.content_hash,
            s.stored_at,
            s.xapi_version,
            s.credential_id,
            flattened_at,
        )
        for s in sorted(statements, key=lambda s: s.id.bytes)
    ]
    with raw_cursor(db) as cursor:
        return {row[0] for row in execute_values(cursor, _INSERT, rows, page_size=1_000, fetch=True)}


def content_hashes(db: Session, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The content hash of each of these statements that is stored."""
    found = db.execute(select(StatementRaw.id, StatementRaw.content_hash).where(StatementRaw.id.in_(ids)))
    return {row.id: bytes(row.content_hash) for row in found}
