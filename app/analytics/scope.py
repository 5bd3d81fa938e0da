"""What a report on a cohort looks at: found, checked and counted once, for every report alike."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.accounts import visibility
from app.accounts.cohorts import find_cohort
from app.accounts.models import Cohort
from app.analytics import queries
from app.analytics.schemas import LessonName, PlannedLesson
from app.analytics.selection import Filters, Part
from app.errors import BadRequest, NotFound, Problem
from app.models import Lesson
from app.schemas import CohortName

MAX_LESSONS = 500
"""As many as a plan may have: a cohort without one reports no more of the lessons that were touched."""


@dataclass(frozen=True, slots=True)
class CohortScope:
    """A cohort, its lessons, and which of its learners count, users known as u in queries."""

    cohort: Cohort
    lessons: list[PlannedLesson]
    zone: ZoneInfo
    part: Part

    @property
    def name(self) -> CohortName:
        """As reports say which cohort they are about."""
        return name_of(self.cohort)

    @property
    def lesson_ids(self) -> list[UUID]:
        """The lessons, in order."""
        return [lesson.id for lesson in self.lessons]


def cohort_scope(db: Session, cohort_id: UUID, filters: Filters) -> CohortScope:
    """The cohort as the filters show it. NotFound when there is none; BadRequest names the filter that is wrong.

    The lessons are those planned for the cohort; while none are planned, those that its learners have touched.
    """
    cohort = find_cohort(db, cohort_id)
    if cohort is None:
        raise NotFound(f"There is no cohort {cohort_id}.")
    zone = filters.zone(cohort.time_zone)
    since, until = filters.span(zone)
    condition, parameters = filters.learners("u")
    rows = queries.planned_lessons(db, cohort_id) or queries.touched_lessons(db, cohort_id, MAX_LESSONS)
    lessons = [PlannedLesson.model_construct(**row._mapping) for row in rows]
    if filters.lesson_id is not None:
        lessons = [lesson for lesson in lessons if lesson.id == filters.lesson_id]
        if not lessons:
            raise wrong_filter("?lesson", "is no lesson of this cohort", "The id of one that is")
    order = visibility.order(filters.viewer, "u")
    part = Part(condition, {**parameters, "cohort_id": cohort_id}, since, until, order)
    return CohortScope(cohort, lessons, zone, part)


def lesson_scope(db: Session, lesson_id: UUID) -> LessonName:
    """The lesson of this id. NotFound when there is none."""
    lesson = db.get(Lesson, lesson_id)
    if lesson is None:
        raise NotFound(f"There is no lesson {lesson_id}.")
    return LessonName(id=lesson.id, activity_id=lesson.activity_id, title=lesson.title)


def chosen_cohort(db: Session, filters: Filters) -> Cohort | None:
    """The cohort that the filters name. BadRequest when there is none of that id."""
    if filters.cohort_id is None:
        return None
    cohort = find_cohort(db, filters.cohort_id)
    if cohort is None:
        raise wrong_filter("?cohort", "is no cohort", "The id of one that is")
    return cohort


def name_of(cohort: Cohort) -> CohortName:
    """As reports say which cohort they are about."""
    return CohortName(id=cohort.id, slug=cohort.slug, name=cohort.name, time_zone=cohort.time_zone)


def wrong_filter(path: str, message: str, expected: str) -> BadRequest:
    """The refusal of a filter, by its name."""
    return BadRequest(f"{path} {message}.", [Problem(path, f"{message}.", f"{expected}.")])
