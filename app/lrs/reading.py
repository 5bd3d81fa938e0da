"""Reading valid statements: small questions that several places ask of one. Pure; nothing here judges validity."""

from collections.abc import Mapping
from typing import Any

from app.lrs.validation import parse_duration_seconds

LESSON_TYPES = frozenset(
    {
        "http://adlnet.gov/expapi/activities/lesson",
        "http://adlnet.gov/expapi/activities/module",
        "http://adlnet.gov/expapi/activities/course",
        "http://adlnet.gov/expapi/activities/assessment",
        "https://w3id.org/xapi/video/activity-type/video",
    }
)
"""Activity types that a learner takes as one piece. 7taps calls its lessons courses or lessons."""

_QUESTION_TYPES = frozenset(
    {
        "http://adlnet.gov/expapi/activities/cmi.interaction",
        "http://adlnet.gov/expapi/activities/interaction",
        "http://adlnet.gov/expapi/activities/question",
    }
)

ANSWERING_VERBS = frozenset({"http://adlnet.gov/expapi/verbs/answered"})
CHOICE_MAX_CHARACTERS = 100
"""A response that is longer is text to be read, not a choice to be counted."""

COMPLETING_VERBS = frozenset({"http://adlnet.gov/expapi/verbs/completed", "http://adlnet.gov/expapi/verbs/passed"})


def text_in(language_map: object) -> str | None:
    """The text of a language map for readers here: English if there is any, else the first one."""
    if not isinstance(language_map, Mapping) or not language_map:
        return None
    for tag in ("en-US", "en-GB", "en"):
        if tag in language_map:
            return str(language_map[tag])
    return str(next(iter(language_map.values())))


def first_activity(context: Mapping[str, Any], role: str) -> Mapping[str, Any] | None:
    """The first of the context activities in a role (parent, grouping …); a single one may stand without its array."""
    activities = context.get("contextActivities")
    found = activities.get(role) if isinstance(activities, Mapping) else None
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, Mapping) else None


def lesson_of(statement: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The Activity that is the lesson of this statement; None when it is about no lesson.

    The object, if its type is one that a learner takes as one piece, or if it has no type and no parent (7taps sends
    the lesson's URL as object.id). A card or question inside a lesson belongs to its parent.
    """
    activity = statement["object"]
    if activity.get("objectType", "Activity") != "Activity":
        return None
    definition = activity.get("definition") or {}
    kind = definition.get("type")
    if kind in LESSON_TYPES:
        return activity  # type: ignore[no-any-return]
    parent = first_activity(statement.get("context") or {}, "parent")
    is_question = kind in _QUESTION_TYPES or "interactionType" in definition
    if parent is not None:
        parent_kind = (parent.get("definition") or {}).get("type")
        return parent if is_question or parent_kind in LESSON_TYPES else None
    return activity if kind is None and not is_question else None


def completes(statement: Mapping[str, Any]) -> bool:
    """Whether the statement says that its object was completed: verb completed or passed, or result.completion true."""
    result = statement.get("result") or {}
    return statement["verb"]["id"] in COMPLETING_VERBS or result.get("completion") is True


def is_answer(statement: Mapping[str, Any]) -> bool:
    """Whether the statement answers its object."""
    return statement["verb"]["id"] in ANSWERING_VERBS


def choice(result: Mapping[str, Any]) -> str | None:
    """result.response as something that can be counted; None without one, or when it is long."""
    response = result.get("response")
    return response if isinstance(response, str) and len(response) <= CHOICE_MAX_CHARACTERS else None


def card_type(statement: Mapping[str, Any]) -> str | None:
    """poll, quiz, form, rating …: the extension of the context or of the activity whose key ends in card-type."""
    definition = statement["object"].get("definition") or {}
    for extensions in (
        (statement.get("context") or {}).get("extensions"),
        definition.get("extensions"),
    ):
        for key, value in (extensions or {}).items():
            if isinstance(value, str) and key.lower().replace("_", "-").endswith(("card-type", "cardtype")):
                return value
    return None


def duration_seconds(result: Mapping[str, Any]) -> float | None:
    """result.duration in seconds; None without one."""
    duration = result.get("duration")
    return parse_duration_seconds(duration) if isinstance(duration, str) else None
