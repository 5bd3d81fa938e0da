"""From what a made-up learner did to the xAPI statement that 7taps would send about it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid5

from app.cli.demo_course import COURSE_NAME, COURSE_URL, RATING_STEPS, Card, Lesson
from app.cli.demo_learners import PHONE_HOME_PAGE, Learner
from app.cli.statement_files import STATEMENT_NAMESPACE, content_id

Verb = Literal["launched", "attempted", "experienced", "answered", "completed", "passed", "failed"]
Quirk = Literal["repeat", "late", "future", "broken"]

_LANGUAGE = "en-US"
_VERBS = "http://adlnet.gov/expapi/verbs/"
_ACTIVITIES = "http://adlnet.gov/expapi/activities/"
_EXTENSIONS = "https://app.7taps.com/xapi/extensions/"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a learner did, and when word of it was sent.

    card: its place in the lesson, None for the lesson itself. answer: the place of a choice, a
    rating, or free text. score: right answers out of `out_of`. defect: the place in DEFECTS of what
    is broken about the statement.
    """

    sent_at: datetime
    happened_at: datetime
    learner: Learner
    lesson: Lesson
    verb: Verb
    card: int | None = None
    answer: int | str | None = None
    score: int | None = None
    out_of: int = 1
    seconds: float | None = None
    attempt: int = 1
    other_case: bool = False
    quirk: Quirk | None = None
    defect: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to make. Equal deliveries carry equal bytes under the same id."""

    statement_id: str
    body: bytes
    quirk: Quirk | None

    @property
    def to_be_refused(self) -> bool:
        """Whether the server is right to answer 400."""
        return self.quirk == "broken"


def delivery(event: Event) -> Delivery:
    """The statement about the event. Its id follows from its content, so it never means another."""
    statement = _statement(event)
    if event.defect is not None:
        DEFECTS[event.defect](statement)
    statement_id = content_id(statement)
    body = json.dumps({"id": statement_id, **statement}, ensure_ascii=False, separators=(",", ":")).encode()
    if event.defect == _CUT_OFF:
        # The whole statement may arrive as well; the half must not claim its id.
        statement_id = str(uuid5(STATEMENT_NAMESPACE, f"{statement_id} cut off"))
        body = body[: len(body) * 3 // 5]
    return Delivery(statement_id, body, event.quirk)


def _statement(event: Event) -> dict[str, Any]:
    card = None if event.card is None else event.lesson.cards[event.card]
    lesson = {
        "objectType": "Activity",
        "id": event.lesson.url,
        "definition": {"type": _ACTIVITIES + "lesson", "name": {_LANGUAGE: event.lesson.title}},
    }
    course = {
        "objectType": "Activity",
        "id": COURSE_URL,
        "definition": {"type": _ACTIVITIES + "course", "name": {_LANGUAGE: COURSE_NAME}},
    }
    around: dict[str, Any] = {"grouping": [course]}
    if card is not None:
        around = {"parent": [lesson], "grouping": [course]}
    person = event.learner.email or event.learner.phone
    session = f"{person} {event.lesson.slug} {event.attempt}"
    context: dict[str, Any] = {
        "registration": str(uuid5(STATEMENT_NAMESPACE, session)),
        "contextActivities": around,
        "platform": "7taps",
        "language": event.learner.language,
    }
    if card is not None and event.card is not None:
        context["extensions"] = {
            _EXTENSIONS + "card-type": card.kind,
            _EXTENSIONS + "card-number": event.card + 1,
        }
    statement: dict[str, Any] = {
        "actor": _actor(event),
        "verb": {"id": _VERBS + event.verb, "display": {_LANGUAGE: event.verb}},
        "object": lesson if card is None else _card_activity(event, card),
        "context": context,
        "timestamp": _timestamp(event.happened_at),
        "version": "1.0.3",
    }
    if result := _result(event, card):
        statement["result"] = result
    return statement


def _actor(event: Event) -> dict[str, Any]:
    learner = event.learner
    actor: dict[str, Any] = {"objectType": "Agent", "name": learner.name}
    if learner.email is None:
        actor["account"] = {"homePage": PHONE_HOME_PAGE, "name": learner.phone}
    else:
        email = learner.other_case if event.other_case and learner.other_case else learner.email
        actor["mbox"] = f"mailto:{email}"
    return actor


def _card_activity(event: Event, card: Card) -> dict[str, Any]:
    kind = "interaction" if card.kind == "content" else "cmi.interaction"
    definition: dict[str, Any] = {
        "type": _ACTIVITIES + kind,
        "name": {_LANGUAGE: card.name},
        "description": {_LANGUAGE: card.text},
    }
    if card.kind in ("poll", "quiz"):
        definition["interactionType"] = "choice"
        definition["choices"] = [
            {"id": _choice_id(place), "description": {_LANGUAGE: text}} for place, text in enumerate(card.choices)
        ]
        if card.correct is not None:
            definition["correctResponsesPattern"] = [_choice_id(card.correct)]
    elif card.kind == "rating":
        definition["interactionType"] = "likert"
        definition["scale"] = [
            {"id": _step_id(stars), "description": {_LANGUAGE: f"{stars} of {RATING_STEPS} stars"}}
            for stars in range(1, RATING_STEPS + 1)
        ]
    elif card.kind == "form":
        definition["interactionType"] = "long-fill-in"
    return {
        "objectType": "Activity",
        "id": f"{event.lesson.url}#card-{(event.card or 0) + 1}",
        "definition": definition,
    }


def _result(event: Event, card: Card | None) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if event.verb == "answered" and card is not None:
        result["completion"] = True
        if isinstance(event.answer, str):
            result["response"] = event.answer
        elif event.answer is not None and card.kind == "rating":
            result["response"] = _step_id(event.answer)
            result["score"] = {
                "scaled": (event.answer - 1) / (RATING_STEPS - 1),
                "raw": event.answer,
                "min": 1,
                "max": RATING_STEPS,
            }
        elif event.answer is not None:
            result["response"] = _choice_id(event.answer)
            if card.correct is not None:
                result["success"] = event.answer == card.correct
    elif event.verb in ("passed", "failed"):
        result["success"] = event.verb == "passed"
    elif event.verb == "completed":
        result["completion"] = True
    if event.score is not None:
        result["score"] = {
            "scaled": round(event.score / event.out_of, 4),
            "raw": event.score,
            "min": 0,
            "max": event.out_of,
        }
    if event.seconds is not None:
        result["duration"] = f"PT{event.seconds:.1f}S"
    return result


def _choice_id(place: int) -> str:
    return "abcdefgh"[place]


def _step_id(stars: int) -> str:
    return f"stars-{stars}"


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name_as_string(statement: dict[str, Any]) -> None:
    definition = statement["object"]["definition"]
    definition["name"] = definition["name"][_LANGUAGE]


def _actor_without_identifier(statement: dict[str, Any]) -> None:
    statement["actor"] = {"objectType": "Agent", "name": statement["actor"]["name"]}


def _verb_without_iri(statement: dict[str, Any]) -> None:
    statement["verb"]["id"] = statement["verb"]["display"][_LANGUAGE]


def _score_out_of_range(statement: dict[str, Any]) -> None:
    statement.setdefault("result", {})["score"] = {"scaled": 80}


def _cut_off(_statement: dict[str, Any]) -> None:
    """Nothing is wrong with the statement itself: its bytes are cut, in `delivery`."""


DEFECTS: tuple[Callable[[dict[str, Any]], None], ...] = (
    _name_as_string,
    _actor_without_identifier,
    _cut_off,
    _verb_without_iri,
    _score_out_of_range,
)
"""What a broken statement may have wrong; each makes a good one so that a server must refuse it."""
_CUT_OFF = DEFECTS.index(_cut_off)
