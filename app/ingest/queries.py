"""Looking at dead letters: pages of them, how many there are, one with everything. Lists never read whole bodies."""

import base64
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select, true, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Credential
from app.audit import acts_on
from app.errors import BadRequest, Conflict, NotFound, Problem
from app.ingest.dead_letters import no_such_letter, target_of
from app.ingest.mending import advice
from app.ingest.models import DeadLetter
from app.ingest.schemas import ActRead, LetterFilter, LetterRead, LetterRow, LetterTotal, Order
from app.schemas import ProblemRead

WALKED_AT_MOST_LETTERS = 50_000
"""How many letters one page looks at; a filter that hardly any letter fits answers in pages that are not full."""
EXCERPT_BYTES = 240

_EPOCH = datetime.fromtimestamp(0, UTC)
_MARK = re.compile(r"([no])(\d{1,17})-([0-9a-f-]{36})", re.ASCII)
_PREFIX = re.compile(r"[0-9a-f]{4,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a list: behind the letter that was seen at this moment. As text it is what `more` says."""

    order: Order
    moment: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.order[0]}{(self.moment - _EPOCH) // timedelta(microseconds=1)}-{self.id}"


def read_mark(text: str, order: Order, path: str = "?after") -> Mark:
    """The place that `more` names. BadRequest when it is none, or one of a list in another order."""
    found = _MARK.fullmatch(text)
    try:
        if found and found[1] == order[0]:
            return Mark(order, _EPOCH + timedelta(microseconds=int(found[2])), UUID(found[3]))
    except ValueError:
        pass  # So many hyphens are no id.
    told = f"is not what a page from the {order} gives as `more`."
    raise BadRequest(f"{path} {told}", [Problem(path, told, "`more` of the answer before, in the same order.")])


def find(
    db: Session, wanted: LetterFilter, *, status: str | None, order: Order, after: Mark | None, limit: int
) -> tuple[list[LetterRow], Mark | None]:
    """A page of letters, and the place behind it if there may be others. A filter is looked for along an index."""
    page = _page(wanted, status, order, after, limit).subquery()
    rows = db.execute(
        select(
            page.c.fits,
            page.c.place,
            page.c.moment,
            *(column for column in DeadLetter.__table__.columns if column.name in LetterRow.model_fields),
            func.octet_length(DeadLetter.body).label("size_bytes"),
            func.substring(DeadLetter.body, 1, EXCERPT_BYTES).label("start"),
        )
        .join(page, page.c.id == DeadLetter.id)
        .order_by(page.c.place)
    ).all()
    fitting = [row for row in rows if row.fits]
    shown = [
        LetterRow.model_validate({**row._mapping, "excerpt": excerpt(bytes(row.start))}) for row in fitting[:limit]
    ]
    last = fitting[limit - 1] if len(fitting) > limit else None
    if last is None and rows and rows[-1].place == WALKED_AT_MOST_LETTERS:
        last = rows[-1]
    return shown, Mark(order, last.moment, last.id) if last else None


def _page(wanted: LetterFilter, status: str | None, order: Order, after: Mark | None, limit: int) -> Select[Any]:
    """The ids of one letter more than a page, in order; and the last one looked at, so that one can go on behind it."""
    letter = DeadLetter
    moment = letter.last_seen_at if order == "newest" else letter.first_seen_at
    way = [_turned(moment.expression, order), _turned(letter.id.expression, order)]
    walk = select(
        letter.id, moment.label("moment"), func.row_number().over(order_by=way).label("place"), _fits(wanted)
    ).order_by(*way)
    if status:
        walk = walk.where(letter.status == status)
    if order == "newest" and wanted.until:
        walk = walk.where(letter.last_seen_at < wanted.until)
    if order == "newest" and wanted.since:
        walk = walk.where(letter.last_seen_at >= wanted.since)
    if after:
        here, there = tuple_(moment, letter.id), tuple_(after.moment, after.id)
        walk = walk.where(here < there if order == "newest" else here > there)
    walked = walk.limit(WALKED_AT_MOST_LETTERS).subquery()
    found = select(walked).where(walked.c.fits | (walked.c.place == WALKED_AT_MOST_LETTERS)).limit(limit + 1)
    # By the columns of the index and not by place, so that PostgreSQL sees that it may stop at a full page.
    return found.order_by(*(_turned(column, order) for column in (walked.c.moment, walked.c.id)))


def _turned(column: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    return column.desc() if order == "newest" else column.asc()


def _fits(wanted: LetterFilter) -> ColumnElement[bool]:
    letter = DeadLetter
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.source:
        conditions.append(letter.source == wanted.source)
    if wanted.code:
        conditions.append(letter.code == wanted.code)
    if wanted.credential:
        conditions.append(letter.credential_id.startswith(wanted.credential, autoescape=True))
    if wanted.since:
        conditions.append(letter.last_seen_at >= wanted.since)
    if wanted.until:
        conditions.append(letter.last_seen_at < wanted.until)
    if wanted.path:
        conditions.append(letter.path.startswith(wanted.path, autoescape=True))
    if wanted.text:
        conditions.append(letter.reason.icontains(wanted.text, autoescape=True))
    return and_(*conditions).label("fits")


def totals(db: Session) -> list[LetterTotal]:
    """How many letters there are of each status, code and source; read from one index."""
    kinds = (DeadLetter.status, DeadLetter.code, DeadLetter.source)
    rows = db.execute(select(*kinds, func.count().label("letters")).group_by(*kinds).order_by(*kinds))
    return [LetterTotal.model_validate(dict(row._mapping)) for row in rows]


def show(db: Session, letter_id: UUID) -> LetterRead:
    """Everything about one letter. NotFound when there is none with this id."""
    letter = db.get(DeadLetter, letter_id)
    if letter is None:
        raise no_such_letter(letter_id)
    columns = {column.name: getattr(letter, column.name) for column in DeadLetter.__table__.columns}
    encoding: Literal["utf-8", "base64"] = "utf-8"
    try:
        body = letter.body.decode()
    except UnicodeDecodeError:
        encoding, body = "base64", base64.b64encode(letter.body).decode()
    return LetterRead(
        **columns
        | {
            "problems": [ProblemRead(**problem) for problem in letter.problems],
            "advice": advice(letter),
            "credential_name": db.scalar(select(Credential.name).where(Credential.id == letter.credential_id)),
            "size_bytes": len(letter.body),
            "body": body,
            "body_encoding": encoding,
            "history": [ActRead.model_validate(act) for act in acts_on(db, target_of(letter_id))],
        }
    )


def body_of(db: Session, letter_id: UUID) -> bytes:
    """The bytes of one letter. NotFound when there is none with this id."""
    body = db.scalar(select(DeadLetter.body).where(DeadLetter.id == letter_id))
    if body is None:
        raise no_such_letter(letter_id)
    return body


def id_that_starts(db: Session, text: str) -> UUID:
    """The one letter whose id starts so; four digits at least. NotFound when none does, Conflict when several do."""
    digits = text.strip().lower().replace("-", "")
    if not _PREFIX.fullmatch(digits):
        raise NotFound(f"{text!r} is neither the id of a dead letter nor the beginning of one, four digits or more.")
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    found = db.scalars(select(DeadLetter.id).where(DeadLetter.id.between(first, last)).limit(2)).all()
    if not found:
        raise no_such_letter(text)
    if len(found) > 1:
        raise Conflict(f"Several dead letters start with {text}; give more of the id.")
    return found[0]


def excerpt(start: bytes) -> str:
    """The beginning of a body as one line of printable characters, whatever it is: safe in a terminal and in a page."""
    text = start.decode("utf-8", "replace")
    if len(start) >= EXCERPT_BYTES:
        text = text.rstrip("\ufffd")  # A character that the end cut in two.
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """Without control characters and others that steer how text is shown; each becomes U+FFFD."""
    return "".join("\ufffd" if unicodedata.category(one)[0] == "C" else one for one in text)
