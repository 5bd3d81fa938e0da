"""The SELECTs behind the lists of all cohorts and all lessons, the grid of a cohort, and the page of a lesson.

Each is one pass over the progress that it is about; none reads statements.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.visibility import EVERYBODY
from app.analytics.queries import Rows, member_ids
from app.analytics.selection import Part

MAX_ATTRIBUTES = 12
MAX_ATTRIBUTE_VALUES = 40
"""How many attributes are offered to filter by; one with more different values tells people apart, not groups."""


def zones(db: Session) -> list[str]:
    """Every time zone of learners of cohorts, and of cohorts, each once."""
    sql = "SELECT time_zone FROM cohorts UNION SELECT time_zone FROM users WHERE time_zone IS NOT NULL"
    return list(db.execute(text(sql)).scalars())


def cohorts(
    db: Session,
    condition: str,
    seen: Mapping[str, object],
    *,
    todays: Mapping[str, date],
    begins: Mapping[UUID, datetime],
    active_since: datetime,
    silent_since: datetime,
    behind_lessons: int,
) -> Rows:
    """Every cohort with its figures: id, slug, name, time_zone, learners, lessons, completed, active, finished and
    at_risk.

    condition: on learners known as u, with its parameters. todays: the day it is, by name of time zone, cohorts' among
    them. begins: the first moment of cohorts that have a first day.
    """
    sql = f"""
WITH zone AS (SELECT * FROM unnest(CAST(:zones AS text[]), CAST(:todays AS date[])) AS zone (name, today)),

begin AS (SELECT * FROM unnest(CAST(:begun AS uuid[]), CAST(:moments AS timestamptz[])) AS begin (id, moment)),

size AS (
    SELECT cohort_id, count(*) AS lessons, true AS is_planned FROM cohort_lessons GROUP BY cohort_id
    UNION ALL
    SELECT m.cohort_id, count(DISTINCT p.lesson_id), false FROM cohort_members m
    JOIN gold.lesson_progress p ON p.learner_id = m.user_id AND p.statement_count > 0
    WHERE NOT EXISTS (SELECT FROM cohort_lessons c WHERE c.cohort_id = m.cohort_id)
    GROUP BY m.cohort_id
),

due AS (
    SELECT c.cohort_id, day.today, count(*) AS lessons
    FROM (SELECT DISTINCT today FROM zone) day JOIN cohort_lessons c ON c.due_on < day.today
    GROUP BY c.cohort_id, day.today
),

member AS MATERIALIZED (
    SELECT
        m.cohort_id, m.user_id, greatest(m.joined_at, begin.moment) AS begun_at,
        coalesce(own.today, home.today) AS today, size.lessons, coalesce(size.is_planned, false) AS is_planned
    FROM cohort_members m
    JOIN users u ON u.id = m.user_id
    JOIN cohorts h ON h.id = m.cohort_id
    JOIN zone home ON home.name = h.time_zone
    LEFT JOIN zone own ON own.name = u.time_zone
    LEFT JOIN begin ON begin.id = m.cohort_id
    LEFT JOIN size ON size.cohort_id = m.cohort_id
    WHERE {condition}
),

did AS (
    SELECT
        member.cohort_id, member.user_id, max(p.last_at) AS last_at,
        count(p.completed_at) FILTER (WHERE c.lesson_id IS NOT NULL OR NOT member.is_planned) AS completed,
        count(p.completed_at) FILTER (WHERE c.due_on < member.today) AS overdue_completed
    FROM member
    JOIN gold.lesson_progress p ON p.learner_id = member.user_id AND p.statement_count > 0
    LEFT JOIN cohort_lessons c ON c.cohort_id = member.cohort_id AND c.lesson_id = p.lesson_id
    GROUP BY member.cohort_id, member.user_id
),

learner AS (
    SELECT
        member.cohort_id, member.begun_at, did.last_at,
        coalesce(did.completed, 0) AS completed,
        coalesce(member.lessons > 0 AND did.completed = member.lessons, false) AS is_finished,
        coalesce(due.lessons, 0) - coalesce(did.overdue_completed, 0) AS overdue
    FROM member
    LEFT JOIN did USING (cohort_id, user_id)
    LEFT JOIN due ON due.cohort_id = member.cohort_id AND due.today = member.today
)

SELECT
    h.id, h.slug, h.name, h.time_zone, coalesce(size.lessons, 0) AS lessons,
    count(learner.cohort_id) AS learners,
    coalesce(sum(learner.completed), 0)::bigint AS completed,
    count(*) FILTER (WHERE learner.last_at >= :active_since) AS active,
    count(*) FILTER (WHERE learner.is_finished) AS finished,
    count(*) FILTER (
        WHERE NOT learner.is_finished AND (
            learner.overdue >= :behind_lessons OR coalesce(learner.last_at, learner.begun_at) <= :silent_since
        )
    ) AS at_risk
