"""What the pages of cohorts and lessons say. Numbers are defined in docs/metrics.md, as those of schemas.py."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from app.analytics.schemas import CohortReport, LearnerName, LessonName, PlannedLesson
from app.schemas import CohortName


class CohortFigures(BaseModel):
    """How one cohort is doing, as far as it can be told in a row. next_lesson: the next one due, today included."""

    cohort: CohortName
    learner_count: int
    lesson_count: int
    completed_count: int
    completion_rate: float | None
    active_learner_count: int
    finished_learner_count: int
    at_risk_count: int
    next_lesson: PlannedLesson | None


class CohortTotals(BaseModel):
    """All cohorts together; who is in two of them counts in each."""

    cohort_count: int
    member_count: int
    completion_rate: float | None
    active_share: float | None
    at_risk_share: float | None


class CohortList(BaseModel):
    """One page of all cohorts, in the order asked for. totals: of all that there are, whatever was searched for."""

    generated_at: datetime
    totals: CohortTotals
    found_count: int
    cohorts: list[CohortFigures]
    next: str | None


class WeekBefore(BaseModel):
    """What had been completed a week before, by the learners and of the lessons of now."""

    moment: datetime
    completed_then: int
    completion_rate_then: float | None
    finished_then: int


class GridLesson(PlannedLesson):
    """A column of the grid. rate: of all learners that fit the filters, not only of those on the page."""

    completed: int
    rate: float | None


class GridLearner(LearnerName):
    """A row of the grid. cells: a letter per lesson: d done, p in progress (started), l late, n not started."""

    completed: int
    last_activity_at: datetime | None
    cells: str


class CohortGrid(CohortReport):
    """What each learner did with each lesson, in the order asked for."""

    sort: Literal["name", "least", "silent"]
    lessons: list[GridLesson]
    learners: list[GridLearner]
    next: str | None


class LessonFigures(LessonName):
    """A lesson of the catalogue. position: its earliest place in a plan. cohorts: that have it in their plan."""

    position: int | None
    started: int
    completed: int
    planned_count: int
    planned_completed: int
    planned_rate: float | None
    median_seconds_to_complete: float | None
    cohorts: list[str]
    next_due_on: date | None
    last_due_on: date | None


class LessonList(BaseModel):
    """One page of the catalogue, in the order asked for. untitled_count: lessons that nobody has given a title."""

    generated_at: datetime
    lesson_count: int
    untitled_count: int
    found_count: int
    lessons: list[LessonFigures]
    next: str | None


class LessonCohort(CohortName):
    """A cohort that has the lesson in its plan."""

    position: int
    due_on: date | None
    due_after_days: int | None
    starts_on: date | None
    learners: int
    started: int
    completed: int
    rate: float | None


class LessonDay(BaseModel):
    """One day of a lesson: first completions on it, and until its end."""

    day: date
    completions: int
    completions_so_far: int


class LessonDays(BaseModel):
    """When the lesson was completed, day by day, days without any left out. cohort: whose; null: anybody's."""

    lesson: LessonName
    cohort: CohortName | None
    time_zone: str
    days: list[LessonDay]


class AttributeChoice(BaseModel):
    """An attribute of the learners of a cohort with the values they have, to be filtered by."""

    name: str
    values: list[str]
