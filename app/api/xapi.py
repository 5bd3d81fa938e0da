"""The doors for statements: /xapi/statements as the standard has it, /api/xapi/statements for senders whose headers
nobody controls, 7taps first of all. Both take the same path: check, make durable, answer.
"""

import re
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app.accounts.credentials import WRITE_STATEMENTS, KnownKey
from app.api.problems import errors, problem_response
from app.api.requests import read_body, request_id
from app.config import Settings
from app.database import session_scope
from app.errors import BadRequest, Problem, Unavailable
from app.etl_incremental import Incoming, store_statements
from app.ingest.dead_letters import bury, letter_id_of
from app.lrs.statements import Received, Refused, receive_many, receive_one, split
from app.platform import clock
from app.platform.logs import get_logger
from app.schemas import Queued
from app.security import Sender, require_scope
from app.streaming import RefusedEntry, StreamEntry, StreamFull

log = get_logger(__name__)

VERSION_HEADER = "X-Experience-API-Version"
ASSUMED_VERSION = "1.0.3"
"""What the plain door takes a statement for when its sender names no version; 7taps speaks 1.0.x."""

_SPOKEN = re.compile(r"(?:1\.0|2\.0)(?:\.\d{1,4})?", re.ASCII)

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
Version = Annotated[str | None, Header(alias=VERSION_HEADER, description="1.0.x or 2.0.x")]

standard = APIRouter(prefix="/xapi", tags=["xAPI"], responses=_REFUSALS)
plain = APIRouter(prefix="/api/xapi", tags=["7taps"], responses=_REFUSALS)


@standard.put("/statements", status_code=204, openapi_extra=_STATEMENT_BODY)
async def put_statement(
    request: Request, sender: Sender, statement_id: StatementId = None, version: Version = None
) -> Response:
    """Store one statement under the id in the address (xAPI 1.0.3 Communication 2.1.1)."""
    spoken = _required_version(version)
    await _accept(request, sender, spoken, statement_id, single=True)
    return Response(status_code=204, headers={VERSION_HEADER: spoken})


@standard.post("/statements", response_model=list[UUID], openapi_extra=_MANY_BODY)
async def post_statements(request: Request, sender: Sender, version: Version = None) -> Response:
    """Store a statement or an array of them; answers their ids in order (xAPI 1.0.3 Communication 2.1.2)."""
    spoken = _required_version(version)
    ids = await _accept(request, sender, spoken)
    return _json([str(i) for i in ids], {VERSION_HEADER: spoken})


@plain.put("/statements", status_code=204, openapi_extra=_STATEMENT_BODY)
async def put_statement_plain(
    request: Request, sender: Sender, statement_id: StatementId = None, version: Version = None
) -> Response:
    """Store one statement as 7taps sends it: the version header is optional."""
    await _accept(request, sender, _assumed_version(version), statement_id, single=True)
    return Response(status_code=204)


@plain.post("/statements", response_model=Queued, openapi_extra=_MANY_BODY)
async def post_statement(request: Request, sender: Sender, version: Version = None) -> Response:
    """Store a statement or an array of them; the version header is optional."""
    ids = await _accept(request, sender, _assumed_version(version))
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
    body = await read_body(request, settings.max_body_bytes)
    try:
        received = (
            receive_one(body, statement_id, version)
            if single
            else receive_many(body, version, settings.max_batch_statements)
        )
    except Refused as error:
        request.state.kept = await _keep(request, sender, body, statement_id, error)
        raise
    if received.ids:
        await _make_durable(request, settings, sender, version, received)
    return received.ids


async def _make_durable(
    request: Request, settings: Settings, sender: KnownKey, version: str, received: Received
) -> None:
    """Into the stream; into bronze if that is the mode, or if Redis is away (the sweep finds it there)."""
    entry = StreamEntry(received.body, received.ids, clock.now(), version, sender.id, request_id())
    if settings.etl_mode == "streaming":
        try:
            await request.app.state.publisher.publish(entry)
            return
        except StreamFull:
            raise
        except Unavailable as error:
            log.warning("the stream is away; storing in bronze", error=error.message)
    try:
        await run_in_threadpool(_store, entry)
    except SQLAlchemyError as error:
        log.error("nothing takes statements", error=str(error)[:300])
        raise Unavailable() from error


def _store(entry: StreamEntry) -> None:
    with session_scope() as db:
        store_statements(
            db,
            [
                Incoming(statement_id, payload, entry.stored_at, entry.xapi_version, entry.credential_id)
                for statement_id, payload in zip(entry.ids, split(entry.body), strict=True)
            ],
        )


async def _keep(request: Request, sender: KnownKey, body: bytes, statement_id: str | None, error: Refused) -> UUID:
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
        return await run_in_threadpool(_bury, {**letter, "problems": error.problems, "statement_id": wanted}, body)
    except SQLAlchemyError as failure:
        log.warning("the database is away; a refused body waits on the stream", error=str(failure)[:300])
    letter["problems"] = [asdict(problem) for problem in error.problems]
    letter["statement_id"] = str(wanted) if wanted else None
    await request.app.state.publisher.publish(RefusedEntry(body, letter))
    return letter_id_of("door", error.code, body)


def _bury(letter: dict[str, Any], body: bytes) -> UUID:
    with session_scope() as db:
        return bury(db, body=body, **letter)


def _required_version(header: str | None) -> str:
    """xAPI 1.0.3 Communication 3.3: every request names its version, and the reply names it too."""
    if header is None:
        raise BadRequest(
            f"The header {VERSION_HEADER} is missing.",
            [Problem(VERSION_HEADER, "is missing.", "1.0.3, or another 1.0.x or 2.0.x.")],
        )
    return _known_version(header)


def _assumed_version(header: str | None) -> str:
    return ASSUMED_VERSION if header is None else _known_version(header)


def _known_version(header: str) -> str:
    if not _SPOKEN.fullmatch(header):
        raise BadRequest(
            f"The xAPI version {header[:40]!r} is not spoken here.",
            [Problem(VERSION_HEADER, f"is {header[:40]!r}.", "1.0.3, or another 1.0.x or 2.0.x.")],
        )
    return header


def _uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _json(body: object, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), 200, headers, "application/json")
