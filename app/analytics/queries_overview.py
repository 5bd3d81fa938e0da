"""The SELECTs behind the overview of a cohort and its drop-off: one pass over the progress of its learners."""

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.analytics.queries import Rows, members
from app.analytics.selection import Part


def overview(
    db: Session,
    part: Part,
    lessons: Collection[tuple[UUID, date | None]],
    todays: Mapping[str, date],
    cohort_today: date,
) -> Rows:
    """Lessons and learners of :cohort_id in one answer, told apart by which of step and learner_id is there.

    By lesson (step 1 is the first): started, completed, seconds (median from first statement to completion), at (median completion).
    By learner: completed, overdue_completed (those that were due), last_at, joined_at, time_zone.
    lessons: id and day due. todays: the learner's day by time zone, cohort_today where it is not known.
    """
    started, completed = part.within("started_at"), part.within("completed_at")
    sql = f"""
WITH member AS MATERIALIZED (
    SELECT m.*, coalesce(zones.today, :cohort_today) AS today
    FROM ({members(part.condition)}) m
    LEFT JOIN unnest(CAST(:zones AS text[]), CAST(:todays AS date[])) AS zones (name, today) ON zones.name = m.time_zone
),

lesson AS (
    SELECT id, due_on, step::int FROM unnest(CAST(:lesson_ids AS uuid[]), CAST(:due AS date[]))
    WITH ORDINALITY AS lesson (id, due_on, step)
),

pair AS MATERIALIZED (
    SELECT
        p.learner_id, p.started_at, p.last_at, p.completed_at, lesson.step,
        lesson.due_on < member.today AS is_overdue
    FROM member
    JOIN gold.lesson_progress p ON p.learner_id = member.id
    LEFT JOIN lesson ON lesson.id = p.lesson_id
    WHERE p.statement_count > 0
),

learner AS (
    SELECT
        learner_id,
        count(completed_at) FILTER (WHERE step IS NOT NULL) AS completed,
        count(completed_at) FILTER (WHERE is_overdue) AS overdue_completed,
        count(*) FILTER (WHERE step IS NOT NULL) AS started,
        max(last_at) AS last_at
    FROM pair
    GROUP BY learner_id
)

SELECT
    step,
    NULL::uuid AS learner_id,
    count(*) FILTER (WHERE {started}) AS started,
    count(completed_at) FILTER (WHERE {completed}) AS completed,
    NULL::bigint AS overdue_completed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', completed_at - started_at))
        FILTER (WHERE completed_at IS NOT NULL AND {completed}) AS seconds,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', completed_at))
        FILTER (WHERE completed_at IS NOT NULL AND {completed}) AS at,
    NULL::timestamptz AS last_at,
    NULL::timestamptz AS joined_at,
    NULL::text AS time_zone
FROM pair
WHERE step IS NOT NULL
GROUP BY step
UNION ALL
SELECT
    NULL, member.id, learner.started, learner.completed, learner.overdue_completed, NULL, NULL,
    learner.last_at, member.joined_at, member.time_zone
FROM member
LEFT JOIN learner ON learner.learner_id = member.id
"""
    return db.execute(
        text(sql),
        part.bind(
            lesson_ids=[key for key, _ in lessons],
            due=[due_on for _, due_on in lessons],
            zones=list(todays),
            todays=list(todays.values()),
            cohort_today=cohort_today,
        ),
    ).all()


def time_zones(db: Session, part: Part) -> list[str]:
    """The time zones of the learners of :cohort_id, each once; whose is not known has none."""
    sql = f"SELECT DISTINCT time_zone FROM ({members(part.condition)}) member WHERE time_zone IS NOT NULL"
    return list(db.execute(text(sql), part.bind()).scalars())


def furthest(
    db: Session,
    part: Part,
    lesson_ids: Collection[UUID],
) -> Rows:
    """Lessons and furthest steps in one answer. step: 1 for the first lesson.

    By lesson (is_lesson): step, learners who started it, who completed it. By furthest step: the learners for whom it
    is the last one they started, and how many of them completed it.
    """
    started, completed = part.within("p.started_at"), part.within("p.completed_at")
    sql = f"""
WITH pair AS MATERIALIZED (
    SELECT p.learner_id, lesson.step::int, p.completed_at IS NOT NULL AND {completed} AS is_completed
    FROM ({members(part.condition)}) member
    JOIN gold.lesson_progress p ON p.learner_id = member.id
    JOIN unnest(CAST(:lesson_ids AS uuid[])) WITH ORDINALITY AS lesson (id, step) ON lesson.id = p.lesson_id
    WHERE p.statement_count > 0 AND {started}
),

learner AS (
    SELECT max(step * 2 + is_completed::int) AS furthest FROM pair GROUP BY learner_id
)

SELECT true AS is_lesson, step, count(*) AS started, count(*) FILTER (WHERE is_completed) AS completed
FROM pair GROUP BY step
UNION ALL
SELECT false, furthest / 2, count(*), sum(furthest % 2) FROM learner GROUP BY furthest / 2
"""
    return db.execute(text(sql), part.bind(lesson_ids=list(lesson_ids))).all()
