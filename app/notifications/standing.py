"""How a learner stands with reminders, and what is decided from it: plain values that rules and queries share."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

Reason = Literal[
    "due",
    "later",
    "retry",
    "nothing_due",
    "no_dates",
    "no_email",
    "unsubscribed",
    "bounced",
    "unanswered",
    "reminded",
    "day_over",
    "unknown_outcome",
]
"""due: now. later, retry: today still, at a moment that is told. Everything else: not today, and why."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A cohort of the learner. has_dates: whether any of its lessons is due on a day. quiet: its own quiet hours, from
    and until; None: those of the settings."""

    cohort_id: UUID
    cohort: str
    time_zone: str
    reminder_hour: int
    has_dates: bool
    quiet: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class OpenLesson:
    """A lesson with a day due that the learner has not completed."""

    lesson_id: UUID
    cohort_id: UUID
    due_on: date
    position: int


@dataclass(frozen=True, slots=True)
class LastReminder:
    """The reminder of the learner's latest day. status, retry_at: see models.Notification."""

    local_day: date
    status: str
    claimed_at: datetime
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides whether a learner is reminded.

    memberships: in the order in which the learner joined. lessons: open ones, at least those that are due on the
    learner's day. unanswered: the last reminders without any statement of the learner since.
    """

    learner_id: UUID
    name: str | None
    email: str | None
    time_zone: str | None
    memberships: tuple[Membership, ...] = ()
    lessons: tuple[OpenLesson, ...] = ()
    last: LastReminder | None = None
    unanswered: int = 0
    unsubscribed: bool = False
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided for a learner at a moment.

    local_day, time_zone: the learner's. at: when the reminder is due, in UTC; None: not foreseeable. lessons: those
    that are left, the next one first, each once. cohort_id: the one of the next lesson.
    """

    reason: Reason
    local_day: date
    time_zone: str
    at: datetime | None = None
    lessons: tuple[OpenLesson, ...] = ()
    cohort_id: UUID | None = None
