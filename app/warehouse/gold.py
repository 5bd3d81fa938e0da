"""Gold: recompute exactly the keys that were touched. Nothing is ever counted up by one."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

_LESSON_PROGRESS = (Path(__file__).parent / "sql" / "gold" / "lesson_progress.sql").read_text(encoding="utf-8")
# A row that is there is locked even though nothing of it is changed; one that its holder has just removed is entered
# once more. So after this every row is there and ours.
_CLAIM = """
INSERT INTO gold.lesson_progress AS progress (learner_id, lesson_id)
SELECT * FROM unnest(%s::uuid[], %s::uuid[])
ON CONFLICT (learner_id, lesson_id) DO UPDATE SET statement_count = progress.statement_count WHERE false
"""
_REMOVE_UNTOUCHED = """
DELETE FROM gold.lesson_progress
WHERE (learner_id, lesson_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[])) AND statement_count = 0
"""

Key = tuple[UUID, UUID]
"""A learner and a lesson: a row of gold.lesson_progress."""


def refresh_lesson_progress(db: Session, keys: Collection[Key]) -> None:
    """Recompute gold.lesson_progress for these (learner, lesson) pairs from silver. Without statements there is no row.

    The rows are claimed and locked, in one order, before anything is read: of two loaders that touch the same pair the
    second one reads only after the first has committed, and so misses none of its statements. Only who holds a row
    removes it.
    """
    ordered = sorted(set(keys), key=lambda key: (key[0].bytes, key[1].bytes))
    if not ordered:
        return
    learners, lessons = [learner for learner, _ in ordered], [lesson for _, lesson in ordered]
    with raw_cursor(db) as cursor:
        cursor.execute(_CLAIM, (learners, lessons))
        cursor.execute(_LESSON_PROGRESS, {"learner_ids": learners, "lesson_ids": lessons})
        cursor.execute(_REMOVE_UNTOUCHED, (learners, lessons))


def keys_after(db: Session, after: Key | None, limit: int) -> list[Key]:
    """The next pairs after this one, in order, that have a row here or ought to have one."""
    beyond = "AND (learner_id, lesson_id) > (%(learner)s, %(lesson)s)" if after else ""
    both = " UNION ".join(
        f"(SELECT DISTINCT learner_id, lesson_id FROM {table} "  # noqa: S608  (names of our own tables)
        f"WHERE learner_id IS NOT NULL AND lesson_id IS NOT NULL {beyond} "
        "ORDER BY learner_id, lesson_id LIMIT %(limit)s)"
        for table in ("silver.statements_flat", "gold.lesson_progress")
    )
    learner, lesson = after or (None, None)
    with raw_cursor(db) as cursor:
        cursor.execute(
            f"{both} ORDER BY learner_id, lesson_id LIMIT %(limit)s",
            {"learner": learner, "lesson": lesson, "limit": limit},
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def lessons_of(db: Session, learner_id: UUID) -> list[UUID]:
    """The lessons that a learner has a row for."""
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT lesson_id FROM gold.lesson_progress WHERE learner_id = %s", (learner_id,))
        return [row[0] for row in cursor.fetchall()]
