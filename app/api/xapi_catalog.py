"""The doors for what an LRS knows beside statements and documents: activities, agents, and itself."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app import __version__
from app.accounts.persons import known_identifiers
from app.api.problems import errors
from app.api.xapi_scopes import require_reading, require_reading_people
from app.api.xapi_version import Spoken
from app.database import session_scope
from app.errors import BadRequest, Problem
from app.lrs.person import person
from app.lrs.validation import is_iri, validate_agent
from app.platform.ids import stable_id
from app.security import Sender
from app.warehouse import definitions

SPOKEN = ("1.0.0", "1.0.1", "1.0.2", "1.0.3", "2.0.0")

router = APIRouter(prefix="/xapi", tags=["xAPI"], responses=errors(400, 401, 403, 503))


@router.head("/about", include_in_schema=False)
@router.get("/about")
async def get_about() -> dict[str, Any]:
    """The versions this LRS speaks (xAPI 1.0.3 Communication 2.8). Needs no credentials and no version header."""
    return {
        "version": list(SPOKEN),
        "extensions": {"urn:7taps-analytics:about": {"name": "7taps Analytics", "version": __version__}},
    }


@router.head("/activities", include_in_schema=False, response_model=None)
@router.get("/activities", response_model=None)
async def get_activity(
    request: Request,
    sender: Sender,
    spoken: Spoken,
    activityId: Annotated[str | None, Query(description="The activity's IRI.")] = None,
) -> Response:
    """The complete Activity with the definition this LRS goes by (xAPI 1.0.3 Communication 2.5)."""
    require_reading(sender)
    _only(request, "activityId")
    if not is_iri(activityId):
        told = "is missing." if activityId is None else f"is {activityId[:80]!r}."
        raise BadRequest(
            "The request does not name an activity.", [Problem("?activityId", told, "An IRI, the activity's id.")]
        )
    found = await run_in_threadpool(_definition, activityId)
    activity: dict[str, Any] = {"objectType": "Activity", "id": activityId}
    if found:
        activity["definition"] = found
    return _json(activity)


@router.head("/agents", include_in_schema=False, response_model=None)
@router.get("/agents", response_model=None)
async def get_agent(
    request: Request,
    sender: Sender,
    spoken: Spoken,
    agent: Annotated[str | None, Query(description="An Agent as JSON.")] = None,
) -> Response:
    """The Person behind an Agent: every identifier under which they are known here (xAPI 1.0.3 Communication 2.4)."""
    require_reading_people(sender)
    _only(request, "agent")
    problems: list[Problem] = []
    parsed: Any = None
    try:
        parsed = orjson.loads(agent) if agent is not None else None
    except orjson.JSONDecodeError:
        problems.append(Problem("?agent", "is not JSON.", 'An Agent such as {"mbox": "mailto:sam@example.org"}.'))
    if agent is None:
        problems.append(Problem("?agent", "is missing.", 'An Agent such as {"mbox": "mailto:sam@example.org"}.'))
    elif not problems:
        validate_agent(parsed, "?agent", "2.0" if spoken.startswith("2.") else "1.0", problems)
    if problems:
        raise BadRequest(f"{problems[0].path} {problems[0].message}", problems)
    identifiers, names = await run_in_threadpool(_identifiers, parsed)
    return _json(person(parsed, identifiers, names))


def _definition(iri: str) -> dict[str, Any] | None:
    with session_scope() as db:
        return definitions.known(db, "activities", [stable_id("activity", iri)]).get(iri)


def _identifiers(agent: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    with session_scope() as db:
        return known_identifiers(db, agent)


def _only(request: Request, name: str) -> None:
    problems = [
        Problem(f"?{other}", "is not a parameter of this resource.", f"Only {name}.")
        for other in request.query_params
        if other != name
    ]
    if len(request.query_params.getlist(name)) > 1:
        problems.append(Problem(f"?{name}", "is given twice.", "Once."))
    if problems:
        raise BadRequest(f"{problems[0].path} {problems[0].message}", problems)


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), 200, media_type="application/json")
