"""What the parameters of a request for documents ask for, or everything that is wrong with them. Pure.

xAPI 1.0.3 Communication 2.3, 2.6, 2.7 (the tables of parameters) and 3.2 (parameters nobody knows are refused).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import orjson

from app.errors import BadRequest, Problem
from app.lrs.documents import Resource, Shelf
from app.lrs.identity import agent_identity
from app.lrs.validation import (
    Version,
    is_iri,
    is_timestamp,
    is_uuid,
    parse_timestamp,
    validate_actor,
    validate_agent,
)

Act = Literal["write", "read", "delete"]

PARAMETERS: dict[Resource, tuple[str, ...]] = {
    "state": ("activityId", "agent", "registration", "stateId", "since"),
    "agent_profile": ("agent", "profileId", "since"),
    "activity_profile": ("activityId", "profileId", "since"),
}
"""The parameters of each resource in the order of the specification."""

MEANINGS = {
    "activityId": "The id of the Activity that the documents belong to, an IRI.",
    "agent": "The Agent that the documents belong to, as JSON.",
    "registration": "The registration that the documents belong to, a UUID.",
    "stateId": "The id of one document. Without it GET lists ids and DELETE deletes all there are.",
    "profileId": "The id of one document. Without it GET lists ids.",
    "since": "Only documents that were stored after this moment; only for lists.",
}
"""What each parameter means, for the description of the doors."""

_AN_AGENT = 'An Agent as JSON, such as {"mbox": "mailto:sam@example.org"}.'


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about: a shelf, one document on it or all of them, or those stored since a moment."""

    shelf: Shelf
    document_id: str | None
    since: datetime | None


def read_parameters(resource: Resource, given: Iterable[tuple[str, str]], version: Version, act: Act) -> Asked:
    """Read the query of a request. BadRequest tells every problem at once."""
    pairs = list(given)
    query = dict(pairs)
    problems: list[Problem] = []
    _check_names(resource, pairs, problems)
    has = PARAMETERS[resource]
    activity = _activity(query, problems) if "activityId" in has else None
    agent = _agent(query, version, problems) if "agent" in has else None
    registration = _registration(query, problems) if "registration" in has else None
    id_name = "stateId" if resource == "state" else "profileId"
    document_id = query.get(id_name)
    if document_id is None and (act == "write" or (act == "delete" and resource != "state")):
        problems.append(Problem(f"?{id_name}", "is missing.", "The id of the document, any text."))
    elif document_id is not None and (not document_id or "\x00" in document_id):
        problems.append(
            Problem(f"?{id_name}", "is empty or holds the character NUL.", "The id of the document, any other text.")
        )
    since = _since(query, version, act, document_id, problems)
    if problems:
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        raise BadRequest(f"{problems[0].path} {problems[0].message.rstrip('.')}.{more}", problems)
    return Asked(Shelf(resource, activity, agent, registration), document_id, since)


def _check_names(resource: Resource, pairs: list[tuple[str, str]], problems: list[Problem]) -> None:
    for name, times in Counter(name for name, _ in pairs).items():
        if name not in PARAMETERS[resource]:
            expected = f"Only {', '.join(PARAMETERS[resource])}, with exactly this spelling."
            problems.append(Problem(f"?{name[:80]}", "is not a parameter of this resource.", expected))
        elif times > 1:
            problems.append(Problem(f"?{name}", f"is given {times} times.", "Each parameter once."))


def _activity(query: dict[str, str], problems: list[Problem]) -> str | None:
    value = query.get("activityId")
    expected = "The id of an Activity, an IRI such as https://app.7taps.com/lessons/1."
    if value is None:
        problems.append(Problem("?activityId", "is missing.", expected))
    elif not is_iri(value):
        problems.append(Problem("?activityId", f"is {value[:80]!r}, not an IRI.", expected))
    return value


def _agent(query: dict[str, str], version: Version, problems: list[Problem]) -> str | None:
    """xAPI 1.0.3 Communication 2.3, 2.6: an Agent; in 2.0 an identified Group may stand there too."""
    if "agent" not in query:
        problems.append(Problem("?agent", "is missing.", _AN_AGENT))
        return None
    try:
        agent = orjson.loads(query["agent"])
    except orjson.JSONDecodeError as error:
        problems.append(Problem("?agent", f"is not JSON: {error.msg}.", _AN_AGENT))
        return None
    found: list[Problem] = []
    (validate_agent if version == "1.0" else validate_actor)(agent, "?agent", version, found)
    identity = None if found else agent_identity(agent)
    if not found and identity is None:
        found.append(Problem("?agent", "is a Group without an identifier.", "An Agent, or a Group with an identifier."))
    problems.extend(found)
    return identity


def _registration(query: dict[str, str], problems: list[Problem]) -> UUID | None:
    value = query.get("registration")
    if value is None:
        return None
    if is_uuid(value):
        return UUID(value)
    problems.append(
        Problem("?registration", f"is {value[:80]!r}.", "A UUID such as 2557db94-bd34-46d7-9684-d928c824963a.")
    )
    return None


def _since(
    query: dict[str, str], version: Version, act: Act, document_id: str | None, problems: list[Problem]
) -> datetime | None:
    if "since" not in query:
        return None
    if act != "read" or document_id is not None:
        problems.append(Problem("?since", "is given where no list is asked for.", "GET without the id of a document."))
        return None
    value = query["since"].replace(" ", "+")  # A plus that nobody encoded arrives as a blank.
    if is_timestamp(value, version):
        return parse_timestamp(value)
    problems.append(Problem("?since", f"is {value[:80]!r}.", "A timestamp such as 2026-01-31T09:30:00Z."))
    return None
