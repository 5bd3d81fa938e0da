"""What the overview of everything says, as pydantic models. docs/metrics.md defines each number."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from app.schemas import CohortName


class Today(BaseModel):
    """How things go now, beside how they went a week before. time_zone: whose midnight today began at."""

    generated_at: datetime
    time_zone: str
    learner_count: int
    active_days: int
    active_learner_count: int
    active_learner_count_before: int
    statement_count: int
    statement_count_before: int
    completed_count: int
    completed_count_before: int


class CohortToday(BaseModel):
    """How far a cohort is. completion_rate: 0 to 1; null when it has no learners or no lessons."""

    cohort: CohortName
    learner_count: int
    lesson_count: int
    completed_count: int
    completion_rate: float | None
    at_risk_count: int


class HourOfWeek(BaseModel):
    """One hour of the week. weekday: 0 is Monday; hour: 0 to 23, in the time zone that was asked for."""

    weekday: int
    hour: int
    statement_count: int


class ActivityPattern(BaseModel):
    """When learners are active. hours: all 168, Monday first, hours without activity too."""

    since: datetime
    until: datetime
    time_zone: str
    week_count: int
    hours: list[HourOfWeek]


class MinuteAccepted(BaseModel):
    """How much was accepted in one minute. at: its beginning."""

    at: datetime
    statement_count: int


class LatestActivity(BaseModel):
    """One thing that a learner did, in their words. learner_id: null when nobody knows who it was, as for a group."""

    statement_id: UUID
    learner_id: UUID | None
    learner: str
    did: str
    what: str
    lesson_id: UUID | None
    lesson: str | None
    completes_lesson: bool
    occurred_at: datetime
    stored_at: datetime
