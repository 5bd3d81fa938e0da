"""All cohorts beside each other, and what a cohort is compared with."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.accounts.cohorts import list_cohorts
from app.analytics import queries_course, rules
from app.analytics.overview import CohortReading, Limits
from app.analytics.schemas import LessonName, PlannedLesson
from app.analytics.schemas_course import AttributeChoice, CohortFigures, CohortList, CohortTotals, WeekBefore
from app.analytics.scope import cohort_scope
from app.analytics.selection import Filters, Page
from app.analytics.sorting import page_of, sorted_by
from app.platform import clock
from app.schemas import CohortName

SORTS: Mapping[str, Callable[[CohortFigures], Any]] = {
    "name": lambda row: row.cohort.name.lower(),
    "learners": lambda row: row.learner_count,
    "rate": lambda row: row.completion_rate,
    "active": lambda row: rules.rate(row.active_learner_count, row.learner_count),
    "risk": lambda row: row.at_risk_count,
    "due": lambda row: row.next_lesson.due_on if row.next_lesson else None,
}
"""By what the list can be sorted, each also downwards with "-" in front."""


def all_cohorts(db: Session, filters: Filters, page: Page, *, sort: str = "name", search: str = "") -> CohortList:
    """One page of the cohorts whose name holds the search, in either case. Numbers as in the overview of each cohort.

    Of the filters only the viewer counts.
    """
    now = clock.now()
    found = cohort_figures(db, filters, now)
    fitting = [row for row in found if search.lower() in row.cohort.name.lower() or search.lower() == row.cohort.slug]
    shown, next_ = page_of(sorted_by(fitting, sort, SORTS), page)
    return CohortList(generated_at=now, totals=totals_of(found), found_count=len(fitting), cohorts=shown, next=next_)


def cohort_figures(db: Session, filters: Filters, now: datetime) -> list[CohortFigures]:
    """Every cohort with its figures, by name."""
    limits = Limits()
    todays = {zone: rules.today(now, zone, "UTC") for zone in queries_course.zones(db) if clock.zone_of(zone)}
    homes = list_cohorts(db)
    todays |= {home.time_zone: rules.today(now, home.time_zone, "UTC") for home in homes}
    begins = {
        home.id: rules.start_of(home.starts_on, zone)
        for home in homes
        if home.starts_on and (zone := clock.zone_of(home.time_zone))
    }
    condition, parameters = filters.learners("u")
    rows = queries_course.cohorts(
        db,
        condition,
        parameters,
        todays=todays,
        begins=begins,
        active_since=now - timedelta(days=rules.ACTIVE_DAYS),
        silent_since=now - timedelta(days=limits.silent_days),
        behind_lessons=limits.behind_lessons,
    )
    due = {
        row.cohort_id: PlannedLesson(
            id=row.id, activity_id=row.activity_id, title=row.title, position=row.position, due_on=row.due_on
        )
        for row in queries_course.next_lessons(db, todays)
    }
    return sorted((_figures(row, due) for row in rows), key=lambda row: (row.cohort.name.lower(), row.cohort.slug))


def totals_of(found: list[CohortFigures]) -> CohortTotals:
    """All cohorts together."""
    members = sum(row.learner_count for row in found)
    return CohortTotals(
        cohort_count=len(found),
        member_count=members,
        completion_rate=rules.rate(
            sum(row.completed_count for row in found), sum(row.learner_count * row.lesson_count for row in found)
        ),
        active_share=rules.rate(sum(row.active_learner_count for row in found), members),
        at_risk_share=rules.rate(sum(row.at_risk_count for row in found), members),
    )


def active_share(db: Session, filters: Filters, now: datetime) -> float | None:
    """Which share of the members of all cohorts is active. Of the filters only the viewer counts."""
    condition, parameters = filters.learners("u")
    return rules.rate(*queries_course.active(db, condition, parameters, now - timedelta(days=rules.ACTIVE_DAYS)))


def week_before(db: Session, read: CohortReading) -> WeekBefore:
    """What the learners who were read had completed a week earlier."""
    moment = read.now - timedelta(days=rules.ACTIVE_DAYS)
    lessons = len(read.scope.lessons)
    done = queries_course.completed_before(db, read.scope.part, read.scope.lesson_ids, moment)
    return WeekBefore(
        moment=moment,
        completed_then=sum(done),
        completion_rate_then=rules.rate(sum(done), len(read.learners) * lessons),
        finished_then=sum(count == lessons for count in done),
    )


def lessons_of(db: Session, cohort_id: UUID) -> list[LessonName]:
    """The lessons of a cohort, in order, whatever is filtered by. NotFound when there is no such cohort."""
    return [
        LessonName(id=lesson.id, activity_id=lesson.activity_id, title=lesson.title)
        for lesson in cohort_scope(db, cohort_id, Filters()).lessons
    ]


def attributes_of(db: Session, cohort_id: UUID, filters: Filters) -> list[AttributeChoice]:
    """What the learners of a cohort can be told apart by. Of the filters only the viewer counts."""
    condition, parameters = filters.learners("u")
    rows = queries_course.attributes(db, cohort_id, condition, parameters)
    return [AttributeChoice(name=row.name, values=row.values) for row in rows]


def _figures(row: Any, due: Mapping[UUID, PlannedLesson]) -> CohortFigures:
    return CohortFigures(
        cohort=CohortName(id=row.id, slug=row.slug, name=row.name, time_zone=row.time_zone),
        learner_count=row.learners,
        lesson_count=row.lessons,
        completed_count=row.completed,
        completion_rate=rules.rate(row.completed, row.learners * row.lessons),
        active_learner_count=row.active,
        finished_learner_count=row.finished,
        at_risk_count=row.at_risk,
        next_lesson=due.get(row.id),
    )
