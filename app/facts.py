"""Facts, in the past tense: what one floor tells the next one up without importing it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class StatementLoaded(NamedTuple):
    """A statement has its flat row. What the reactions need to know of it, no more."""

    statement_id: UUID
    learner_id: UUID | None
    lesson_id: UUID | None
    completes_lesson: bool
    occurred_at: datetime


class StatementVoided(NamedTuple):
    """A statement was voided, and its flat row is gone."""

    statement_id: UUID
    learner_id: UUID | None
    lesson_id: UUID | None
