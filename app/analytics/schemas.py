"""What the reports say. Every number is defined in docs/metrics.md, by the name of its class and field.

Times are UTC; days are days of the time zone that a report names. A share is 0 to 1 with four digits, null of nothing.
`next` is the path of the next page, null on the last one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from app.schemas import CohortName


class LessonName(BaseModel):
    """Which lesson a report is about."""

    id: UUID
    activity_id: str
    title: str | None


class PlannedLesson(LessonName):
    """A lesson at its place in the course of a cohort; position and day are null while the cohort has no plan."""

    position: int | None
    due_on: date | None


class LearnerName(BaseModel):
    """Which learner a row is about."""

    id: UUID
    name: str | None
    email: str | None
    phone: str | None


class LessonCompletions(PlannedLesson):
    """A lesson of the cohort. rate: completed / learners of the cohort, 0 to 1; null when the cohort has none."""

    completed: int
    started: int
    rate: float | None


@dataclass(slots=True)
class LearnerCompletion:
    """What one learner did with one lesson they touched. completed_at: first completion; null: not completed."""

    lesson_id: UUID
    started_at: datetime
    completed_at: datetime | None


class LearnerCompletions(LearnerName):
    """A learner of the cohort. rate: lessons completed / lessons of the cohort, 0 to 1; null when it has none."""

    completed: int
    rate: float | None
    lessons: list[LearnerCompletion]


class CohortReport(BaseModel):
    """What every report on a cohort says first. time_zone: of the days that were asked for."""

    cohort: CohortName
    generated_at: datetime
    time_zone: str
    learner_count: int
    lesson_count: int


class CohortCompletions(CohortReport):
    """Who in the cohort has completed which lesson, when, as of generated_at. Times are UTC.

    rate: completed (learner, lesson) pairs / all pairs, 0 to 1; null when there are none. All but `learners` is about
    the whole cohort, whichever page this is.
    """

    rate: float | None
    lessons: list[LessonCompletions]
    learners: list[LearnerCompletions]
    next: str | None


class CohortDue(CohortName):
    """A cohort of a learner, and when the lesson is due there."""

    due_on: date | None


class IncompleteLearner(LearnerName):
    """Somebody who has not completed the lesson. due_on: the first day on which it is due in one of their cohorts."""

    cohorts: list[CohortDue]
    due_on: date | None
    overdue_days: int
    started_at: datetime | None
    last_activity_at: datetime | None


class LessonIncomplete(BaseModel):
    """Who has not completed the lesson, the longest overdue first. The counts are about all, whichever page this is."""

    lesson: LessonName
    generated_at: datetime
    learner_count: int
    incomplete_count: int
    overdue_count: int
    untouched_count: int
    learners: list[IncompleteLearner]
    next: str | None


class LessonOverview(LessonCompletions):
    """A lesson of the cohort, with the median times to complete it."""

    median_seconds_to_complete: float | None
    median_seconds_since_due: float | None
    median_seconds_since_start: float | None


class AtRiskLearner(LearnerName):
    """Somebody at risk. reasons: behind (so many lessons overdue), silent (so many days without activity)."""

    reasons: list[Literal["behind", "silent"]]
    overdue_lessons: int
    silent_days: int
    last_activity_at: datetime | None


class AtRiskReport(CohortReport):
    """Who is at risk, who is furthest behind first, then who has been silent longest."""

    behind_lessons: int
    silent_days: int
    at_risk_count: int
    at_risk: list[AtRiskLearner]
    next: str | None


class CohortOverview(AtRiskReport):
    """How a cohort is doing. `next` goes on with who is at risk, at the report of that."""

    completion_rate: float | None
    completed_count: int
    started_learner_count: int
    finished_learner_count: int
    active_learner_count: int
    active_days: int
    lessons: list[LessonOverview]


class DropOffStep(PlannedLesson):
    """A lesson as a step of the course. lost: who came to this lesson and, so far, no further."""

    step: int
    started: int
    completed: int
    reached: int
    reached_rate: float | None
    lost: int
    lost_rate: float | None


class CohortDropOff(CohortReport):
    """Where people drop off along the lessons of the cohort."""

    not_started_count: int
    finished_count: int
    steps: list[DropOffStep]


class ChoiceCount(BaseModel):
    """How many learners gave this answer. text: what the choice says, where its definition is known.

    is_right: of a quiz, whether the answer is a right one; null where nobody knows.
    """

    value: str
    text: str | None
    count: int
    share: float | None
    is_right: bool | None


class QuestionAnswers(BaseModel):
    """The answers to one question: each learner's latest. texts: where to read them; null unless they are text."""

    question_id: UUID
    object_id: str
    name: str | None
    lesson: LessonName
    kind: Literal["poll", "quiz", "rating", "text"]
    learner_count: int
    answer_count: int
    distribution: list[ChoiceCount]
    judged_count: int
    correct_count: int
    correct_share: float | None
    rated_count: int
    mean: float | None
    texts: str | None


