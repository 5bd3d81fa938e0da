"""What the doors for whoever connects a sender say. Moments are UTC; values of results are as they were sent."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.types import JsonValue

from app.analytics.schemas import LearnerName, LessonName
from app.schemas import StatementFlatRead

_ID = "7a2c9a52-8c1b-4c59-9d0c-0c8f1f3a1b11"
_LEARNER = {
    "id": "0b2f6a52-93a1-4f7e-8f0e-6d5b7a1c2e3f",
    "name": "Ana Souza",
    "email": "ana@example.org",
    "phone": None,
}
_LESSON = {
    "id": "5f0c1d2e-3b4a-5c6d-8e9f-0a1b2c3d4e5f",
    "activity_id": "https://app.7taps.com/lesson/1",
    "title": "Milk",
}
_AT, _STORED = "2026-11-20T08:14:00Z", "2026-11-20T08:14:01.204512Z"
_FLAT = {
    "statement_id": _ID,
    "learner_id": _LEARNER["id"],
    "actor_key": "mailto:ana@example.org",
    "actor_email": "ana@example.org",
    "actor_name": "Ana Souza",
    "verb_id": "http://adlnet.gov/expapi/verbs/completed",
    "verb": "completed",
    "object_id": _LESSON["activity_id"],
    "object_type": "Activity",
    "object_name": "Milk",
    "lesson_id": _LESSON["id"],
    "completes_lesson": True,
    "success": None,
    "completion": True,
    "score_scaled": None,
    "response": None,
    "duration_s": 250.0,
    "occurred_at": _AT,
    "stored_at": _STORED,
}


def _example(**values: object) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [cast(JsonValue, values)]})


class LastStatement(BaseModel):
    """The statement loaded last, null before there is one. seconds_to_load: from its acceptance until it was loaded."""

    model_config = _example(generated_at=_AT, statement=_FLAT, loaded_at=_STORED, seconds_to_load=0.2)

    generated_at: datetime
    statement: StatementFlatRead | None
    loaded_at: datetime | None
    seconds_to_load: float | None


class RecentCompletion(BaseModel):
    """A statement that completes a lesson. first: the learner's first one for this lesson, which counts."""

    statement_id: UUID
    occurred_at: datetime
    stored_at: datetime
    learner: LearnerName | None
    lesson: LessonName
    verb: str
    success: bool | None
    score_scaled: float | None
    first: bool


class RecentCompletions(BaseModel):
    """Completions, the newest first. next: the path of the next page, null on the last one."""

    model_config = _example(
        generated_at=_AT,
        completions=[
            {
                "statement_id": _ID,
                "occurred_at": _AT,
                "stored_at": _STORED,
                "learner": _LEARNER,
                "lesson": _LESSON,
                "verb": "completed",
                "success": None,
                "score_scaled": None,
                "first": True,
            }
        ],
        next=None,
    )

    generated_at: datetime
    completions: list[RecentCompletion]
    next: str | None


class RawStatement(BaseModel):
    """A statement of the record. payload: as it was sent, numbers letter by letter. credential: of its sender.

    loaded_at: null while it waits to be flattened; flatten_error: why it cannot be. voided_by: what voids it.
    """

    model_config = _example(
        id=_ID,
        stored_at=_STORED,
        xapi_version="1.0.3",
        credential="SHA256:2c26b46b68ffc68f",
        loaded_at=_STORED,
        flatten_error=None,
        voided_by=None,
        payload={
            "actor": {"mbox": "mailto:ana@example.org", "name": "Ana Souza"},
            "verb": {"id": _FLAT["verb_id"]},
            "object": {"id": _LESSON["activity_id"]},
            "timestamp": _AT,
        },
    )

    id: UUID
    stored_at: datetime
    xapi_version: str
    credential: str
    loaded_at: datetime | None
    flatten_error: str | None
    voided_by: UUID | None
    payload: dict[str, Any]
