"""The SELECTs on learners who have not completed a lesson that is planned for them."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.analytics.queries import Rows
from app.analytics.selection import Part

_PLANNED = """
planned AS (
    SELECT
        m.user_id,
        min(c.due_on) AS due_on,
        (array_agg(h.time_zone ORDER BY c.due_on, h.id))[1] AS time_zone,
        array_agg(h.id ORDER BY h.name, h.id) AS cohort_ids
    FROM cohort_lessons c
    JOIN cohort_members m ON m.cohort_id = c.cohort_id
    JOIN cohorts h ON h.id = c.cohort_id
    WHERE c.lesson_id = :lesson_id AND {cohorts}
    GROUP BY m.user_id
),

learner AS (
    SELECT
        u.id, u.name, u.email, u.phone, {sort} AS sort,
        planned.due_on,
        planned.cohort_ids,
        coalesce(u.time_zone, planned.time_zone) AS time_zone,
        coalesce(planned.due_on, DATE '9999-12-31') AS due_sort,
        p.started_at,
        p.completed_at
    FROM planned
    JOIN users u ON u.id = planned.user_id
    LEFT JOIN gold.lesson_progress p
        ON p.learner_id = u.id AND p.lesson_id = :lesson_id AND p.statement_count > 0
    WHERE {condition} AND {days}
)
"""


def _with(part: Part, *, one_cohort: bool, first_day: date | None, last_day: date | None) -> str:
    days = [
        *(["planned.due_on >= :first_day"] if first_day else []),
        *(["planned.due_on <= :last_day"] if last_day else []),
    ]
    return "WITH " + _PLANNED.format(
        cohorts="c.cohort_id = :cohort_id" if one_cohort else "true",
        sort=part.order,
        condition=part.condition,
        days=" AND ".join(days) or "true",
    )


class IncompleteQuery:
    """Asks about one lesson. part: on learners known as u."""

    def __init__(
        self,
        db: Session,
        lesson_id: UUID,
        cohort_id: UUID | None,
        days: tuple[date | None, date | None],
        part: Part,
    ):
        self._db = db
        self._with = _with(part, one_cohort=cohort_id is not None, first_day=days[0], last_day=days[1])
        self._parameters = {
            **part.parameters,
            "lesson_id": lesson_id,
            "cohort_id": cohort_id,
            "first_day": days[0],
            "last_day": days[1],
        }

    def counts(self) -> Rows:
        """How many, by due day and time zone: due_on, time_zone, learners, incomplete, untouched."""
        return self._db.execute(
            text(
                f"{self._with} SELECT due_on, time_zone, count(*) AS learners, "
                "count(*) FILTER (WHERE completed_at IS NULL) AS incomplete, "
                "count(*) FILTER (WHERE started_at IS NULL) AS untouched FROM learner GROUP BY due_on, time_zone"
            ),
            self._parameters,
        ).all()

    def page(self, after: tuple[date, str, UUID] | None, limit: int) -> Rows:
        """The next learners who have not completed it, the one due first first, then by name."""
        beyond = "AND (due_sort, sort, id) > (:after_due, :after_sort, :after_id)" if after else ""
        due, sort, key = after or (None, None, None)
        return self._db.execute(
            text(
                f"{self._with} SELECT id, name, email, phone, sort, due_on, cohort_ids, time_zone, started_at, "
                "(SELECT max(p.last_at) FROM gold.lesson_progress p WHERE p.learner_id = page.id) AS last_activity_at "
                f"FROM (SELECT * FROM learner WHERE completed_at IS NULL {beyond} "
                "ORDER BY due_sort, sort, id LIMIT :limit) page ORDER BY due_sort, sort, id"
            ),
            {**self._parameters, "after_due": due, "after_sort": sort, "after_id": key, "limit": limit},
        ).all()

    def cohorts(self, ids: list[UUID]) -> dict[UUID, Row[Any]]:
        """These cohorts by id, each with the day on which the lesson is due: id, slug, name, time_zone, due_on."""
        rows = self._db.execute(
            text(
                "SELECT h.id, h.slug, h.name, h.time_zone, c.due_on FROM cohorts h JOIN cohort_lessons c "
                "ON c.cohort_id = h.id AND c.lesson_id = :lesson_id WHERE h.id = ANY(CAST(:ids AS uuid[]))"
            ),
            {**self._parameters, "ids": ids},
        )
        return {row.id: row for row in rows}
