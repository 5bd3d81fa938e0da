"""The OpenAPI document: what the framework sees of the doors, and what it cannot see.

Doors under /xapi read parameters and bodies from the request itself, so that they can name everything that is wrong
with it at once; what these are is said here. Every error has one shape and one media type, at every door.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.analytics.recent_schemas import LastStatement, RawStatement, RecentCompletions
from app.api.problems import ERRORS, MEDIA_TYPE
from app.api.statement_schema import IRI, MOMENT, SCHEMAS, UUID, Schema
from app.api.xapi_version import VERSION_HEADER
from app.schemas import SignupRequest

_FLAG = {"schema": {"type": "boolean"}}
_AGENT = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Agent"}}}}
_STATEMENT = {"$ref": "#/components/schemas/Statement"}
_STATEMENTS = {"type": "array", "items": _STATEMENT}
_ANY_TEXT = {"schema": {"type": "string", "minLength": 1}}
_ANY_BYTES: Schema = {"*/*": {"schema": {}}}
_DOCUMENTS = ("/xapi/activities/state", "/xapi/agents/profile", "/xapi/activities/profile")

PARAMETERS: dict[str, Schema] = {
    "statementId": {"schema": UUID},
    "voidedStatementId": {"schema": UUID},
    "registration": {"schema": UUID},
    "agent": _AGENT,
    "verb": {"schema": IRI},
    "activity": {"schema": IRI},
    "activityId": {"schema": IRI},
    "stateId": _ANY_TEXT,
    "profileId": _ANY_TEXT,
    "since": {"schema": MOMENT},
    "until": {"schema": MOMENT},
    "limit": {"schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999}},
    "format": {"schema": {"enum": ["ids", "exact", "canonical"]}},
    **dict.fromkeys(("related_activities", "related_agents", "attachments", "ascending"), _FLAG),
    VERSION_HEADER: {"schema": {"type": "string", "pattern": r"^[12]\.0(\.[0-9]{1,4})?$", "example": "1.0.3"}},
}
"""What each parameter of the standard is, whichever door it belongs to."""


def install_openapi(app: FastAPI) -> None:
    """Let the application describe its doors completely."""
    as_seen = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = completed(as_seen())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The framework's document with what it cannot see. It is changed in place."""
    schemas = document["components"]["schemas"]
    schemas.update(SCHEMAS)
    schemas["SignupRequest"] = SignupRequest.model_json_schema()
    for model in (LastStatement, RecentCompletions, RawStatement):
        # The framework leaves out what is null, which in these says something.
        schemas[model.__name__]["examples"] = model.model_json_schema()["examples"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for method, path, door in _doors(document):
        _complete_parameters(method, path, door)
        _complete_bodies(method, path, door)
        _complete_errors(
            method, path, door["responses"], takes_a_body="requestBody" in door, for_callers=is_for_callers(door)
        )
    return document


def _doors(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, door in methods.items():
            yield method, path, door


def _complete_parameters(method: str, path: str, door: dict[str, Any]) -> None:
    if "/xapi/" not in path:
        return
    for parameter in door.get("parameters", ()):
        name = parameter["name"]
        if name in PARAMETERS:
            parameter.pop("schema", None)
            parameter.update(PARAMETERS[name], required=_is_required(method, path, name))


def _is_required(method: str, path: str, name: str) -> bool:
    match name:
        case "X-Experience-API-Version":
            return path.startswith("/xapi/")
        case "activityId" | "agent":
            return path != "/xapi/statements"
        case "statementId":
            return method == "put"
        case "stateId":
            return method in ("put", "post")
        case "profileId":
            return method != "get"
    return False


def _complete_bodies(method: str, path: str, door: dict[str, Any]) -> None:
    """Bodies that the doors read and write by themselves."""
    if path.endswith("/xapi/statements"):
        if method in ("put", "post"):
            body = door["requestBody"]["content"]["application/json"]
            body["schema"] = _STATEMENT if method == "put" else {"oneOf": [_STATEMENT, _STATEMENTS]}
        else:
            page = {"type": "object", "properties": {"statements": _STATEMENTS, "more": {"type": "string"}}}
            answer = {"oneOf": [_STATEMENT, {**page, "required": ["statements", "more"]}]}
            door["responses"]["200"]["content"] = {"application/json": {"schema": answer}, "multipart/mixed": {}}
    elif path in _DOCUMENTS and method == "get":
        door["responses"]["200"]["content"] = _ANY_BYTES
        door["responses"]["304"] = {"description": "If-None-Match names the document as it is."}


def is_for_callers(door: dict[str, Any]) -> bool:
    """Whether a door asks who is there, by token or session."""
    return any("Session" in one for one in door.get("security", ()))


def _complete_errors(
    method: str, path: str, responses: dict[str, Any], *, takes_a_body: bool, for_callers: bool
) -> None:
    """The framework announces its own 422 and its own media type; here all that is wrong is a 400, as a problem."""
    responses.pop("422", None)
    told = {status for status in responses if status >= "400"}
    if for_callers:
        told |= {"401", "403", "503"}
    if takes_a_body:
        told |= {"400", "413", "415"}
    if path.endswith("/xapi/statements") and method != "get":
        told.add("409")
    if path.startswith("/ui"):
        # Pages are asked by parameters of their address, which people change by hand.
        told |= {"400", "404", *(() if method == "get" else ("409", "413", "415"))}
    for status in sorted(told):
        shape: dict[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ErrorRead"}}}
        # Where a browser posts a form, it also gets its refusal as a page.
        if page := responses.get(status, {}).get("content", {}).get("text/html"):
            shape["text/html"] = page
        description = responses.get(status, ERRORS.get(int(status), {})).get("description", "")
        responses[status] = {"description": description, "content": shape}
