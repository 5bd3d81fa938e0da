"""The door for reading statements: GET and HEAD of /xapi/statements (xAPI 1.0.3 Communication 2.1.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.api.problems import errors
from app.api.xapi_consistency import CONSISTENT_THROUGH
from app.api.xapi_scopes import only_own_statements
from app.api.xapi_version import Spoken
from app.config import Settings
from app.database import session_scope
from app.errors import NotFound
from app.lrs import formats
from app.lrs.attachments import multipart_response
from app.lrs.filters import authority_key
from app.lrs.query import Place, StatementQuery, read_query
from app.lrs.statements import rules_for
from app.platform.clock import http_date, iso
from app.platform.ids import stable_id
from app.publishing import Publisher
from app.security import Sender
from app.warehouse import bronze, definitions, pages
from app.warehouse.pages import FoundStatement, Page

router = APIRouter(prefix="/xapi", tags=["xAPI"], responses=errors(400, 401, 403, 404, 503))


class Described:
    """The parameters as OpenAPI tells them. They are read from the address itself, so that unknown ones are noticed."""

    Text = Annotated[str | None, Query()]


@router.head("/statements", include_in_schema=False, response_model=None)
@router.get("/statements", response_model=None)
async def get_statements(  # noqa: PLR0917  (each parameter is one of the standard's, for OpenAPI)
    request: Request,
    sender: Sender,
    spoken: Spoken,
    accept_language: Annotated[str | None, Header()] = None,
    statementId: Described.Text = None,
    voidedStatementId: Described.Text = None,
    agent: Described.Text = None,
    verb: Described.Text = None,
    activity: Described.Text = None,
    registration: Described.Text = None,
    related_activities: Described.Text = None,
    related_agents: Described.Text = None,
    since: Described.Text = None,
    until: Described.Text = None,
    limit: Described.Text = None,
    format: Described.Text = None,
    attachments: Described.Text = None,
    ascending: Described.Text = None,
) -> Response:
    """Statements that match every filter, newest first, page by page; or one by its id (Communication 2.1.3)."""
    mine = only_own_statements(sender)
    query = read_query(request.query_params.multi_items(), rules_for(spoken))
    settings: Settings = request.app.state.settings
    publisher: Publisher = request.app.state.publisher
    await publisher.caught_up(settings.read_wait_ms / 1000)
    # Taken before the record is read: what it promises is there by then.
    through = await publisher.consistent_through()
    reading = _Reading(
        query, settings, sender.id if mine else None, accept_language, request.scope.get("root_path", "")
    )
    waiting_since, answer = await run_in_threadpool(reading.answer)
    told = iso(min(through, waiting_since or through))
    request.state.reply_headers = {CONSISTENT_THROUGH: told}
    if answer is None:
        wanted = (
            f"statement {query.statement_id}" if query.statement_id else f"voided statement {query.voided_statement_id}"
        )
        raise NotFound(f"There is no {wanted} here.")
    answer.headers[CONSISTENT_THROUGH] = told
    return answer


@dataclass(frozen=True, slots=True)
class _Reading:
    """One request, read. credential_id: only what this credential stored."""

    query: StatementQuery
    settings: Settings
    credential_id: str | None
    accept_language: str | None
    root_path: str

    def answer(self) -> tuple[datetime | None, Response | None]:
        """Since when statements wait for the sweep, and the reply; None when there is no such statement."""
        query = self.query
        with session_scope() as db:
            waiting_since = bronze.waiting_since(db)
            found, more = self._one(db) if query.is_single else self._page(db)
            if query.is_single and not found:
                return waiting_since, None
            texts = self._texts(db, found)
            contents = bronze.attachments(db, _hashes(found)) if query.attachments else {}
        body = (
            texts[0] if query.is_single else b'{"statements":[%s],"more":%s}' % (b",".join(texts), orjson.dumps(more))
        )
        media = "application/json"
        if query.attachments:
            media, body = multipart_response(body, _described(found, contents))
        headers = {"Content-Type": media}
        if found:
            headers["Last-Modified"] = http_date(max(one.stored_at for one in found))
        return waiting_since, Response(body, headers=headers)

    def _one(self, db: Session) -> tuple[list[FoundStatement], str]:
        query = self.query
        wanted = query.statement_id or query.voided_statement_id
        assert wanted is not None  # noqa: S101  (a single one is asked for by one of the two)
        voided = query.statement_id is None
        one = pages.by_id(db, wanted, voided=voided, credential_id=self.credential_id)
        return ([one] if one else []), ""

    def _page(self, db: Session) -> tuple[list[FoundStatement], str]:
        query, settings = self.query, self.settings
        limit = min(query.limit or settings.page_statements, settings.page_max_statements)
        keys = list(query.keys)
        if self.credential_id and not keys:
            keys = [(authority_key(self.credential_id),)]
        after = (query.after.stored_at, query.after.seq) if query.after else None
        page = Page(keys, query.since, query.until, after, query.ascending, limit + 1, self.credential_id)
        found = pages.find(db, page)
        if len(found) <= limit:
            return found, ""
        found = found[:limit]
        following = query.more(Place(found[-1].stored_at, found[-1].seq))
        return found, f"{self.root_path}/xapi/statements?{urlencode(following)}"

    def _texts(self, db: Session, found: Sequence[FoundStatement]) -> list[bytes]:
        exact = [
            formats.exact(
                one.payload.encode(),
                statement_id=one.id,
                stored_at=one.stored_at,
                authority=authority(one.credential_id, self.settings),
                version=one.xapi_version,
            )
            for one in found
        ]
        if self.query.format == "exact":
            return exact
        statements = [orjson.loads(text) for text in exact]
        if self.query.format == "ids":
            return [orjson.dumps(formats.ids_only(statement)) for statement in statements]
        activities = {iri for statement in statements for iri in formats.activity_ids(statement)}
        verbs = {iri for statement in statements for iri in formats.verb_ids(statement)}
        known_activities = definitions.known(db, "activities", {stable_id("activity", iri) for iri in activities})
        known_verbs = definitions.known(db, "verbs", {stable_id("verb", iri) for iri in verbs})
        return [
            orjson.dumps(formats.canonical(statement, known_activities, known_verbs, self.accept_language))
            for statement in statements
        ]


def authority(credential_id: str, settings: Settings) -> bytes:
    """Who vouches for a statement: the credential it came with, as an Agent of this LRS (xAPI 1.0.3 Data 2.4.9)."""
    return orjson.dumps({"objectType": "Agent", "account": {"homePage": settings.base_url, "name": credential_id}})


def _attachments_of(statement: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = list(statement.get("attachments", []))
    if statement["object"].get("objectType") == "SubStatement":
        own += statement["object"].get("attachments", [])
    return own


def _hashes(found: Sequence[FoundStatement]) -> list[str]:
    return sorted({a["sha2"].lower() for one in found for a in _attachments_of(orjson.loads(one.payload))})


def _described(found: Sequence[FoundStatement], contents: Mapping[str, bytes]) -> list[tuple[dict[str, Any], bytes]]:
    described = [a for one in found for a in _attachments_of(orjson.loads(one.payload))]
    return [(a, contents[a["sha2"].lower()]) for a in described if a["sha2"].lower() in contents]
