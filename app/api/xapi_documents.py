"""The doors for documents: /xapi/activities/state, /xapi/agents/profile, /xapi/activities/profile.

xAPI 1.0.3 Communication 2.2, 2.3, 2.6, 2.7 and 3.1; the rules themselves are in app/lrs/documents.py.
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha1
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from app.accounts.credentials import KnownKey
from app.api.problems import errors
from app.api.requests import read_body
from app.api.xapi_scopes import DOCUMENTS, READ_ALL
from app.api.xapi_version import Spoken
from app.config import Settings
from app.database import session_scope
from app.errors import BadRequest, Problem
from app.lrs import documents
from app.lrs.document_parameters import MEANINGS, PARAMETERS, Act, Asked, read_parameters
from app.lrs.documents import Conditions, Content, Resource, Stored
from app.lrs.statements import rules_for
from app.schemas import ErrorRead
from app.security import Sender, require_scope

PATHS: dict[Resource, str] = {
    "state": "/activities/state",
    "agent_profile": "/agents/profile",
    "activity_profile": "/activities/profile",
}

_GUARDS = {
    # What is kept here is somebody else's: a browser neither guesses its type nor runs it in our name.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    # With Last-Modified alone a browser would guess how long an answer stays true.
    "Cache-Control": "private, no-cache",
}
_REFUSALS: dict[int | str, dict[str, Any]] = errors(400, 401, 403, 503)
_MORE_REFUSALS: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "The document exists, and the request does not say that it knows it."},
    412: {"model": ErrorRead, "description": "If-Match or If-None-Match does not hold."},
}
_ANY_BODY = {"required": True, "content": {"application/json": {"schema": {}}, "application/octet-stream": {}}}

Tags = Annotated[list[str] | None, Header(description="One ETag or several, or *")]


def _conditions(if_match: Tags = None, if_none_match: Tags = None) -> Conditions:
    """The preconditions of a request; a header that came on several lines is one list (RFC 9110 5.3)."""
    return Conditions(
        ", ".join(if_match) if if_match is not None else None,
        ", ".join(if_none_match) if if_none_match is not None else None,
    )


If = Annotated[Conditions, Depends(_conditions)]

router = APIRouter(prefix="/xapi", tags=["xAPI documents"], responses=_REFUSALS)


def _open(resource: Resource) -> None:
    """Open the doors of one resource; what they do is the same for all three."""

    async def put_document(request: Request, sender: Sender, spoken: Spoken, conditions: If) -> Response:
        """Store a document in place of the one that has this id."""
        return await _write(request, sender, resource, spoken, conditions=conditions, merge=False)

    async def post_document(request: Request, sender: Sender, spoken: Spoken, conditions: If) -> Response:
        """Merge the members of a JSON object into the document that has this id, or store it as a new one."""
        return await _write(request, sender, resource, spoken, conditions=conditions, merge=True)

    async def get_document(request: Request, sender: Sender, spoken: Spoken, conditions: If) -> Response:
        """One document as it was stored; without its id, the ids of all there are."""
        asked = _asked(request, sender, resource, spoken, "read")
        if asked.document_id is None:
            response = await run_in_threadpool(_listed, asked)
        else:
            response = await run_in_threadpool(_found, asked, asked.document_id, conditions)
        if request.method == "HEAD":
            response.body = b""  # Content-Length keeps saying what GET would answer (Communication 1.1).
        return response

    async def delete_document(request: Request, sender: Sender, spoken: Spoken, conditions: If) -> Response:
        """Delete one document; of state, without its id, all there are."""
        asked = _asked(request, sender, resource, spoken, "delete")
        await run_in_threadpool(_delete, asked, conditions)
        return Response(status_code=204)

    path = PATHS[resource]
    described = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": MEANINGS[name]}
        for name in PARAMETERS[resource]
    ]
    for method, endpoint, status, refusals in (
        ("PUT", put_document, 204, errors(413) | _MORE_REFUSALS),
        ("POST", post_document, 204, errors(413) | _MORE_REFUSALS),
        ("GET", get_document, 200, errors(404)),
        ("HEAD", get_document, 200, errors(404)),
        ("DELETE", delete_document, 204, _MORE_REFUSALS),
    ):
        extra: dict[str, Any] = {"parameters": described if method == "GET" else described[:-1]}
        if method in ("PUT", "POST"):
            extra["requestBody"] = _ANY_BODY
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=status,
            name=f"{method.lower()}_{resource}",
            response_class=Response,
            responses=refusals,
            openapi_extra=extra,
            include_in_schema=method != "HEAD",
        )


for _resource in PATHS:
    _open(_resource)


def _asked(request: Request, sender: KnownKey, resource: Resource, spoken: str, act: Act) -> Asked:
    """What is asked for, once it is clear that this sender may."""
    if not (act == "read" and sender.may(READ_ALL)):
        require_scope(sender, DOCUMENTS[resource])
    return read_parameters(resource, request.query_params.multi_items(), rules_for(spoken), act)


async def _write(
    request: Request,
    sender: KnownKey,
    resource: Resource,
    spoken: str,
    *,
    conditions: Conditions,
    merge: bool,
) -> Response:
    asked = _asked(request, sender, resource, spoken, "write")
    settings: Settings = request.app.state.settings
    body = await read_body(request, settings.max_body_bytes)
    content = Content(body, request.headers.get("content-type") or "application/octet-stream")

    def store() -> None:
        document_id = asked.document_id or ""  # A write without an id has been refused.
        with session_scope() as db:
            if merge:
                most = settings.max_body_bytes
                documents.post(db, asked.shelf, document_id, content, conditions=conditions, max_bytes=most)
            else:
                rules = rules_for(spoken)
                documents.put(db, asked.shelf, document_id, content, conditions=conditions, version=rules)

    await run_in_threadpool(store)
    return Response(status_code=204)


def _found(asked: Asked, document_id: str, conditions: Conditions) -> Response:
    with session_scope() as db:
        stored = documents.read(db, asked.shelf, document_id)
    headers = _headers(stored.etag, stored.updated_at)
    wanted = conditions.if_none_match
    if wanted is not None and documents.names(wanted, stored.etag):
        return Response(status_code=304, headers=headers)
    return _answer(stored, headers)


def _answer(stored: Stored, headers: dict[str, str]) -> Response:
    return Response(stored.content.body, 200, headers | {"Content-Type": stored.content.content_type})


def _listed(asked: Asked) -> Response:
    with session_scope() as db:
        ids, latest = documents.list_ids(db, asked.shelf, asked.since)
    body = orjson.dumps(ids)
    return Response(
        body, 200, _headers(sha1(body, usedforsecurity=False).hexdigest(), latest), media_type="application/json"
    )


def _delete(asked: Asked, conditions: Conditions) -> None:
    if asked.document_id is None and not conditions.none:
        raise BadRequest(
            "If-Match and If-None-Match are about one document; this request would delete several.",
            [Problem("If-Match", "is given without the id of a document.", "?stateId=<id>, or no such header.")],
        )
    with session_scope() as db:
        if asked.document_id is None:
            documents.remove_all(db, asked.shelf)
        else:
            documents.remove(db, asked.shelf, asked.document_id, conditions)


def _headers(etag: str, modified: datetime | None) -> dict[str, str]:
    """xAPI 1.0.3 Communication 3.1: the ETag in quotes; 2.2: Last-Modified, for lists that of the latest document."""
    headers = {"ETag": f'"{etag}"', **_GUARDS}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    return headers
