"""The SELECTs behind the overview of a cohort and its drop-off.

Each passes over the progress of the learners by itself: the key of gold.lesson_progress holds all that is counted, and
reading it twice takes less than keeping what was read.
"""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.analytics.queries import Rows, member_ids, members
from app.analytics.selection import Part

_UPPER = 0.5 + 1e-9
"""Of an even number of values, the upper one of the two in the middle. Moments cannot be averaged in SQL, and sort in
half the time that it takes to make numbers of them first.
"""


def lessons(db: Session, part: Part, lesson_ids: Collection[UUID]) -> Rows:
    """By lesson, of the learners of :cohort_id: started, completed, seconds (the median from first statement to
    completion), at (the two middle moments of completion, the same one twice where their number is odd).
    """
    started, completed = part.within("p.started_at"), part.within("p.completed_at")
    # Medians leave out what is NULL.
    sql = f"""
SELECT
    p.lesson_id,
    count(*) FILTER (WHERE {started}) AS started,
    count(p.completed_at) FILTER (WHERE {completed}) AS completed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', p.completed_at - p.started_at))
        FILTER (WHERE {completed}) AS seconds,
    percentile_disc(ARRAY[0.5, {_UPPER}]) WITHIN GROUP (ORDER BY p.completed_at) FILTER (WHERE {completed}) AS at
FROM ({member_ids(part.condition)}) member
JOIN gold.lesson_progress p ON p.learner_id = member.id
WHERE p.lesson_id = ANY(CAST(:lesson_ids AS uuid[])) AND p.statement_count > 0
GROUP BY p.lesson_id
"""
    return db.execute(text(sql), part.bind(lesson_ids=list(lesson_ids))).all()


def learners(db: Session, part: Part, lessons: Collection[tuple[UUID, date | None]], todays: Sequence[date]) -> Rows:
    """Each learner of :cohort_id: id, joined_at, time_zone, started, completed, last_at, and for each of the days how
    many lessons due before it they completed, as overdue_0, overdue_1 …

    lessons: id and day due. todays: the days that it is somewhere. last_at: of any lesson, planned or not.
    """
    planned = "p.lesson_id = ANY(CAST(:planned AS uuid[]))"
    overdue = [
        f"count(p.completed_at) FILTER (WHERE p.lesson_id = ANY(CAST(:due_{place} AS uuid[]))) AS overdue_{place}"
        for place in range(len(todays))
    ]
    # Learner by learner along the key, and the plan as lists: joined to it as a table this takes half as long again.
    sql = f"""
SELECT member.id, member.joined_at, member.time_zone, did.*
FROM ({members(part.condition)}) member
CROSS JOIN LATERAL (
    SELECT
        max(p.last_at) AS last_at,
        count(*) FILTER (WHERE {planned}) AS started,
        count(p.completed_at) FILTER (WHERE {planned}) AS completed,
        {", ".join(overdue)}
    FROM gold.lesson_progress p
    WHERE p.learner_id = member.id AND p.statement_count > 0
) did
"""
    due = {
        f"due_{place}": [key for key, due_on in lessons if due_on and due_on < day] for place, day in enumerate(todays)
    }
    return db.execute(text(sql), part.bind(planned=[key for key, _ in lessons], **due)).all()


def time_zones(db: Session, part: Part) -> list[str]:
    """The time zones of the learners of :cohort_id, each once; whose is not known has none."""
    sql = f"SELECT DISTINCT time_zone FROM ({members(part.condition)}) member WHERE time_zone IS NOT NULL"
    return list(db.execute(text(sql), part.bind()).scalars())


def furthest(db: Session, part: Part, lesson_ids: Collection[UUID]) -> Rows:
    """By step (1 for the first lesson): the learners of :cohort_id for whom it is the furthest one they started in the
    span, and how many of them completed it.
    """
    started, completed = part.within("p.started_at"), part.within("p.completed_at")
    sql = f"""
SELECT (furthest / 2)::int AS step, count(*) AS learners, sum(furthest % 2)::int AS completed
FROM (
    SELECT max(lesson.step * 2 + (p.completed_at IS NOT NULL AND {completed})::int) AS furthest
    FROM ({member_ids(part.condition)}) member
    JOIN gold.lesson_progress p ON p.learner_id = member.id
    JOIN unnest(CAST(:lesson_ids AS uuid[])) WITH ORDINALITY AS lesson (id, step) ON lesson.id = p.lesson_id
    WHERE p.statement_count > 0 AND {started}
    GROUP BY p.learner_id
) learner
GROUP BY step
"""
    return db.execute(text(sql), part.bind(lesson_ids=list(lesson_ids))).all()
