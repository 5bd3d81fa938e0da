"""Facts, in the past tense: what one floor tells the next one up without importing it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StatementLoaded:
    """A statement has its flat row. What the reactions need to know of it, no more."""

    statement_id: UUID
    learner_id: UUID | None
    lesson_id: UUID | None
    completes_lesson: bool
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class StatementVoided:
    """A statement was voided, and its flat row is gone."""

    statement_id: UUID
    learner_id: UUID | None
    lesson_id: UUID | None
