"""Silver: write flat rows, once per statement."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

from app.models import StatementFlat
from app.warehouse.cursor import raw_cursor

COLUMNS = tuple(column.name for column in StatementFlat.__table__.columns)
_INSERT = (
    f"INSERT INTO silver.statements_flat ({', '.join(COLUMNS)}) VALUES %s "  # noqa: S608  (names of our own columns)
    "ON CONFLICT (statement_id) DO NOTHING"
)


def write(db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one flat row per statement; a row that is there already stays as it is."""
    ordered = sorted(rows, key=lambda row: row["statement_id"].bytes)
    with raw_cursor(db) as cursor:
        execute_values(
            cursor,
            _INSERT,
            [tuple(row[name] for name in COLUMNS) for row in ordered],
            page_size=1_000,
        )


def withdraw(db: Session, ids: Sequence[UUID]) -> list[tuple[UUID, UUID | None, UUID | None]]:
    """Take the flat rows of these statements away. Returns (statement, learner, lesson) of each that had one."""
    if not ids:
        return []
    with raw_cursor(db) as cursor:
        cursor.execute(
            "DELETE FROM silver.statements_flat WHERE statement_id = ANY(%s) "
            "RETURNING statement_id, learner_id, lesson_id",
            (list(ids),),
        )
        return [(row[0], row[1], row[2]) for row in cursor.fetchall()]
