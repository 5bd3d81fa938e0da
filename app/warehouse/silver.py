"""Silver: write flat rows, once per statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

from app.models import StatementFlat
from app.warehouse.copying import copy_new, line
from app.warehouse.cursor import raw_cursor

COLUMNS = tuple(column.name for column in StatementFlat.__table__.columns)
# The learner comes last: it is looked up when the rest of the line has been written already.
_ORDER = (*(name for name in COLUMNS if name != "learner_id"), "learner_id")
_NAMES = ", ".join(_ORDER)
_INSERT = (
    f"INSERT INTO silver.statements_flat ({_NAMES}) VALUES %s "  # noqa: S608  (names of our own columns)
    "ON CONFLICT (statement_id) DO NOTHING"
)
_values = itemgetter(*_ORDER)
_values_before_learner = itemgetter(*_ORDER[:-1])


def as_line(row: Mapping[str, Any]) -> str:
    """A flat row as text for `write`, all but its learner: what can be done before PostgreSQL is asked for anything."""
    return line(_values_before_learner(row))


def write(db: Session, rows: Sequence[Mapping[str, Any]], lines: Sequence[str]) -> None:
    """Write one flat row per statement; a row that is there already stays as it is. lines: `as_line` of each."""
    order = sorted(range(len(rows)), key=lambda place: rows[place]["statement_id"].bytes)
    full = [f"{lines[place]}\t{line((rows[place]['learner_id'],))}" for place in order]
    if not copy_new(db, "silver.statements_flat", _NAMES, full):
        with raw_cursor(db) as cursor:
            execute_values(cursor, _INSERT, [_values(rows[place]) for place in order], page_size=1_000)


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


class MovedRow(NamedTuple):
    """A flat row that another learner has now."""

    statement_id: UUID
    lesson_id: UUID | None
    completes_lesson: bool
    occurred_at: datetime


def change_learner(db: Session, source: UUID, target: UUID, actor_keys: Sequence[str] | None = None) -> list[MovedRow]:
    """Let flat rows of one learner be another's: all of them, or those that came under these actor keys."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "UPDATE silver.statements_flat SET learner_id = %(target)s WHERE learner_id = %(source)s "
            "AND (%(keys)s::text[] IS NULL OR actor_key = ANY(%(keys)s::text[])) "
            "RETURNING statement_id, lesson_id, completes_lesson, occurred_at",
            {"source": source, "target": target, "keys": list(actor_keys) if actor_keys is not None else None},
        )
        return [MovedRow(*row) for row in cursor.fetchall()]
