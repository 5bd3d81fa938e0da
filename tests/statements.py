"""Statements for tests."""

from typing import Any
from uuid import uuid4

COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
LESSON_TYPE = "http://adlnet.gov/expapi/activities/lesson"


def lesson(number: int = 1) -> dict[str, Any]:
    """The activity of a lesson."""
    return {
        "objectType": "Activity",
        "id": f"https://app.7taps.com/lessons/{number}",
        "definition": {"type": LESSON_TYPE, "name": {"en-US": f"Lesson {number}"}},
    }


def completed(
    email: str = "sam@example.org", number: int = 1, at: str = "2026-03-02T08:00:00Z", **more: Any
) -> dict[str, Any]:
    """Sam completed lesson 1."""
    return {
        "id": str(uuid4()),
        "actor": {"objectType": "Agent", "mbox": f"mailto:{email}", "name": "Sam"},
        "verb": {"id": COMPLETED, "display": {"en-US": "completed"}},
        "object": lesson(number),
        "timestamp": at,
        **more,
    }


def answered(email: str = "sam@example.org", number: int = 1, response: str = "b", **more: Any) -> dict[str, Any]:
    """Sam answered the quiz on card 3 of lesson 1."""
    return {
        "id": str(uuid4()),
        "actor": {"mbox": f"mailto:{email}"},
        "verb": {"id": ANSWERED},
        "object": {
            "id": f"https://app.7taps.com/lessons/{number}#card-3",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "interactionType": "choice",
                "name": {"en-US": "Which milk first?"},
                "choices": [
                    {"id": "a", "description": {"en": "Oat"}},
                    {"id": "b", "description": {"en": "Whole"}},
                ],
                "correctResponsesPattern": ["b"],
            },
        },
        "result": {
            "success": True,
            "completion": True,
            "response": response,
            "score": {"scaled": 1.0, "raw": 5, "min": 0, "max": 5},
            "duration": "PT1M30.5S",
        },
        "context": {
            "registration": "5389ed44-e618-4a66-9a43-7a0b282fd837",
            "platform": "7taps",
            "language": "en-US",
            "contextActivities": {
                "parent": [lesson(number)],
                "grouping": [{"id": "https://app.7taps.com/course"}],
            },
            "extensions": {"https://app.7taps.com/xapi/extensions/card-type": "quiz"},
        },
        "timestamp": "2026-03-02T08:00:00+01:00",
        **more,
    }
