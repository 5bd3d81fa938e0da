"""The doors for statements: /xapi/statements as the standard has it, /api/xapi/statements for senders whose headers
nobody controls, 7taps first of all. Both take the same path: check, make durable, answer.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app.accounts.credentials import WRITE_STATEMENTS, KnownKey
from app.api.durable import make_durable
from app.api.encoding import Damaged
from app.api.problems import errors, problem_response
from app.api.requests import read_body, request_id
from app.api.xapi_version import Spoken, Version, assumed_version
from app.config import Settings
from app.database import session_scope
from app.errors import AppError, BadRequest, Conflict, Problem
from app.ingest.dead_letters import Letter, bury, letter_id_of
from app.lrs.attachments import parse_multipart
from app.lrs.receiving import receive_many, receive_one
from app.lrs.statements import Refused
from app.platform import metrics
from app.platform.logs import get_logger
from app.schemas import Queued
from app.security import Sender, require_scope
from app.streaming import RefusedEntry

log = get_logger(__name__)

_STATEMENT_BODY = {
    "requestBody": {
        "required": True,
        "description": "A Statement (xAPI 1.0.3 Data 2).",
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["actor", "verb", "object"]},
                "example": {
                    "actor": {"mbox": "mailto:sam@example.org", "name": "Sam"},
                    "verb": {
                        "id": "http://adlnet.gov/expapi/verbs/completed",
                        "display": {"en": "completed"},
                    },
                    "object": {
                        "id": "https://app.7taps.com/lessons/1",
                        "definition": {"name": {"en": "Lesson 1"}},
                    },
                },
            }
        },
    }
}
_MANY_BODY = {
    "requestBody": {
        "required": True,
        "description": "A Statement, or an array of Statements that is accepted or refused whole.",
        "content": {
            "application/json": {
                "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
            }
        },
    }
}
_REFUSALS = errors(400, 401, 403, 413, 503)

StatementId = Annotated[str | None, Query(alias="statementId", description="The statement's id, a UUID.")]

standard = APIRouter(prefix="/xapi", tags=["xAPI"], responses=_REFUSALS)
plain = APIRouter(prefix="/api/xapi", tags=["7taps"], responses=_REFUSALS)


@standard.put("/statements", status_code=204, openapi_extra=_STATEMENT_BODY)
async def put_statement(request: Request, sender: Sender, spoken: Spoken, statement_id: StatementId = None) -> Response:
    """Store one statement under the id in the address (xAPI 1.0.3 Communication 2.1.1)."""
    await _accept(request, sender, spoken, statement_id, single=True)
    return Response(status_code=204)


@standard.post("/statements", response_model=list[UUID], openapi_extra=_MANY_BODY)
async def post_statements(request: Request, sender: Sender, spoken: Spoken) -> Response:
    """Store a statement or an array of them; answers their ids in order (xAPI 1.0.3 Communication 2.1.2)."""
    ids = await _accept(request, sender, spoken)
    return _json([str(i) for i in ids])


@plain.put("/statements", status_code=204, openapi_extra=_STATEMENT_BODY)
async def put_statement_plain(
    request: Request, sender: Sender, statement_id: StatementId = None, version: Version = None
) -> Response:
    """Store one statement as 7taps sends it: the version header is optional."""
    await _accept(request, sender, assumed_version(version), statement_id, single=True)
    return Response(status_code=204)


@plain.post("/statements", response_model=Queued, openapi_extra=_MANY_BODY)
async def post_statement(request: Request, sender: Sender, version: Version = None) -> Response:
    """Store a statement or an array of them; the version header is optional."""
    ids = await _accept(request, sender, assumed_version(version))
    return _json({"queued": True, "ids": [str(i) for i in ids]})


async def refused_response(request: Request, error: Refused) -> Response:
    """Answer a refusal, after the body that was refused has been put where it can be seen, fixed and replayed."""
    return problem_response(error, kept=getattr(request.state, "kept", None))


async def _accept(
    request: Request,
    sender: KnownKey,
    version: str,
    statement_id: str | None = None,
    *,
    single: bool = False,
) -> tuple[UUID, ...]:
    """Check the body and make it durable. When this returns, no crash can lose what was sent."""
    require_scope(sender, WRITE_STATEMENTS)
    settings: Settings = request.app.state.settings
    _check_parameters(request, ("statementId",) if single else ())
    try:
        body = await read_body(request, settings.max_body_bytes)
    except Damaged as error:
        request.state.kept = await _keep(request, sender, error.encoded, statement_id, error)
        raise
    try:
        text, parts = _text_and_parts(request, body)
        received = (
            receive_one(text, statement_id, version, parts)
            if single
            else receive_many(text, version, settings.max_batch_statements, parts)
        )
    except Refused as error:
        request.state.kept = await _keep(request, sender, body, statement_id, error)
        raise
    if received.ids:
        try:
            await make_durable(request.app.state, sender, version, received, request_id())
        except Conflict as error:
            refused = Refused(error.message, list(error.problems))
            refused.code = error.code
            request.state.kept = await _keep(request, sender, body, statement_id, refused)
            raise
    metrics.accepted(request.url.path.startswith("/xapi/"), len(received.ids))
    return received.ids


def _text_and_parts(request: Request, body: bytes) -> tuple[bytes, Mapping[str, bytes] | None]:
    """xAPI 1.0.3 Communication 1.5: application/json, or multipart/mixed with the statements in its first part."""
    content_type = request.headers.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if media.startswith("multipart/"):
        return parse_multipart(content_type, body)
    if media != "application/json" and request.url.path.startswith("/xapi/"):
        told = f"is {media[:80]!r}." if media else "is missing."
        raise Refused(
            "The body has no Content-Type that holds statements.",
            [Problem("Content-Type", told, "application/json, or multipart/mixed with attachments.")],
        )
    return body, None


def _check_parameters(request: Request, allowed: tuple[str, ...]) -> None:
    """Parameters nobody knows are refused rather than passed over (xAPI 1.0.3 Communication 3.2)."""
    problems = [
        Problem(f"?{name}", "is not a parameter of this request.", " or ".join(allowed) or "No parameters.")
        for name in dict.fromkeys(request.query_params.keys())
        if name not in allowed
    ]
    if problems and request.url.path.startswith("/xapi/"):
        raise BadRequest(f"{problems[0].path} {problems[0].message}", problems)


async def _keep(request: Request, sender: KnownKey, body: bytes, statement_id: str | None, error: AppError) -> UUID:
    """Keep a refused body in quarantine; while PostgreSQL is away, on the stream. 503 only if neither takes it."""
    letter: dict[str, Any] = {
        "source": "door",
        "code": error.code,
        "reason": error.message,
        "content_type": request.headers.get("content-type"),
        "credential_id": sender.id,
        "request_id": request_id(),
    }
    wanted = _uuid_or_none(statement_id)
    try:
        kept = await run_in_threadpool(_bury, {**letter, "problems": error.problems, "statement_id": wanted}, body)
        metrics.letters_buried("door")
        return kept
    except SQLAlchemyError as failure:
        log.warning("the database is away; a refused body waits on the stream", error=str(failure)[:300])
    letter["problems"] = [asdict(problem) for problem in error.problems]
    letter["statement_id"] = str(wanted) if wanted else None
    await request.app.state.publisher.publish(RefusedEntry(body, letter))
    return letter_id_of("door", error.code, body)


def _bury(letter: dict[str, Any], body: bytes) -> UUID:
    with session_scope() as db:
        return bury(db, Letter(body=body, **letter))


def _uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), 200, media_type="application/json")
