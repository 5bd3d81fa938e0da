"""The SELECTs on cohorts, their lessons and their learners. Each is bounded by a cohort, a lesson or a page."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts.visibility import EVERYBODY
from app.analytics.selection import Part

Rows = Sequence[Row[Any]]


def members(condition: str) -> str:
    """The learners of :cohort_id who fulfil a condition, as the rows of a query: id, joined_at, time_zone."""
    return (
        "SELECT u.id, m.joined_at, u.time_zone FROM cohort_members m JOIN users u ON u.id = m.user_id "
        f"WHERE m.cohort_id = :cohort_id AND {condition}"
    )


def member_ids(condition: str) -> str:
    """As `members`, for queries that want nothing but the id; without a condition nobody has to look at the people."""
    if condition == EVERYBODY:
        return "SELECT user_id AS id FROM cohort_members WHERE cohort_id = :cohort_id"
    return members(condition)


def planned_lessons(db: Session, cohort_id: UUID) -> Rows:
    """The lessons planned for the cohort, in order: id, activity_id, title, position, due_on."""
    return db.execute(
        text(
            "SELECT l.id, l.activity_id, l.title, c.position, c.due_on FROM cohort_lessons c "
            "JOIN lessons l ON l.id = c.lesson_id WHERE c.cohort_id = :cohort_id ORDER BY c.position, l.id"
        ),
        {"cohort_id": cohort_id},
    ).all()


def touched_lessons(db: Session, cohort_id: UUID, limit: int) -> Rows:
    """Every lesson that a learner of the cohort has touched, the one first touched first; columns as when planned."""
    return db.execute(
        text(
            "SELECT l.id, l.activity_id, l.title, NULL::int AS position, NULL::date AS due_on FROM ("
            "SELECT p.lesson_id, min(p.started_at) AS first FROM cohort_members m "
            "JOIN gold.lesson_progress p ON p.learner_id = m.user_id "
            "WHERE m.cohort_id = :cohort_id AND p.statement_count > 0 GROUP BY p.lesson_id"
            ") touched JOIN lessons l ON l.id = touched.lesson_id ORDER BY touched.first, l.id LIMIT :limit"
        ),
        {"cohort_id": cohort_id, "limit": limit},
    ).all()


def count_learners(db: Session, part: Part) -> int:
    """How many learners of :cohort_id the report is about."""
    return int(
        db.execute(text(f"SELECT count(*) FROM ({member_ids(part.condition)}) member"), part.bind()).scalar_one()
    )


def learners(db: Session, part: Part, after: tuple[str, UUID] | None, limit: int) -> Rows:
    """The next learners of :cohort_id, in order: id, name, email, phone, sort."""
    beyond = f"AND ({part.order}, u.id) > (:after_sort, :after_id)" if after else ""
    return db.execute(
        text(
            f"SELECT u.id, u.name, u.email, u.phone, {part.order} AS sort FROM cohort_members m "
            f"JOIN users u ON u.id = m.user_id WHERE m.cohort_id = :cohort_id AND {part.condition} {beyond} "
            "ORDER BY sort, u.id LIMIT :limit"
        ),
        part.bind(after_sort=after and after[0], after_id=after and after[1], limit=limit),
    ).all()


def people(db: Session, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """These learners by id: id, name, email, phone, avatar."""
    rows = db.execute(
        text("SELECT id, name, email, phone, avatar FROM users WHERE id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": list(ids)},
    )
    return {row.id: row for row in rows}


def totals(db: Session, part: Part, lesson_ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """By lesson, how many learners of :cohort_id started and completed it in the span."""
    sql = f"""
SELECT
    p.lesson_id,
    count(*) FILTER (WHERE {part.within('p.started_at')}) AS started,
    count(p.completed_at) FILTER (WHERE {part.within('p.completed_at')}) AS completed
FROM ({member_ids(part.condition)}) member
JOIN gold.lesson_progress p ON p.learner_id = member.id
WHERE p.lesson_id = ANY(CAST(:lesson_ids AS uuid[])) AND p.statement_count > 0
GROUP BY p.lesson_id
"""
    rows = db.execute(text(sql), part.bind(lesson_ids=list(lesson_ids)))
    return {row.lesson_id: row for row in rows}


def progress(db: Session, learner_ids: Collection[UUID], lesson_ids: Collection[UUID]) -> Rows:
    """What these learners did with these lessons: learner_id, lesson_id, started_at, completed_at."""
    return db.execute(
        text(
            "SELECT learner_id, lesson_id, started_at, completed_at FROM gold.lesson_progress "
            "WHERE learner_id = ANY(CAST(:learner_ids AS uuid[])) AND lesson_id = ANY(CAST(:lesson_ids AS uuid[])) "
            "AND statement_count > 0"
        ),
        {"learner_ids": list(learner_ids), "lesson_ids": list(lesson_ids)},
    ).all()
