"""Statements for operators: lists as the LRS finds them, and one of them with all that the record knows about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.visibility import Viewer, may_see
from app.analytics import queries_statements
from app.errors import NotAllowed, NotFound
from app.lrs.query import Place, StatementQuery
from app.lrs.reading import text_in
from app.models import StatementFlat, StatementRaw
from app.warehouse import pages
from app.warehouse.pages import FoundStatement, Page

MAX_VERBS = 100
SOMEBODY = "somebody without an identifier"


class ListedStatement(BaseModel):
    """A statement in a list: who did what, in the words that it brings along."""

    id: UUID
    who: str
    verb: str
    what: str
    occurred_at: str | None
    stored_at: datetime


class KnownVerbName(BaseModel):
    """A verb that statements have used. id: its IRI."""

    id: str
    name: str


class ShownStatement(BaseModel):
    """One statement. text: exactly as received. flat: its row of silver.statements_flat; null while it has none."""

    id: UUID
    text: str
    stored_at: datetime
    flattened_at: datetime | None
    flatten_error: str | None
    xapi_version: str
    credential_id: str
    voided_by: UUID | None
    flat: dict[str, str | int | float | bool | None] | None
    learner_id: UUID | None
    learner: str | None
    lesson_id: UUID | None
    lesson: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of statements. after: the parameters of the next one; None on the last."""

    statements: list[ListedStatement]
    after: list[tuple[str, str]] | None


def list_statements(db: Session, viewer: Viewer, query: StatementQuery, limit: int) -> Listed:
    """Statements as GET /xapi/statements finds them. NotAllowed unless the viewer sees everybody."""
    if not viewer.sees_everybody:
        raise NotAllowed("Lists of statements show everybody's. Look at the timeline of a learner instead.")
    after = (query.after.stored_at, query.after.seq) if query.after else None
    found = pages.find(db, Page(query.keys, query.since, query.until, after, query.ascending, limit + 1))
    shown, last = found[:limit], None
    if len(found) > limit:
        last = query.more(Place(shown[-1].stored_at, shown[-1].seq))
    return Listed([_listed(one) for one in shown], last)


def show_statement(db: Session, viewer: Viewer, statement_id: UUID) -> ShownStatement:
    """One statement, voided or not. NotFound when there is none of this id, or none that the viewer may see."""
    found = pages.by_id(db, statement_id, voided=False) or pages.by_id(db, statement_id, voided=True)
    flat = db.get(StatementFlat, statement_id)
    if found is None or not _may_see(db, viewer, flat):
        raise NotFound(f"There is no statement {statement_id}.")
    raw = db.execute(
        select(StatementRaw.flattened_at, StatementRaw.flatten_error, StatementRaw.voided_by).where(
            StatementRaw.id == statement_id
        )
    ).one()
    names = queries_statements.names(db, flat.learner_id, flat.lesson_id) if flat else None
    return ShownStatement(
        id=found.id,
        text=found.payload,
        stored_at=found.stored_at,
        flattened_at=raw.flattened_at,
        flatten_error=raw.flatten_error,
        xapi_version=found.xapi_version,
        credential_id=found.credential_id,
        voided_by=raw.voided_by,
        flat=_columns(flat) if flat else None,
        learner_id=flat.learner_id if flat else None,
        learner=names.learner if names else None,
        lesson_id=flat.lesson_id if flat else None,
        lesson=names.lesson if names else None,
    )


def known_verbs(db: Session) -> list[KnownVerbName]:
    """The verbs that statements have used, by name, MAX_VERBS at most."""
    rows = queries_statements.verbs(db, MAX_VERBS)
    verbs = [KnownVerbName(id=row.iri, name=_last_part(row.iri)) for row in rows]
    return sorted(verbs, key=lambda verb: (verb.name.lower(), verb.id))


def _may_see(db: Session, viewer: Viewer, flat: StatementFlat | None) -> bool:
    if viewer.sees_everybody:
        return True
    if flat is None or flat.learner_id is None:
        return False
    return queries_statements.is_seen(db, may_see(viewer, "u.id"), flat.learner_id)


def _columns(flat: StatementFlat) -> dict[str, str | int | float | bool | None]:
    told: dict[str, str | int | float | bool | None] = {}
    for column in StatementFlat.__table__.columns:
        value = getattr(flat, column.key)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, UUID):
            value = str(value)
        told[column.key] = value
    return told


def _listed(one: FoundStatement) -> ListedStatement:
    statement = orjson.loads(one.payload)
    target, verb = statement["object"], statement["verb"]
    definition = target.get("definition") or {}
    name = text_in(definition.get("name")) if isinstance(definition, Mapping) else None
    return ListedStatement(
        id=one.id,
        who=_who(statement["actor"]),
        verb=text_in(verb.get("display")) or _last_part(verb["id"]),
        what=name or target.get("name") or target.get("id") or target.get("objectType", ""),
        occurred_at=statement.get("timestamp"),
        stored_at=one.stored_at,
    )


def _who(actor: Mapping[str, Any]) -> str:
    account = actor.get("account") or {}
    named = actor.get("name") or str(actor.get("mbox", "")).removeprefix("mailto:") or account.get("name")
    return str(named or actor.get("openid") or actor.get("mbox_sha1sum") or SOMEBODY)


def _last_part(iri: str) -> str:
    return iri.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1] or iri
