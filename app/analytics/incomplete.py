"""Who has not completed a lesson that is planned for them."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from app.accounts import visibility
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.queries_incomplete import IncompleteQuery
from app.analytics.rules import overdue_days, today
from app.analytics.schemas import CohortDue, IncompleteLearner, LessonIncomplete
from app.analytics.scope import chosen_cohort, lesson_scope
from app.analytics.selection import Filters, Page, Part
from app.analytics.tables import Cell
from app.platform import clock

_NEVER = date.max
"""Where lessons stand that are never due: after all others."""


def lesson_incomplete(db: Session, lesson_id: UUID, filters: Filters, page: Page) -> LessonIncomplete:
    """One page of learners who have not completed the lesson, and how many there are. NotFound: no such lesson.

    Learners are those of the cohorts that have the lesson in their plan, once each, whether or not they ever sent a
    statement. The days of the filters are those on which the lesson is due.
    """
    lesson = lesson_scope(db, lesson_id)
    chosen_cohort(db, filters)
    filters.span(filters.zone(None))
    days = (filters.first_day, filters.last_day)
    query = IncompleteQuery(
        db,
        lesson_id,
        filters.cohort_id,
        days,
        Part(*filters.learners("u"), order=visibility.order(filters.viewer, "u")),
    )
    after = read_cursor(page.cursor, date, str, UUID) if page.cursor else None
    now = clock.now()
    counts = query.counts()
    found = query.page(after, page.limit + 1)
    shown = found[: page.limit]
    cohorts = query.cohorts(list({key for row in shown for key in row.cohort_ids}))
    last = shown[-1] if len(found) > page.limit else None
    return LessonIncomplete.model_construct(
        lesson=lesson,
        generated_at=now,
        learner_count=sum(row.learners for row in counts),
        incomplete_count=sum(row.incomplete for row in counts),
        overdue_count=sum(
            row.incomplete for row in counts if overdue_days(row.due_on, today(now, row.time_zone, "UTC"))
        ),
        untouched_count=sum(row.untouched for row in counts),
        learners=[
            IncompleteLearner.model_construct(
                **visibility.shown(filters.viewer, row),
                cohorts=[CohortDue.model_construct(**cohorts[key]._mapping) for key in row.cohort_ids],
                due_on=row.due_on,
                overdue_days=overdue_days(row.due_on, today(now, row.time_zone, "UTC")),
                started_at=row.started_at,
                last_activity_at=row.last_activity_at,
            )
            for row in shown
        ],
        next=page.next(last and write_cursor(last.due_on or _NEVER, last.sort, last.id)),
    )


COLUMNS = (
    "lesson",
    "learner",
    "email",
    "phone",
    "cohorts",
    "due_on",
    "overdue_days",
    "started_at",
    "last_activity_at",
)


def rows(report: LessonIncomplete) -> Iterator[tuple[Cell, ...]]:
    """One row per learner who has not completed the lesson."""
    for learner in report.learners:
        yield (
            report.lesson.title or report.lesson.activity_id,
            learner.name,
            learner.email,
            learner.phone,
            ", ".join(cohort.name for cohort in learner.cohorts),
            learner.due_on,
            learner.overdue_days,
            learner.started_at,
            learner.last_activity_at,
        )