class AnswersReport(BaseModel):
    """What was answered, question by question, in the order of the lessons.

    cohort: whose answers; null: anybody's."""

    cohort: CohortName | None
    generated_at: datetime
    time_zone: str
    questions: list[QuestionAnswers]
    next: str | None


class TextAnswer(BaseModel):
    """One answer in words. learner: null when nobody knows who it was, as for a group."""

    statement_id: UUID
    learner: LearnerName | None
    answered_at: datetime
    response: str


class TextAnswers(BaseModel):
    """Every answer to a question as it was written, the newest first; answers given again are all there."""

    lesson: LessonName
    question_id: UUID
    generated_at: datetime
    time_zone: str
    search: str | None
    answers: list[TextAnswer]
    next: str | None


class TimelineEntry(BaseModel):
    """One statement of the learner. Scores and durations are as they were sent, the duration in seconds."""

    statement_id: UUID
    occurred_at: datetime
    stored_at: datetime
    verb: str
    verb_id: str
    object_id: str
    object_name: str | None
    lesson_id: UUID | None
    lesson_title: str | None
    completes_lesson: bool
    success: bool | None
    completion: bool | None
    score_scaled: float | None
    response: str | None
    duration_s: float | None


class LearnerTimeline(BaseModel):
    """What one learner did, the newest first."""

    learner: LearnerName
    generated_at: datetime
    time_zone: str
    entries: list[TimelineEntry]
    next: str | None


LearnerState = Literal["finished", "on_track", "behind", "silent", "not_started"]


class LearnerLine(LearnerName):
    """A learner in the list of all: what they have done of what is planned for them, over all of their cohorts.

    avatar: the public handle. completed, planned: lessons; planned is 0 where no cohort of theirs has a plan, and
    completed then counts every lesson.
    """

    avatar: str | None
    cohorts: list[CohortName]
    completed: int
    planned: int
    overdue: int
    last_activity_at: datetime | None
    state: LearnerState


class LearnerList(BaseModel):
    """Learners as the filters show them. counts: by state, of all that fit but for the state; null: too many to look
    at each for every page.
    """

    generated_at: datetime
    learner_count: int
    counts: dict[LearnerState, int] | None
    learners: list[LearnerLine]
    next: str | None


class LearnerLesson(BaseModel):
    """A lesson that is planned for a learner, or that they have touched. due_on: a day of theirs, the earliest."""

    id: UUID
    activity_id: str
    title: str | None
    planned: bool
    due_on: date | None
    overdue_days: int
    started_at: datetime | None
    completed_at: datetime | None
    best_score_scaled: float | None


class SpokenEntry(BaseModel):
    """Something that a learner did, in words: did what, with what answer. Durations in seconds."""

    statement_id: UUID
    at: datetime
    did: str
    what: str
    lesson_id: UUID | None
    lesson: str | None
    answer: str | None
    completes_lesson: bool
    success: bool | None
    score_scaled: float | None
    duration_s: float | None


class SpokenDay(BaseModel):
    """What a learner did on one day of their own, the last first."""

    day: date
    entries: list[SpokenEntry]
