"""Gold: recompute exactly the keys that were touched. Nothing is ever counted up by one."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

_LESSON_PROGRESS = (Path(__file__).parent / "sql" / "gold" / "lesson_progress.sql").read_text(encoding="utf-8")
_CLAIM = "INSERT INTO gold.lesson_progress (learner_id, lesson_id) VALUES %s ON CONFLICT DO NOTHING"
_LOCK = """
SELECT FROM gold.lesson_progress
WHERE (learner_id, lesson_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
ORDER BY learner_id, lesson_id
FOR NO KEY UPDATE
"""


def refresh_lesson_progress(db: Session, keys: Collection[tuple[UUID, UUID]]) -> None:
    """Recompute gold.lesson_progress for these (learner, lesson) pairs from silver.

    The rows are claimed and locked, in one order, before anything is read: of two loaders that touch the same pair the
    second one reads only after the first has committed, and so misses none of its statements.
    """
    ordered = sorted(keys, key=lambda key: (key[0].bytes, key[1].bytes))
    if not ordered:
        return
    learners, lessons = [learner for learner, _ in ordered], [lesson for _, lesson in ordered]
    with raw_cursor(db) as cursor:
        execute_values(cursor, _CLAIM, ordered, page_size=1_000)
        cursor.execute(_LOCK, (learners, lessons))
        cursor.execute(_LESSON_PROGRESS, {"learner_ids": learners, "lesson_ids": lessons})