FROM cohorts h
LEFT JOIN learner ON learner.cohort_id = h.id
LEFT JOIN size ON size.cohort_id = h.id
GROUP BY h.id, size.lessons
"""
    parameters = {
        **seen,
        "zones": list(todays),
        "todays": list(todays.values()),
        "begun": list(begins),
        "moments": list(begins.values()),
        "active_since": active_since,
        "silent_since": silent_since,
        "behind_lessons": behind_lessons,
    }
    return db.execute(text(sql), parameters).all()


def active(db: Session, condition: str, seen: Mapping[str, object], active_since: datetime) -> tuple[int, int]:
    """How many of the members of all cohorts are active, and how many there are. condition: on learners known as u."""
    only = "" if condition == EVERYBODY else f"JOIN users u ON u.id = m.user_id AND {condition}"
    sql = f"""
SELECT count(did.learner_id) AS active, count(*) AS members
FROM cohort_members m {only}
LEFT JOIN (
    SELECT DISTINCT learner_id FROM gold.lesson_progress WHERE last_at >= :active_since AND statement_count > 0
) did ON did.learner_id = m.user_id
"""
    row = db.execute(text(sql), {**seen, "active_since": active_since}).one()
    return row.active, row.members


def next_lessons(db: Session, todays: Mapping[str, date]) -> Rows:
    """By cohort, the planned lesson that is due next, today included: cohort_id and the columns of PlannedLesson."""
    sql = """
SELECT DISTINCT ON (c.cohort_id) c.cohort_id, l.id, l.activity_id, l.title, c.position, c.due_on
FROM cohort_lessons c
JOIN cohorts h ON h.id = c.cohort_id
JOIN unnest(CAST(:zones AS text[]), CAST(:todays AS date[])) AS zone (name, today) ON zone.name = h.time_zone
JOIN lessons l ON l.id = c.lesson_id
WHERE c.due_on >= zone.today
ORDER BY c.cohort_id, c.due_on, c.position
"""
    return db.execute(text(sql), {"zones": list(todays), "todays": list(todays.values())}).all()


def completed_before(db: Session, part: Part, lesson_ids: Collection[UUID], moment: datetime) -> list[int]:
    """How many of these lessons each learner of :cohort_id had completed before a moment; who had none is left out."""
    sql = f"""
SELECT count(*)
FROM ({member_ids(part.condition)}) member
JOIN gold.lesson_progress p ON p.learner_id = member.id
WHERE p.lesson_id = ANY(CAST(:lesson_ids AS uuid[])) AND p.completed_at < :moment AND p.statement_count > 0
GROUP BY p.learner_id
"""
    return list(db.execute(text(sql), part.bind(lesson_ids=list(lesson_ids), moment=moment)).scalars())


def marks(db: Session, part: Part, learner_ids: Collection[UUID], lesson_ids: Sequence[UUID]) -> Rows:
    """What these learners did with these lessons: learner_id, places (of the lessons, 1 for the first), marks.

    marks: a letter for each place: d completed in the span, c completed outside of it, p started in it, s outside.
    """
    sql = f"""
SELECT
    p.learner_id, array_agg(lesson.place::int) AS places,
    string_agg(
        CASE
            WHEN p.completed_at IS NOT NULL THEN CASE WHEN {part.within('p.completed_at')} THEN 'd' ELSE 'c' END
            WHEN {part.within('p.started_at')} THEN 'p' ELSE 's'
        END, ''
    ) AS marks
FROM gold.lesson_progress p
JOIN unnest(CAST(:lesson_ids AS uuid[])) WITH ORDINALITY AS lesson (id, place) ON lesson.id = p.lesson_id
WHERE p.learner_id = ANY(CAST(:learner_ids AS uuid[])) AND p.statement_count > 0
GROUP BY p.learner_id
"""
    return db.execute(
        text(sql),
        {
            "since": part.since,
            "until": part.until,
            "learner_ids": list(learner_ids),
            "lesson_ids": list(lesson_ids),
        },
    ).all()


def attributes(db: Session, cohort_id: UUID, condition: str, seen: Mapping[str, object]) -> Rows:
    """What the learners of a cohort can be told apart by: name, values (sorted). condition: on learners known as u."""
    sql = f"""
