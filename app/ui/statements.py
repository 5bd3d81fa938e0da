"""Statements: found as the LRS finds them, and one of them exact and flat, side by side."""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics.statements import (
    KnownVerbName,
    ListedStatement,
    ShownStatement,
    known_verbs,
    list_statements,
    show_statement,
)
from app.config import Settings
from app.database import get_db
from app.errors import BadRequest, NotAllowed, Problem
from app.lrs.query import AFTER, read_query
from app.ui.pages import HTML, show, wants_json, zone_of
from app.ui.viewing import viewer_of

router = APIRouter(tags=["Pages"], include_in_schema=False)
Db = Annotated[Session, Depends(get_db, scope="function")]

PATH = "/ui/statements"
VERSION = "1.0.3"
LIMITS = (25, 50, 100)
MAX_CHARACTERS = 2_000
_FILTERS = ("agent", "verb", "activity", "registration", "related_agents", "related_activities", "since", "until")
_FIELDS = (*_FILTERS, "ascending", "limit", AFTER)
_LABELS = {
    "agent": "Who",
    "verb": "Verb",
    "activity": "Activity",
    "registration": "Registration",
    "related_agents": "Also as instructor, team or authority",
    "related_activities": "Also as parent, grouping or other context",
    "since": "Stored after",
    "until": "Stored until",
}
PARAMETERS = {"parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _FIELDS]}
"""The filters for the description of a door, which reads them by itself."""
_EMAIL = re.compile(r"[^\s@{}]+@[^\s@]+")
_ACCOUNT = re.compile(r"(https?://\S+)\s+(\S.*)")
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")


class StatementsPage(BaseModel):
    """Statements that match every filter. parameters: as GET /xapi/statements takes them. next: the page after."""

    parameters: dict[str, str]
    limit: int
    statements: list[ListedStatement]
    next: str | None
    verbs: list[KnownVerbName]


class StatementPage(BaseModel):
    """One statement. curl: how to get it from the LRS, with a key that may read."""

    statement: ShownStatement
    curl: str


@router.get(
    PATH,
    response_model=StatementsPage,
    responses=HTML,
    dependencies=[needs("statements:read")],
    openapi_extra=PARAMETERS,
)
def get_statements(request: Request, db: Db) -> Response:
    """Statements, filtered by what GET /xapi/statements is filtered by (xAPI 1.0.3 Communication 2.1.3).

    Here `agent` may also be an e-mail address, or the home page and the name of an account with a blank between them;
    `since` and `until` without an offset are in the viewer's time zone.
    """
    shows_people(request)
    asked = asked_of(request)
    page = StatementsPage(parameters=asked, limit=LIMITS[0], statements=[], next=None, verbs=known_verbs(db))
    status, wrong = 200, {}
    try:
        page.parameters, page.limit = parameters_of(asked, zone_of(request))
        query = read_query(page.parameters.items(), "1.0")
        listed = list_statements(db, viewer_of(request), query, page.limit)
    except BadRequest as error:
        if wants_json(request):
            raise
        status = 400
        wrong = {one.path[1:]: f"{one.path[1:]} {one.message} {one.expected}" for one in error.problems}
    else:
        page.statements = listed.statements
        if listed.after:
            page.next = f"{PATH}?{urlencode({**asked, AFTER: dict(listed.after)[AFTER]})}"
    return show(
        request,
        "statements.html",
        page,
        status=status,
        wrong=wrong,
        asked=asked,
        chips=_chips(asked),
        verb_choices=_verb_choices(page.verbs, asked.get("verb")),
        limit_choices=[(one, str(one)) for one in LIMITS],
    )


@router.get(
    PATH + "/{statement_id}", response_model=StatementPage, responses=HTML, dependencies=[needs("statements:read")]
)
def get_statement(request: Request, statement_id: UUID, db: Db) -> Response:
    """One statement: its text exactly as it was received, and the flat row that reports are made of."""
    settings: Settings = request.app.state.settings
    shows_people(request)
    shown = show_statement(db, viewer_of(request), statement_id)
    page = StatementPage(statement=shown, curl=curl_of(shown, settings.base_url))
    return show(request, "statement.html", page, indented=_indented(shown.text))


def _indented(text: str) -> str:
    """The statement set out for the eye; empty when it is no JSON that can be. What was received stands beside it."""
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return ""


def asked_of(request: Request) -> dict[str, str]:
    """The fields of the form that were not left empty."""
    given = {name: value.strip() for name, value in request.query_params.multi_items() if value.strip()}
    return {name: value for name, value in given.items() if name != "format"}


def shows_people(request: Request) -> None:
    """NotAllowed where learners are shown under pseudonyms: a statement says who somebody is in many ways."""
    if viewer_of(request).pseudonyms is not None:
        raise NotAllowed("Statements say who people are, and LEARNER_DISPLAY=pseudonyms keeps that from every page.")


def curl_of(statement: ShownStatement, base_url: str) -> str:
    """The command that gets the statement. The LRS takes the key pair of a sender that may read, not ADMIN_TOKEN."""
    name = "statementId" if statement.voided_by is None else "voidedStatementId"
    version = statement.xapi_version if re.fullmatch(r"[0-9.]{1,20}", statement.xapi_version) else VERSION
    return (
        f'curl --get --user "$PUBLIC_PEM:$SECRET_PEM" \\\n'
        f"  --header {shlex.quote(f'X-Experience-API-Version: {version}')} \\\n"
        f"  --data-urlencode {shlex.quote(f'{name}={statement.id}')} \\\n"
        f"  {shlex.quote(f'{base_url}/xapi/statements')}"
    )


def parameters_of(asked: Mapping[str, str], zone: ZoneInfo) -> tuple[dict[str, str], int]:
    """From the fields of the form to the parameters of the standard. BadRequest names each field that is wrong."""
    problems = [
        Problem(f"?{name[:80]}", "is not a filter of this page.", f"One of {', '.join(_FIELDS)}.")
        for name in asked
        if name not in _FIELDS
    ]
    problems += [
        Problem(f"?{name}", "is too long.", f"At most {MAX_CHARACTERS} characters.")
        for name, value in asked.items()
        if name in _FIELDS and len(value) > MAX_CHARACTERS
    ]
    problems += [
        Problem(f"?{name}", "holds a NUL character.", "Text without one.")
        for name, value in asked.items()
        if "\x00" in value
    ]
    limit = asked.get("limit", str(LIMITS[0]))
    if limit not in map(str, LIMITS):
        problems.append(Problem("?limit", f"is “{limit[:40]}”.", f"One of {', '.join(map(str, LIMITS))}."))
    if problems:
        raise BadRequest(f"{problems[0].path} {problems[0].message} {problems[0].expected}", problems)
    parameters = {name: value for name, value in asked.items() if name != "limit"}
    if "agent" in parameters:
        parameters["agent"] = _agent(parameters["agent"])
    for name in ("since", "until"):
        if _LOCAL.fullmatch(parameters.get(name, "")):
            parameters[name] = _moment(name, parameters[name], zone)
    return parameters, int(limit)


def _agent(text: str) -> str:
    """An e-mail address, or a home page and a name, as an Agent; anything else is left to the reader of JSON."""
    if _EMAIL.fullmatch(text):
        return orjson.dumps({"mbox": f"mailto:{text.removeprefix('mailto:')}"}).decode()
    if found := _ACCOUNT.fullmatch(text):
        return orjson.dumps({"account": {"homePage": found[1], "name": found[2]}}).decode()
    return text


def _moment(name: str, text: str, zone: ZoneInfo) -> str:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).isoformat()
    except ValueError as error:
        wrong = Problem(f"?{name}", f"is “{text}”.", "A day and a time that the calendar has.")
        raise BadRequest(f"{wrong.path} {wrong.message} {wrong.expected}", [wrong]) from error


def _verb_choices(verbs: Sequence[KnownVerbName], chosen: str | None) -> list[tuple[str, str]]:
    choices = [("", "Any verb"), *((verb.id, verb.name) for verb in verbs)]
    known = {verb.id for verb in verbs}
    return [*choices, (chosen, chosen)] if chosen and chosen not in known else choices


def _chips(asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """What narrows the list, and the address without each."""
    chips = []
    for name in _FILTERS:
        if name in asked:
            rest = {key: value for key, value in asked.items() if key not in (name, AFTER)}
            told = _LABELS[name] if asked[name] == "true" else f"{_LABELS[name]}: {asked[name]}"
            chips.append((told, f"{PATH}?{urlencode(rest)}" if rest else PATH))
    return chips
