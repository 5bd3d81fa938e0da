"""The export of responses from 7taps (one row per answer) as statements: somebody answered a question of a lesson."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from app.accounts.identifiers import normal_phone
from app.accounts.roster_files import Table
from app.errors import BadRequest, Problem
from app.platform.ids import stable_id

COURSE = "https://app.7taps.com/import"
"""Where lessons of an export stand that no cohort's plan knows: the beginning of their made-up addresses."""
SENDERS_HOME_PAGE = "https://app.7taps.com"
NAMES_HOME_PAGE = "urn:7taps-analytics:learner-name"
"""Of accounts for learners of whom the export gives nothing but a name."""
EXTENSIONS = "https://app.7taps.com/xapi/extensions/"

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "learner": ("learner", "learneremail", "email", "learnername", "participant"),
    "card": ("card", "cardname", "cardtitle", "question"),
    "card_type": ("cardtype", "type"),
    "lesson": ("lessonnumber", "lesson", "lessonno"),
    "question": ("globalq", "globalquestion", "globalqnumber", "globalquestionnumber"),
    "page": ("pdfpage", "pdfpagenumber", "page"),
    "response": ("response", "answer", "learnerresponse"),
}
_NEEDED = ("learner", "card", "lesson", "response")
_INTERACTIONS = {"poll": "choice", "quiz": "choice", "rating": "likert", "form": "long-fill-in", "text": "long-fill-in"}
_EMAIL = re.compile(r"[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+\.[^@\s<>\"(),;:\\]+")
_MAX_CHARACTERS = 300

LessonIri = Callable[[int], str | None]
"""The activity id of the lesson with this number; None when there is no such lesson."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A row that became a statement. id: follows from what the row says, and from how many rows before say the same.

    occurrence: 1 for the first row that says this.
    """

    row: int
    id: UUID
    statement: dict[str, Any]
    occurrence: int = 1


def answers(table: Table, lesson_iri: LessonIri) -> tuple[list[Answer], list[Problem]]:
    """The statements of an export, and what is wrong with the other rows. BadRequest when a heading is missing.

    An export has no times, so equal rows are told apart by their number among equals: whatever the order of the rows,
    an export that holds the same answer twice comes to the same two statements.
    """
    places = _places(table.headings)
    found: list[Answer] = []
    seen: Counter[str] = Counter()
    problems: list[Problem] = []
    for row in table.rows:
        said = {name: row.cells[place] for name, place in places.items()}
        try:
            statement = _statement(said, lesson_iri)
        except ValueError as error:
            problems.append(Problem(f"row {row.number}", str(error)))
            continue
        text = orjson.dumps(statement, option=orjson.OPT_SORT_KEYS).decode()
        seen[text] += 1
        key = stable_id("7taps response", text if seen[text] == 1 else f"{text}\x00{seen[text]}")
        found.append(Answer(row.number, key, {"id": str(key), **statement}, seen[text]))
    return found, problems


def made_up_lesson(course: str) -> LessonIri:
    """Addresses for lessons of which only the number is known."""
    return lambda number: f"{course.rstrip('/')}/lessons/{number}"


def _places(headings: tuple[str, ...]) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", one.casefold())) for one in headings]
    places = {
        name: plain.index(spelling)
        for name, spellings in _COLUMNS.items()
        if (spelling := next((one for one in spellings if one in plain), None)) is not None
    }
    if missing := [name for name in _NEEDED if name not in places]:
        told = f"lack {', '.join(missing)}."
        expected = "Learner, Card, Card type, Lesson Number, Global Q#, PDF Page #, Response."
        raise BadRequest(f"The headings {told} Expected: {expected}", [Problem("row 1", told, expected)])
    return places


def _statement(said: Mapping[str, str], lesson_iri: LessonIri) -> dict[str, Any]:
    if not said["response"]:
        raise ValueError("holds no response.")
    if not re.fullmatch(r"\d{1,6}(\.0+)?", said["lesson"], re.ASCII):
        raise ValueError(f"has no lesson number: {said['lesson'][:40]!r}.")
    number = int(float(said["lesson"]))
    lesson = lesson_iri(number)
    if lesson is None:
        raise ValueError(f"is about lesson {number}, which the cohort's plan does not have.")
    actor = _actor(said["learner"])
    card, card_type, question = said["card"], said.get("card_type", "").lower(), said.get("question", "")
    if not (card or question):
        raise ValueError("names neither a card nor a question.")
    if len(card) > _MAX_CHARACTERS * 10 or len(card_type) > _MAX_CHARACTERS or len(question) > _MAX_CHARACTERS:
        raise ValueError("has a card, card type or question number that is too long.")
    name = f"q{question}" if question else f"card-{stable_id('card', card)}"
    extensions = {
        EXTENSIONS + key: value
        for key, value in (
            ("card-type", card_type),
            ("lesson-number", str(number)),
            ("global-question", question),
            ("pdf-page", said.get("page", "")),
        )
        if value
    }
    definition: dict[str, Any] = {
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "interactionType": _INTERACTIONS.get(card_type, "other"),
    }
    if card:
        definition["name"] = {"und": card}
    return {
        "actor": actor,
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
        "object": {"objectType": "Activity", "id": f"{lesson}#{quote(name, safe='')}", "definition": definition},
        "result": {"response": said["response"]},
        "context": {
            "platform": "7taps export",
            "contextActivities": {
                "parent": [{"id": lesson, "definition": {"type": "http://adlnet.gov/expapi/activities/lesson"}}]
            },
            "extensions": extensions,
        },
    }


def _actor(learner: str) -> dict[str, Any]:
    """An address, a phone number, or a name that somebody has to say whose it is, by merging."""
    text = " ".join(learner.split())
    if not text or len(text) > _MAX_CHARACTERS:
        raise ValueError("names no learner." if not text else "has a learner's name that is too long.")
    if _EMAIL.fullmatch(text):
        return {"objectType": "Agent", "mbox": f"mailto:{text.lower()}"}
    if phone := normal_phone(text):
        return {"objectType": "Agent", "account": {"homePage": SENDERS_HOME_PAGE, "name": phone}}
    return {"objectType": "Agent", "name": text, "account": {"homePage": NAMES_HOME_PAGE, "name": text.casefold()}}