SELECT key AS name, array_agg(DISTINCT value ORDER BY value) AS values
FROM cohort_members m JOIN users u ON u.id = m.user_id, jsonb_each_text(u.attributes)
WHERE m.cohort_id = :cohort_id AND value <> '' AND {condition}
GROUP BY key HAVING count(DISTINCT value) <= :most_values ORDER BY key LIMIT :most
"""
    return db.execute(
        text(sql), {**seen, "cohort_id": cohort_id, "most_values": MAX_ATTRIBUTE_VALUES, "most": MAX_ATTRIBUTES}
    ).all()


def lessons(db: Session, condition: str, seen: Mapping[str, object], today: date) -> Rows:
    """Every lesson of the catalogue with its figures: the columns of LessonFigures, rates aside.

    condition: on learners known as u. today: from when on a day due is the next one.
    """
    only = "" if condition == EVERYBODY else f"JOIN users u ON u.id = p.learner_id AND {condition}"
    members_only = "" if condition == EVERYBODY else f"JOIN users u ON u.id = m.user_id AND {condition}"
    sql = f"""
WITH plan AS (
    SELECT
        c.lesson_id, min(c.position) AS position, array_agg(h.name ORDER BY h.name, h.id) AS cohorts,
        array_agg(h.id ORDER BY h.id) AS ids,
        min(c.due_on) FILTER (WHERE c.due_on >= :today) AS next_due_on, max(c.due_on) AS last_due_on
    FROM cohort_lessons c JOIN cohorts h ON h.id = c.cohort_id GROUP BY c.lesson_id
),

owner AS (
    SELECT m.user_id, array_agg(m.cohort_id) AS ids FROM cohort_members m {members_only} GROUP BY m.user_id
),

size AS (
    SELECT
        every.ids,
        (
            SELECT count(DISTINCT m.user_id) FROM cohort_members m {members_only} WHERE m.cohort_id = ANY(every.ids)
        ) AS learners
    FROM (SELECT DISTINCT ids FROM plan) every
),

total AS (
    SELECT
        p.lesson_id, count(*) AS started, count(p.completed_at) AS completed,
        count(p.completed_at) FILTER (WHERE plan.ids && owner.ids) AS planned_completed,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', p.completed_at - p.started_at)) AS seconds
    FROM gold.lesson_progress p {only}
    LEFT JOIN plan ON plan.lesson_id = p.lesson_id
    LEFT JOIN owner ON owner.user_id = p.learner_id
    WHERE p.statement_count > 0 GROUP BY p.lesson_id
)

SELECT
    l.id, l.activity_id, l.title, plan.position, coalesce(total.started, 0) AS started,
    coalesce(total.completed, 0) AS completed, coalesce(size.learners, 0) AS planned_count,
    coalesce(total.planned_completed, 0) AS planned_completed, total.seconds,
    coalesce(plan.cohorts, '{{}}') AS cohorts, plan.next_due_on, plan.last_due_on
FROM lessons l
LEFT JOIN plan ON plan.lesson_id = l.id
LEFT JOIN size ON size.ids = plan.ids
LEFT JOIN total ON total.lesson_id = l.id
"""
    return db.execute(text(sql), {**seen, "today": today}).all()


def lesson_cohorts(db: Session, lesson_id: UUID, condition: str, seen: Mapping[str, object]) -> Rows:
    """The cohorts that have a lesson in their plan, by name: the columns of LessonCohort, the rate aside."""
    sql = f"""
SELECT
    h.id, h.slug, h.name, h.time_zone, h.starts_on, c.position, c.due_on, c.due_after_days, did.*
FROM cohort_lessons c
JOIN cohorts h ON h.id = c.cohort_id
CROSS JOIN LATERAL (
    SELECT count(*) AS learners, count(p.learner_id) AS started, count(p.completed_at) AS completed
    FROM cohort_members m
    JOIN users u ON u.id = m.user_id AND {condition}
    LEFT JOIN gold.lesson_progress p
        ON p.learner_id = m.user_id AND p.lesson_id = c.lesson_id AND p.statement_count > 0
    WHERE m.cohort_id = c.cohort_id
) did
WHERE c.lesson_id = :lesson_id ORDER BY h.name, h.id
"""
    return db.execute(text(sql), {**seen, "lesson_id": lesson_id}).all()


def lesson_days(db: Session, lesson_id: UUID, part: Part, zone: str) -> Rows:
    """First completions of a lesson by day of a time zone: day, completions. part: on p.learner_id."""
    sql = f"""
SELECT (p.completed_at AT TIME ZONE :zone)::date AS day, count(*) AS completions
FROM gold.lesson_progress p
WHERE p.lesson_id = :lesson_id AND p.completed_at IS NOT NULL AND p.statement_count > 0
    AND {part.condition} AND {part.within('p.completed_at')}
GROUP BY day ORDER BY day
"""
    return db.execute(text(sql), part.bind(lesson_id=lesson_id, zone=zone)).all()
