"""The SELECTs behind the list of all learners.

By name a page is read from an index, and only its learners are looked at. By state, progress or activity all that fit
are: what they did in one pass over the key of gold.lesson_progress, and what is planned for them once for each set of
cohorts that somebody is in, of which there are few.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.analytics.queries import Rows

Sort = Literal["name", "-name", "completed", "-completed", "last", "-last"]
NEVER = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
"""Where learners without any activity stand in an order by activity."""
_COLUMN = {"name": "sort", "completed": "completed", "last": f"coalesce(last_activity_at, {NEVER})"}

_FITTING = "SELECT users.id, users.time_zone, {order} AS sort FROM users {cohort} WHERE {condition}"
_FACTS = """
member AS MATERIALIZED (
    SELECT m.user_id, array_agg(m.cohort_id ORDER BY m.cohort_id) AS cohorts
    FROM cohort_members m {of_these} GROUP BY m.user_id
),

plan AS MATERIALIZED (
    SELECT
        sets.cohorts, c.lesson_id,
        min(c.due_on) AS due_on,
        (array_agg(h.time_zone ORDER BY c.due_on, h.id))[1] AS time_zone
    FROM (SELECT DISTINCT cohorts FROM member) sets
    JOIN cohort_lessons c ON c.cohort_id = ANY (sets.cohorts)
    JOIN cohorts h ON h.id = c.cohort_id
    GROUP BY sets.cohorts, c.lesson_id
),

zone AS MATERIALIZED (SELECT * FROM unnest(CAST(:zones AS text[]), CAST(:days AS date[])) AS zone (name, today)),

due AS MATERIALIZED (
    SELECT
        plan.cohorts, own.name AS time_zone, count(*) AS planned,
        count(*) FILTER (WHERE plan.due_on < zone.today) AS due
    FROM plan
    CROSS JOIN (SELECT name FROM zone UNION ALL SELECT '') own
    JOIN zone ON zone.name = coalesce(nullif(own.name, ''), plan.time_zone)
    GROUP BY plan.cohorts, own.name
),

did AS (
    SELECT
        p.learner_id,
        max(p.last_at) AS last_at,
        count(p.completed_at) AS any_completed,
        count(p.completed_at) FILTER (WHERE plan.lesson_id IS NOT NULL) AS completed,
        count(p.completed_at) FILTER (WHERE plan.due_on < zone.today) AS due_completed
    FROM fitting
    JOIN gold.lesson_progress p ON p.learner_id = fitting.id
    LEFT JOIN member ON member.user_id = p.learner_id
    LEFT JOIN plan ON plan.cohorts = member.cohorts AND plan.lesson_id = p.lesson_id
    LEFT JOIN zone ON zone.name = coalesce(fitting.time_zone, plan.time_zone)
    WHERE p.statement_count > 0
    GROUP BY p.learner_id
),

fact AS (
    SELECT
        fitting.id, fitting.sort, did.last_at AS last_activity_at,
        coalesce(due.planned, 0) AS planned,
        CASE WHEN due.planned > 0 THEN coalesce(did.completed, 0) ELSE coalesce(did.any_completed, 0) END AS completed,
        coalesce(due.due, 0) - coalesce(did.due_completed, 0) AS overdue
    FROM fitting
    LEFT JOIN member ON member.user_id = fitting.id
    LEFT JOIN due ON due.cohorts = member.cohorts AND due.time_zone = coalesce(fitting.time_zone, '')
    LEFT JOIN did ON did.learner_id = fitting.id
),

told AS (
    SELECT fact.*, CASE
        WHEN planned > 0 AND completed >= planned THEN 'finished'
        WHEN last_activity_at IS NULL THEN 'not_started'
        WHEN overdue >= :behind_lessons THEN 'behind'
        WHEN last_activity_at <= :silent_since THEN 'silent'
        ELSE 'on_track'
    END AS state
    FROM fact
)
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which learners, in which order. condition: SQL on `users`, with its parameters; order: SQL of a name to sort by.

    after: the value that the page before ended with, of the column sorted by, and the learner's id.
    """

    condition: str
    parameters: Mapping[str, Any]
    order: str
    cohort_id: UUID | None
    sort: Sort
    after: tuple[Any, UUID] | None
    limit: int

    @property
    def _beyond(self) -> str:
        beyond = "<" if self.sort.startswith("-") else ">"
        return f"({self._by}, id) {beyond} (:after, :after_id)" if self.after else "true"

    @property
    def _by(self) -> str:
        return _COLUMN[self.sort.lstrip("-")]

    @property
    def _ordered(self) -> str:
        way = "DESC" if self.sort.startswith("-") else "ASC"
        return f"ORDER BY {self._by} {way}, id {way} LIMIT :limit"

    @property
    def fitting(self) -> str:
        """All of these learners: id, time_zone, sort."""
        cohort = "JOIN cohort_members c ON c.user_id = users.id AND c.cohort_id = :cohort_id" if self.cohort_id else ""
        return _FITTING.format(order=self.order, cohort=cohort, condition=self.condition)

    @property
    def page(self) -> str:
        """Those of them who stand on the page, by name."""
        # The name is spelt out where it is compared, or the index on it would not be seen.
        beyond = self._beyond.replace("sort", self.order, 1).replace(", id)", ", users.id)")
        return f"{self.fitting} AND {beyond} {self._ordered}"

    def bind(self, **more: object) -> dict[str, Any]:
        """The parameters of a query, these among them."""
        after, after_id = self.after or (None, None)
        own = {"cohort_id": self.cohort_id, "after": after, "after_id": after_id, "limit": self.limit}
        return {**self.parameters, **own, **more}


@dataclass(frozen=True, slots=True)
class States:
    """From when on somebody is behind or silent, and which day it is in which time zone."""

    behind_lessons: int
    silent_since: datetime
    days: Mapping[str, date]

    def bind(self) -> dict[str, Any]:
        """As parameters of a query."""
        return {
            "behind_lessons": self.behind_lessons,
            "silent_since": self.silent_since,
            "zones": list(self.days),
            "days": list(self.days.values()),
        }


def zones(db: Session) -> Sequence[str]:
    """Every time zone that a learner or a cohort has."""
    sql = "SELECT DISTINCT time_zone FROM users WHERE time_zone IS NOT NULL UNION SELECT time_zone FROM cohorts"
    return db.execute(text(sql)).scalars().all()


def count(db: Session, wanted: Wanted, at_most: int | None = None) -> int:
    """How many learners fit; at_most: counting ends there."""
    inner = wanted.fitting + (" LIMIT :at_most" if at_most else "")
    return int(db.execute(text(f"SELECT count(*) FROM ({inner}) t"), wanted.bind(at_most=at_most)).scalar_one())


def by_name(db: Session, wanted: Wanted, states: States) -> Rows:
    """The page by name: id, sort, last_activity_at, planned, completed, overdue, state."""
    of_these = "JOIN fitting ON fitting.id = m.user_id"
    sql = f"WITH fitting AS MATERIALIZED ({wanted.page}), {_FACTS.format(of_these=of_these)} SELECT * FROM told"
    return db.execute(text(f"{sql} {wanted._ordered}"), wanted.bind(**states.bind())).all()


def by_facts(db: Session, wanted: Wanted, states: States, state: str | None) -> tuple[Rows, dict[str, int]]:
    """The page in any order and of any state, as `by_name`; and how many learners are in each state."""
    of_state = "state = :state" if state else "true"
    sql = f"""
