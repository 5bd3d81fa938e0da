"""All lessons beside each other, and one of them by day and by cohort."""

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.analytics import queries_course, rules
from app.analytics.schemas_course import LessonCohort, LessonDay, LessonDays, LessonFigures, LessonList
from app.analytics.scope import chosen_cohort, lesson_scope, name_of
from app.analytics.selection import Filters, Page, Part
from app.analytics.sorting import page_of, sorted_by
from app.platform import clock

SORTS: Mapping[str, Callable[[LessonFigures], Any]] = {
    "order": lambda row: row.position,
    "title": lambda row: (row.title or row.activity_id).lower(),
    "started": lambda row: row.started,
    "completed": lambda row: row.completed,
    "rate": lambda row: row.planned_rate,
    "time": lambda row: row.median_seconds_to_complete,
    "due": lambda row: row.next_due_on or row.last_due_on,
}
"""By what the list can be sorted, each also downwards with "-" in front."""


def all_lessons(db: Session, filters: Filters, page: Page, *, sort: str = "order", search: str = "") -> LessonList:
    """One page of the catalogue: lessons whose title, or address while they have none, holds the search.

    Of the filters only the viewer counts. The next day due is told as of today in UTC.
    """
    now = clock.now()
    condition, parameters = filters.learners("u")
    found = [_figures(row) for row in queries_course.lessons(db, condition, parameters, now.date())]
    found.sort(key=lambda row: (row.title or row.activity_id).lower())
    fitting = [row for row in found if search.lower() in (row.title or row.activity_id).lower()]
    shown, next_ = page_of(sorted_by(fitting, sort, SORTS), page)
    return LessonList.model_construct(
        generated_at=now,
        lesson_count=len(found),
        untitled_count=sum(row.title is None for row in found),
        found_count=len(fitting),
        lessons=shown,
        next=next_,
    )


def lesson_cohorts(db: Session, lesson_id: UUID, filters: Filters) -> list[LessonCohort]:
    """The cohorts that have the lesson in their plan, by name, with how far each is. Of the filters only the viewer."""
    condition, parameters = filters.learners("u")
    return [
        LessonCohort.model_construct(**row._mapping, rate=rules.rate(row.completed, row.learners))
        for row in queries_course.lesson_cohorts(db, lesson_id, condition, parameters)
    ]


def lesson_days(db: Session, lesson_id: UUID, filters: Filters) -> LessonDays:
    """When the lesson was completed. NotFound: no such lesson. BadRequest names the filter that is wrong."""
    lesson = lesson_scope(db, lesson_id)
    cohort = chosen_cohort(db, filters)
    zone = filters.zone(cohort.time_zone if cohort else None)
    part = Part(*filters.statements("p.learner_id"), *filters.span(zone))
    rows = queries_course.lesson_days(db, lesson_id, part, zone.key)
    return LessonDays(
        lesson=lesson,
        cohort=name_of(cohort) if cohort else None,
        time_zone=zone.key,
        days=[
            LessonDay(day=row.day, completions=row.completions, completions_so_far=so_far)
            for row, so_far in zip(rows, accumulate(row.completions for row in rows), strict=True)
        ],
    )


def _figures(row: Any) -> LessonFigures:
    return LessonFigures.model_construct(
        id=row.id,
        activity_id=row.activity_id,
        title=row.title,
        position=row.position,
        started=row.started,
        completed=row.completed,
        planned_count=row.planned_count,
        planned_completed=row.planned_completed,
        planned_rate=rules.rate(row.planned_completed, row.planned_count),
        median_seconds_to_complete=rules.rounded(row.seconds),
        cohorts=row.cohorts,
        next_due_on=row.next_due_on,
        last_due_on=row.last_due_on,
    )
