"""What people who look after dead letters ask for and get, at the doors and from the command line."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from app.ingest.mending import Fix
from app.schemas import ProblemRead, Storable, storable

PAGE_LETTERS = 50
PAGE_MAX_LETTERS = 200
REPLAYED_AT_ONCE_LETTERS = 100
"""The most that one call replays; each of them may be as long as a request."""
MAX_REASON_CHARACTERS = 500

Status = Literal["open", "replayed", "discarded"]
Order = Literal["newest", "oldest"]
Outcome = Literal["replayed", "replayed_before", "refused", "not_found", "failed"]


def _encodable(text: str) -> str:
    """A body may hold NUL characters: it is kept as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair, which is no character") from error
    return text


Word = Annotated[str, Field(min_length=1, max_length=100), Storable]
Words = Annotated[str, Field(min_length=1, max_length=500), Storable]


def _in_utc(moment: datetime) -> datetime:
    """PostgreSQL knows no offset beyond sixteen hours, and Python none that leaves the calendar."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Strict(BaseModel):
    """What comes in: an unknown property is a mistake that its sender wants to hear of. Nothing is trimmed."""

    model_config = ConfigDict(extra="forbid")


class LetterFilter(_Strict):
    """Which dead letters; each property that is given has to hold."""

    source: Word | None = Field(None, description="where it was turned away: door, stream, loader, sweep")
    code: Word | None = Field(None, description="the reason's code, such as invalid_statement or conflict")
    credential: Word | None = Field(None, description="fingerprint of the sender's key, or its beginning")
    since: Moment | None = Field(None, description="last seen at this moment or later")
    until: Moment | None = Field(None, description="last seen before this moment")
    path: Words | None = Field(None, description="the beginning of the property path of the first problem")
    text: Words | None = Field(None, description="somewhere in the reason, in whatever case")


class LetterQuery(LetterFilter):
    """A page of dead letters. order: newest (last seen first) or oldest (first seen first).

    Walking from the oldest shows each letter exactly once, however many arrive or are seen again meanwhile; from the
    newest, one that is seen again meanwhile moves to the front.
    """

    status: Status | None = None
    order: Order = "newest"
    limit: int = Field(PAGE_LETTERS, ge=1, le=PAGE_MAX_LETTERS)
    after: Word | None = Field(None, description="`more` of the page before")


class LetterRow(BaseModel):
    """A dead letter in a list. excerpt: the beginning of the body in printable characters only."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    status: Status
    source: str
    code: str
    reason: str
    path: str | None
    credential_id: str | None
    statement_id: UUID | None
    seen_count: int
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    size_bytes: int
    excerpt: str


class LetterTotal(BaseModel):
    """How many dead letters there are of one kind."""

    status: Status
    code: str
    source: str
    letters: int


class LetterPage(BaseModel):
    """Dead letters that fit the filter, and where to go on: `more` as ?after=; null when that was all.

    A page may hold fewer letters than asked for, or none, and still have more: a bounded number is looked at for each.
    totals: of all letters, whatever the filter; on the first page only.
    """

    letters: list[LetterRow]
    more: str | None
    totals: list[LetterTotal] | None


class ActRead(BaseModel):
    """Something that somebody did to a dead letter."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    actor: str
    act: str
    detail: dict[str, object]


class LetterRead(BaseModel):
    """All of a dead letter. body: as text if it is UTF-8, else as base64; body_encoding says which.

    xapi_version: under which it was sent; null when that is not known, and then 1.0.3 is assumed. statement_id: the
    sender's, of a PUT. statement_ids: of its statements, once the sender was told them or they are stored. advice:
    what can be done about it. history: the last acts on it, the newest first.
    """

    id: UUID
    status: Status
    source: str
    code: str
    reason: str
    path: str | None
    problems: list[ProblemRead]
    advice: str
    content_type: str | None
    xapi_version: str | None
    credential_id: str | None
    credential_name: str | None
    request_id: str | None
    statement_id: UUID | None
    statement_ids: list[UUID] | None
    seen_count: int
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    size_bytes: int
    body: str
    body_encoding: Literal["utf-8", "base64"]
    history: list[ActRead]


class Mending(_Strict):
    """How to replay a dead letter other than as it is. Everything that is left out is as it was sent.

    body, or body_base64 for bytes that are no text: what to send instead. content_type: multipart/mixed with its
    boundary if the new body is one; a new body of plain JSON keeps the attachments that came with the old one.
    xapi_version: the edition to read it by. statement_id: the id under which to store it, as of a PUT.
    """

    body: Annotated[str, AfterValidator(_encodable)] | None = None
    body_base64: str | None = None
    content_type: Annotated[str, Field(max_length=200), AfterValidator(_encodable)] | None = None
    xapi_version: str | None = Field(None, pattern=r"^[12]\.0(\.[0-9]{1,4})?$")
    statement_id: UUID | None = None

    @field_validator("body_base64")
    @classmethod
    def _is_base64(cls, value: str | None) -> str | None:
        if value is not None:
            _decoded(value)
        return value

    @model_validator(mode="after")
    def _one_body(self) -> "Mending":
        if self.body is not None and self.body_base64 is not None:
            raise ValueError("holds both body and body_base64; give one of them")
        return self

    @field_validator("xapi_version")
    @classmethod
    def _in_full(cls, value: str | None) -> str | None:
        return f"{value}.0" if value and value.count(".") == 1 else value

    def fix(self) -> Fix:
        """The same as the replay takes it."""
        body = _decoded(self.body_base64) if self.body_base64 is not None else None
        if self.body is not None:
            body = self.body.encode()
        return Fix(body, self.content_type, self.xapi_version, self.statement_id)


class ReplayRequest(_Strict):
    """Which dead letters to replay: these ids, or the open ones that fit the filter, in the order they first came."""

    ids: list[UUID] | None = Field(None, min_length=1, max_length=REPLAYED_AT_ONCE_LETTERS)
    filter: LetterFilter | None = None
    limit: int = Field(REPLAYED_AT_ONCE_LETTERS, ge=1, le=REPLAYED_AT_ONCE_LETTERS)
    after: Word | None = Field(None, description="`more` of the call before, with the same filter")

    @model_validator(mode="after")
    def _one_way(self) -> "ReplayRequest":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("has to hold either ids or filter; an empty filter means every open letter")
        if self.ids is not None and self.after is not None:
            raise ValueError("holds after, which goes with a filter only")
        return self


class VerdictRead(BaseModel):
    """What became of one dead letter. status: the letter's, after all; null when it is not known.

    replayed: what it holds is durable, under statement_ids. replayed_before: nothing was done, it had been. refused:
    the letter stays as it is, and problems say why. failed: an error on our side, told in the log.
    """

    id: UUID
    outcome: Outcome
    status: Status | None
    statement_ids: list[UUID] = []
    code: str | None = None
    detail: str = ""
    problems: list[ProblemRead] = []


class ReplayRead(BaseModel):
    """What became of each letter, in order. not_tried: those left when a store went away; send them again.

    more: where to go on with the same filter, as `after`; null when no open letter was left. Letters that were refused
    are behind it, so whoever goes on until it is null comes to an end.
    """

    results: list[VerdictRead]
    replayed: int
    refused: int
    not_tried: list[UUID] = []
    more: str | None = None


class Discarding(_Strict):
    """Why a dead letter is given up. The reason goes into the audit log: name no learners in it."""

    reason: str = Field(min_length=1, max_length=MAX_REASON_CHARACTERS)

    @field_validator("reason")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not (text := storable(value).strip()):
            raise ValueError("is blank; say why the letter is given up")
        return text


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("is not base64") from error
