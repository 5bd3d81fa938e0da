"""The SELECTs of the overview of everything. Statements are counted in ix_statements_flat_occurred_at alone."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.analytics.queries import Rows
from app.analytics.selection import Part


def count_learners(db: Session, part: Part) -> int:
    """All learners, users known as u in the condition."""
    return int(
        db.execute(text(f"SELECT count(*) FROM users u WHERE {part.condition}"), part.bind()).scalar_one(),
    )


def count_active(db: Session, part: Part, since: datetime, until: datetime) -> int:
    """Learners with activity from since (included) until until (not included)."""
    sql = f"""
SELECT count(*) FROM (
    SELECT flat.learner_id
    FROM silver.statements_flat flat
    WHERE flat.occurred_at >= :first AND flat.occurred_at < :last
        AND flat.lesson_id IS NOT NULL AND flat.learner_id IS NOT NULL AND {part.condition}
    GROUP BY flat.learner_id
) active
"""
    return int(db.execute(text(sql), part.bind(first=since, last=until)).scalar_one())


def count_statements(db: Session, part: Part, since: datetime, until: datetime) -> int:
    """Statements of these moments, whatever they are about."""
    sql = f"""
SELECT count(*) FROM silver.statements_flat flat
WHERE flat.occurred_at >= :first AND flat.occurred_at < :last AND {part.condition}
"""
    return int(db.execute(text(sql), part.bind(first=since, last=until)).scalar_one())


def count_completions(db: Session, part: Part, *spans: tuple[datetime, datetime]) -> list[int]:
    """First completions of a lesson by a learner in each of these spans, progress known as p in the condition."""
    counted = ", ".join(
        f"count(*) FILTER (WHERE p.completed_at >= :first_{n} AND p.completed_at < :last_{n})"
        for n in range(len(spans))
    )
    sql = f"""
SELECT {counted} FROM gold.lesson_progress p
WHERE p.completed_at >= :first_of_all AND {part.condition}
"""
    bounds = {f"first_{n}": first for n, (first, _) in enumerate(spans)}
    bounds |= {f"last_{n}": last for n, (_, last) in enumerate(spans)}
    row = db.execute(text(sql), part.bind(first_of_all=min(first for first, _ in spans), **bounds)).one()
    return list(row)


def by_quarter_hour(db: Session, part: Part, since: datetime, until: datetime) -> Rows:
    """Statements by quarter of an hour: at (its beginning), statements.

    Time zones differ by whole quarters of an hour, so the caller can tell the hour in any of them.
    """
    sql = f"""
SELECT date_bin('15 minutes', flat.occurred_at, '2000-01-01T00:00:00Z') AS at, count(*) AS statements
FROM silver.statements_flat flat
WHERE flat.occurred_at >= :first AND flat.occurred_at < :last AND {part.condition}
GROUP BY 1
"""
    return db.execute(text(sql), part.bind(first=since, last=until)).all()


def cohorts(db: Session, limit: int) -> Rows:
    """The cohorts that began last, the newest first: id, slug, name, time_zone, starts_on, lesson_count."""
    sql = """
SELECT c.id, c.slug, c.name, c.time_zone, c.starts_on,
    (SELECT count(*) FROM cohort_lessons planned WHERE planned.cohort_id = c.id) AS lesson_count
FROM cohorts c ORDER BY coalesce(c.starts_on, c.created_at::date) DESC, c.name, c.id LIMIT :limit
"""
    return db.execute(text(sql), {"limit": limit}).all()


def planned_members(db: Session, part: Part, cohort_ids: Collection[UUID], todays: Sequence[date]) -> Rows:
    """Each learner of these cohorts: cohort_id, joined_at, time_zone, completed, last_at (of any lesson), and for each
    of the days how many lessons due before it they completed, as overdue_0, overdue_1 …

    Lessons are those planned for the cohort. todays: the days that it is somewhere.
    """
    overdue = [
        f"count(p.completed_at) FILTER (WHERE planned.due_on < :today_{place}) AS overdue_{place}"
        for place in range(len(todays))
    ]
    sql = f"""
SELECT m.cohort_id, m.joined_at, u.time_zone, did.*
FROM cohort_members m
JOIN users u ON u.id = m.user_id
LEFT JOIN (
    SELECT
        m.cohort_id AS of_cohort,
        m.user_id,
        max(p.last_at) AS last_at,
        count(p.completed_at) FILTER (WHERE planned.lesson_id IS NOT NULL) AS completed,
        {", ".join(overdue)}
    FROM cohort_members m
    JOIN gold.lesson_progress p ON p.learner_id = m.user_id
    LEFT JOIN cohort_lessons planned ON planned.cohort_id = m.cohort_id AND planned.lesson_id = p.lesson_id
    WHERE m.cohort_id = ANY(CAST(:cohorts AS uuid[])) AND p.statement_count > 0
    GROUP BY m.cohort_id, m.user_id
) did ON did.of_cohort = m.cohort_id AND did.user_id = m.user_id
WHERE m.cohort_id = ANY(CAST(:cohorts AS uuid[])) AND {part.condition}
"""
    days = {f"today_{place}": day for place, day in enumerate(todays)}
    return db.execute(text(sql), part.bind(cohorts=list(cohort_ids), **days)).all()


def due_lessons(db: Session, cohort_ids: Collection[UUID]) -> Rows:
    """The days due of the lessons planned for these cohorts: cohort_id, due_on."""
    sql = """
SELECT cohort_id, due_on FROM cohort_lessons
WHERE cohort_id = ANY(CAST(:cohorts AS uuid[])) AND due_on IS NOT NULL
"""
    return db.execute(text(sql), {"cohorts": list(cohort_ids)}).all()


def latest(db: Session, part: Part, limit: int) -> list[Row[Any]]:
    """What was stored last, the newest first: the columns of LatestActivity but its words, and verb and object.

    Those that are stored and not loaded yet are left out, and so are voided ones.
    """
    sql = f"""
SELECT flat.statement_id, flat.learner_id, u.name, u.email, u.phone, flat.actor_name, flat.verb, flat.object_name,
    flat.object_id, flat.lesson_id, lessons.title, flat.completes_lesson, flat.occurred_at, flat.stored_at,
    flat.response, flat.question_id
FROM (SELECT raw.id, raw.seq FROM bronze.statements_raw raw ORDER BY raw.seq DESC LIMIT :looked_at) raw
JOIN silver.statements_flat flat ON flat.statement_id = raw.id
LEFT JOIN users u ON u.id = flat.learner_id
LEFT JOIN lessons ON lessons.id = flat.lesson_id
WHERE {part.condition}
ORDER BY raw.seq DESC LIMIT :limit
"""
    return list(db.execute(text(sql), part.bind(limit=limit, looked_at=limit * 10)).all())


def stored_by_minute(db: Session, since: datetime, most: int) -> Rows:
    """Statements by the minute in which they were accepted: at, statements. most: so many of the newest are counted."""
    sql = """
SELECT date_trunc('minute', stored_at) AS at, count(*) AS statements
FROM (
    SELECT stored_at FROM bronze.statements_raw
    WHERE stored_at >= :since AND voided_by IS NULL ORDER BY stored_at DESC, seq DESC LIMIT :most
) accepted
GROUP BY 1
"""
    return db.execute(text(sql), {"since": since, "most": most}).all()
