"""Documents: store, merge, read, list, delete, each only if the preconditions of the request hold.

xAPI 1.0.3 Communication 2.2 (documents), 2.3, 2.6, 2.7 (the three resources) and 3.1 (concurrency).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Literal
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.errors import BadRequest, Conflict, NotFound, PreconditionFailed, Problem, TooLarge
from app.lrs.models import ActivityProfileDocument, AgentProfileDocument, StateDocument
from app.lrs.validation import Version
from app.platform import clock
from app.platform.ids import stable_id

Resource = Literal["state", "agent_profile", "activity_profile"]
Table = type[StateDocument] | type[AgentProfileDocument] | type[ActivityProfileDocument]

_TABLES: dict[Resource, Table] = {
    "state": StateDocument,
    "agent_profile": AgentProfileDocument,
    "activity_profile": ActivityProfileDocument,
}
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where documents stand: what they belong to. agent: from lrs.identity.agent_identity."""

    resource: Resource
    activity_iri: str | None = None
    agent: str | None = None
    registration: UUID | None = None

    @property
    def table(self) -> Table:
        """The table of this resource."""
        return _TABLES[self.resource]

    @property
    def owner(self) -> UUID:
        """What lists and deletes of many go by; the registration narrows them only where it is given."""
        return stable_id(f"owner of {self.resource}", _joined(self.activity_iri, self.agent))

    def key(self, document_id: str) -> UUID:
        """The key of one document; its registration is part of its name, having none is too."""
        registration = str(self.registration) if self.registration else None
        return stable_id(f"{self.resource} document", _joined(self.activity_iri, self.agent, registration, document_id))


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a document and what they are said to be."""

    body: bytes
    content_type: str

    @property
    def is_json(self) -> bool:
        """Whether they are said to be application/json, with or without parameters."""
        return self.content_type.partition(";")[0].strip().lower() == "application/json"

    @property
    def etag(self) -> str:
        """SHA-1 of the bytes in lower-case hex, without quotes (xAPI 1.0.3 Communication 3.1)."""
        return sha1(self.body, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is kept."""

    content: Content
    etag: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers If-Match and If-None-Match of a request (RFC 9110 13.1)."""

    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def none(self) -> bool:
        """Whether the request carries neither."""
        return self.if_match is None and self.if_none_match is None

    def check(self, etag: str | None) -> None:
        """PreconditionFailed unless they hold. etag: of the document as it is now; None when there is none."""
        now = f'it now has the ETag "{etag}"' if etag else "there is no document now"
        if self.if_match is not None and not names(self.if_match, etag):
            raise PreconditionFailed(
                f"If-Match does not hold: {now}. Nothing was changed.",
                [Problem("If-Match", f"is {self.if_match[:100]}.", "The ETag of the document as it is now.")],
            )
        if self.if_none_match is not None and names(self.if_none_match, etag):
            raise PreconditionFailed(
                f"If-None-Match does not hold: {now}. Nothing was changed.",
                [Problem("If-None-Match", f"is {self.if_none_match[:100]}.", 'If-Match: "<ETag>", to replace it.')],
            )


def names(header: str, etag: str | None) -> bool:
    """Whether a list of entity tags, or `*`, names the document that has this one (RFC 9110 13.1.1).

    A tag that was made weak (W/) on its way counts too, because proxies that compress do that; so does a bare one.
    """
    if etag is None:
        return False
    tags = {tag.strip().removeprefix("W/").strip('"').lower() for tag in header.split(",")}
    return "*" in tags or etag in tags


def put(
    db: Session, shelf: Shelf, document_id: str, content: Content, *, conditions: Conditions, version: Version
) -> None:
    """Store a document in place of whatever has this id (xAPI 1.0.3 Communication 2.3, 2.6, 2.7)."""
    _check_json(content)
    found = _locked(db, shelf, document_id)
    conditions.check(found.etag if found else None)
    if conditions.none:
        _check_unconditional_put(shelf.resource, found, version)
    _write(db, shelf, document_id, content)


def post(
    db: Session, shelf: Shelf, document_id: str, content: Content, *, conditions: Conditions, max_bytes: int
) -> None:
    """Merge a document into the one that has this id; where there is none, store it as a PUT would.

    xAPI 1.0.3 Communication 2.2: both are application/json and JSON objects, only properties at the top are merged.
    """
    _check_json(content)
    found = _locked(db, shelf, document_id)
    conditions.check(found.etag if found else None)
    if found:
        content = Content(_merged(found.content, content), content.content_type)
        if len(content.body) > max_bytes:
            raise TooLarge(f"Merged, the document has more than {max_bytes} bytes. Nothing was changed.")
    _write(db, shelf, document_id, content)


def read(db: Session, shelf: Shelf, document_id: str) -> Stored:
    """The document with this id; NotFound when there is none."""
    found = _find(db, shelf, document_id)
    if found is None:
        raise NotFound(f"There is no document with the id {document_id[:100]!r} here.")
    return found


def list_ids(db: Session, shelf: Shelf, since: datetime | None = None) -> tuple[Sequence[str], datetime | None]:
    """The ids of the documents on a shelf, and when the latest of them was updated (None without any).

    xAPI 1.0.3 Communication 2.3, Multiple Document GET: only those that were stored after `since`; without a
    registration the documents of every registration and of none.
    """
    table = shelf.table
    rows = select(table.document_id, func.max(table.updated_at)).where(*_on(shelf)).group_by(table.document_id)
    if since is not None:
        rows = rows.where(table.updated_at > since)
    found = db.execute(rows.order_by(table.document_id)).all()
    return [row[0] for row in found], max((row[1] for row in found), default=None)


def remove(db: Session, shelf: Shelf, document_id: str, conditions: Conditions) -> None:
    """Delete one document; quietly when there is none and nothing was said about it."""
    found = _locked(db, shelf, document_id)
    conditions.check(found.etag if found else None)
    db.execute(delete(shelf.table).where(shelf.table.key == shelf.key(document_id)))


def remove_all(db: Session, shelf: Shelf) -> None:
    """Delete every document on a shelf (xAPI 1.0.3 Communication 2.3, Multiple Document DELETE)."""
    # Locked in the order of their keys, so that two of these cannot wait for each other.
    table = shelf.table
    keys = select(table.key).where(*_on(shelf)).order_by(table.key).with_for_update()
    db.execute(delete(table).where(table.key.in_(db.scalars(keys).all())))


def _on(shelf: Shelf) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [shelf.table.owner == shelf.owner]
    if shelf.registration is not None:
        conditions.append(StateDocument.registration == shelf.registration)
    return conditions


def _find(db: Session, shelf: Shelf, document_id: str) -> Stored | None:
    table = shelf.table
    row = db.execute(
        select(table.content, table.content_type, table.etag, table.updated_at).where(
            table.key == shelf.key(document_id)
        )
    ).one_or_none()
    return Stored(Content(bytes(row[0]), row[1]), row[2], row[3]) if row else None


def _locked(db: Session, shelf: Shelf, document_id: str) -> Stored | None:
    """The document as it is, and nobody else writes it until the transaction ends; also while there is none yet."""
    number = int.from_bytes(shelf.key(document_id).bytes[8:], signed=True)
    db.execute(select(func.pg_advisory_xact_lock(number)))
    return _find(db, shelf, document_id)


def _write(db: Session, shelf: Shelf, document_id: str, content: Content) -> None:
    named: dict[str, object] = {
        "activity_iri": shelf.activity_iri,
        # PostgreSQL holds no NUL in text; an account name may have one. The key is made from the name as it is.
        "agent": shelf.agent.replace("\x00", "\ufffd") if shelf.agent else None,
    }
    row = {name: value for name, value in named.items() if value is not None}
    if shelf.resource == "state":
        row["registration"] = shelf.registration
    written = {
        "content": content.body,
        "content_type": content.content_type,
        "etag": content.etag,
        "updated_at": clock.now(),
    }
    statement = insert(shelf.table).values(
        key=shelf.key(document_id), owner=shelf.owner, document_id=document_id, **row, **written
    )
    db.execute(statement.on_conflict_do_update(index_elements=["key"], set_=written))


def _check_unconditional_put(resource: Resource, found: Stored | None, version: Version) -> None:
    """Whether a PUT may come without If-Match and If-None-Match.

    1.0.3 (Communication 3.1): always for state, never for profiles, where an existing document is a Conflict. 2.0 (IEEE
    9274.1.1 4.1.4): for all three, as long as there is no such document.
    """
    if resource == "state" and version == "1.0":
        return
    if found is not None:
        raise Conflict(
            "There is a document with this id already, and the request does not say that it knows it. GET it to see its"
            f' current state; to replace it, send If-Match with its ETag, now "{found.etag}". Nothing was changed.',
            [Problem("If-Match", "is missing.", f'If-Match: "{found.etag}"')],
        )
    if version == "1.0":
        raise BadRequest(
            "A PUT of a profile document says what it expects to find: If-None-Match: * or If-Match.",
            [Problem("If-None-Match", "is missing.", "If-None-Match: *, to store a new document.")],
        )


def _check_json(content: Content) -> None:
    if not content.is_json:
        return
    try:
        orjson.loads(content.body)
    except orjson.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}" if content.body.strip() else "because it is empty"
        raise BadRequest(
            f"The Content-Type is application/json, but the body is not JSON {where}.",
            [Problem("$", f"is not JSON {where}: {error.msg}.", "JSON in UTF-8, or another Content-Type.")],
        ) from error


def _merged(old: Content, new: Content) -> bytes:
    """The members of both; where both have one, the new one. Values keep the text that they were sent in."""
    members = _members(old, "The document that is here")
    return msgspec.json.encode(members | _members(new, "The document that was sent"))


def _members(content: Content, which: str) -> dict[str, msgspec.Raw]:
    if not content.is_json:
        raise BadRequest(
            f"{which} is {content.content_type[:100]}. Only application/json can be merged; nothing was changed.",
            [Problem("Content-Type", f"is {content.content_type[:100]}.", "application/json, or a PUT.")],
        )
    try:
        return _read_members(content.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(
            f"{which} is not a JSON object, so that there is nothing to merge; nothing was changed.",
            [Problem("$", "is not a JSON object.", 'A JSON object, such as {"page": 3}; or a PUT.')],
        ) from error


def _joined(*parts: str | None) -> str:
    """Several texts as one, so that no two different rows of texts read the same."""
    return orjson.dumps(parts).decode()