WITH fitting AS MATERIALIZED ({wanted.fitting}), {_FACTS.format(of_these='')},
seen AS MATERIALIZED (SELECT * FROM told)
SELECT page.*, counts.counts
FROM (SELECT jsonb_object_agg(state, n) AS counts FROM (SELECT state, count(*) AS n FROM seen GROUP BY state) c) counts
LEFT JOIN (SELECT * FROM seen WHERE {of_state} AND {wanted._beyond} {wanted._ordered}) page ON true
"""
    # The planner takes the few rows of `plan` for many, and would sort every row of progress to merge them.
    db.execute(text("SET LOCAL enable_mergejoin = off"))
    rows = db.execute(text(sql), wanted.bind(state=state, **states.bind())).all()
    db.execute(text("SET LOCAL enable_mergejoin TO DEFAULT"))
    return [row for row in rows if row.id is not None], (rows[0].counts or {})


def people(db: Session, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """These learners by id: id, name, email, phone, avatar, and the ids of their cohorts in the order of joining."""
    sql = """
SELECT u.id, u.name, u.email, u.phone, u.avatar, array(
    SELECT m.cohort_id FROM cohort_members m WHERE m.user_id = u.id ORDER BY m.joined_at, m.cohort_id
) AS cohort_ids
FROM users u WHERE u.id = ANY(CAST(:ids AS uuid[]))
"""
    return {row.id: row for row in db.execute(text(sql), {"ids": list(ids)})}


def lessons_of(db: Session, learner_id: UUID, most: int) -> Rows:
    """The lessons planned for a learner or touched by them: id, activity_id, title, planned, due_on, time_zone (of the
    cohort with the earliest day), started_at, completed_at, best_score_scaled. In the order of the course.
    """
    sql = """
WITH planned AS (
    SELECT
        c.lesson_id, min(c.position) AS position, min(c.due_on) AS due_on,
        (array_agg(h.time_zone ORDER BY c.due_on, h.id))[1] AS time_zone
    FROM cohort_members m
    JOIN cohort_lessons c ON c.cohort_id = m.cohort_id
    JOIN cohorts h ON h.id = c.cohort_id
    WHERE m.user_id = :id GROUP BY c.lesson_id
),
touched AS (SELECT * FROM gold.lesson_progress WHERE learner_id = :id AND statement_count > 0)
SELECT
    l.id, l.activity_id, l.title, planned.lesson_id IS NOT NULL AS planned, planned.due_on, planned.time_zone,
    touched.started_at, touched.completed_at, touched.best_score_scaled
FROM planned FULL JOIN touched ON touched.lesson_id = planned.lesson_id
JOIN lessons l ON l.id = coalesce(planned.lesson_id, touched.lesson_id)
ORDER BY planned.position NULLS LAST, planned.due_on NULLS LAST, touched.started_at, l.id LIMIT :most
"""
    return db.execute(text(sql), {"id": learner_id, "most": most}).all()


def attribute_values(db: Session, least: int, most_values: int) -> Rows:
    """Attributes of learners whose values can be chosen from: name, value, learners. Of a name that has more than
    most_values different values (an id, a nickname) there is nothing. least: learners that have the value.
    """
    sql = """
SELECT name, value, learners FROM (
    SELECT a.key AS name, a.value, count(*) AS learners, count(*) OVER (PARTITION BY a.key) AS different
    FROM users u CROSS JOIN LATERAL jsonb_each_text(u.attributes) a
    WHERE u.attributes <> '{}' GROUP BY a.key, a.value
) v WHERE different <= :most AND learners >= :least AND length(value) <= 200 AND value <> ''
ORDER BY name, value LIMIT 500
"""
    return db.execute(text(sql), {"least": least, "most": most_values}).all()
