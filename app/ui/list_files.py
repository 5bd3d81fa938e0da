"""Lists of operators as CSV: all that the filters of a page show, read page by page while it is sent.

Each page is a short unit of work of its own, so that a slow reader holds no connection and memory holds one page. The
first one is read before the answer begins: what is wrong with a parameter, or with a store, is still told as an error.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics.statements import list_statements
from app.analytics.tables import Cell, Table, csv_chunks
from app.database import session_scope
from app.ingest import queries as letters
from app.ingest.queries import Mark
from app.ingest.schemas import Order
from app.lrs.query import AFTER, read_query
from app.notifications import preview
from app.notifications import queries as reminders
from app.notifications.schemas import PreviewQuery
from app.ui import statements
from app.ui.dead_letters import PATH as LETTERS
from app.ui.dead_letters import LettersAsked, filter_of
from app.ui.pages import HTML, PRIVATE, zone_of
from app.ui.reminder_history import HISTORY, HistoryAsked
from app.ui.reminders import PATH as REMINDERS
from app.ui.reminders import RemindersAsked
from app.ui.viewing import viewer_of

router = APIRouter(tags=["Pages"])

ROWS_AT_ONCE = 500
FILE_MAX_ROWS = 1_000_000
"""As many as a worksheet shows. A file that was cut says so in its last line."""
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "CSV (RFC 4180), times in UTC."},
    **{status: told for status, told in HTML.items() if status not in (200, 404)},
}

PREVIEWED = (
    *("learner_id", "name", "email", "reason", "why", "at", "local_time", "time_zone"),
    *("lessons_left", "next_lesson", "cohort", "unanswered"),
)
SENT = (
    *("id", "learner_id", "name", "email", "status", "local_day", "time_zone", "cohort_id", "lessons", "attempts"),
    *("claimed_at", "retry_at", "sent_at", "answer"),
)
BURIED = (
    *("id", "status", "code", "reason", "path", "source", "credential_id", "statement_id", "seen_count", "attempts"),
    *("first_seen_at", "last_seen_at", "size_bytes"),
)
STATEMENT = ("id", "stored_at", "occurred_at", "who", "verb", "what")

Rows = list[Sequence[Cell]]
Place = TypeVar("Place")


@router.get(
    f"{REMINDERS}/file", response_class=StreamingResponse, responses=FILE, dependencies=[needs("reminders:read")]
)
def get_reminders_file(request: Request, asked: Annotated[RemindersAsked, Query()]) -> StreamingResponse:
    """What is decided for each learner at this moment, under the same filters as the page: all of them."""

    def read(db: Session, after: UUID | None) -> tuple[Rows, UUID | None]:
        query = PreviewQuery(
            cohort_id=asked.cohort, reason=asked.reason, search=asked.search, after=after, limit=ROWS_AT_ONCE
        )
        shown = preview.preview(db, query, request.app.state.settings)
        return [_cells(one, PREVIEWED) for one in shown.learners], shown.more

    return _csv("reminders", PREVIEWED, read)


@router.get(f"{HISTORY}/file", response_class=StreamingResponse, responses=FILE, dependencies=[needs("reminders:read")])
def get_history_file(asked: Annotated[HistoryAsked, Query()]) -> StreamingResponse:
    """Reminders and what became of them, the latest first, under the same filters as the page: all of them."""

    def read(db: Session, after: tuple[datetime, UUID] | None) -> tuple[Rows, tuple[datetime, UUID] | None]:
        found = reminders.reminders(
            db,
            status=asked.status,
            learner_id=asked.learner,
            cohort_id=asked.cohort,
            before=after,
            limit=ROWS_AT_ONCE,
        )
        rows: Rows = [_cells(row, SENT, name=learner.name, email=learner.email) for row, learner in found]
        last = found[-1][0] if len(found) == ROWS_AT_ONCE else None
        return rows, (last.claimed_at, last.id) if last else None

    return _csv("reminder-history", SENT, read)


@router.get(
    f"{LETTERS}/file", response_class=StreamingResponse, responses=FILE, dependencies=[needs("dead-letters:read")]
)
def get_letters_file(request: Request, asked: Annotated[LettersAsked, Query()]) -> StreamingResponse:
    """Dead letters without their bodies, under the same filters and in the same order as the page: all of them."""
    wanted, state = filter_of(asked, str(zone_of(request).key)), asked.state or "open"
    order: Order = asked.sort or "newest"

    def read(db: Session, after: Mark | None) -> tuple[Rows, Mark | None]:
        status = None if state == "all" else state
        found, more = letters.find(db, wanted, status=status, order=order, after=after, limit=ROWS_AT_ONCE)
        return [_cells(one, BURIED) for one in found], more

    return _csv("dead-letters", BURIED, read)


@router.get(
    f"{statements.PATH}/file",
    response_class=StreamingResponse,
    responses=FILE,
    dependencies=[needs("statements:read")],
    openapi_extra=statements.PARAMETERS,
)
def get_statements_file(request: Request) -> StreamingResponse:
    """Who did what in the words of each statement, under the same filters and in the same order as the page: all."""
    statements.shows_people(request)
    parameters, _ = statements.parameters_of(statements.asked_of(request), zone_of(request))
    parameters.pop(AFTER, None)
    viewer = viewer_of(request)

    def read(db: Session, after: list[tuple[str, str]] | None) -> tuple[Rows, list[tuple[str, str]] | None]:
        query = read_query(after or parameters.items(), "1.0")
        found = list_statements(db, viewer, query, ROWS_AT_ONCE)
        return [_cells(one, STATEMENT) for one in found.statements], found.after

    return _csv("statements", STATEMENT, read)


def _csv(
    name: str, columns: Sequence[str], read: Callable[[Session, Place | None], tuple[Rows, Place | None]]
) -> StreamingResponse:
    """A file of all pages. read: the rows behind a place (None: the first ones), and the place behind those."""
    with session_scope() as db:
        first = read(db, None)
    rows = _rows(first, read)
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(csv_chunks(Table(name, columns, rows)), 200, headers, "text/csv; charset=utf-8")


def _rows(
    page: tuple[Rows, Place | None], read: Callable[[Session, Place | None], tuple[Rows, Place | None]]
) -> Iterator[Sequence[Cell]]:
    sent = 0
    while True:
        found, place = page
        for row in found:
            if sent == FILE_MAX_ROWS:
                yield (f"Cut after {FILE_MAX_ROWS} rows: narrow the list, such as by days.",)
                return
            yield row
            sent += 1
        if place is None:
            return
        with session_scope() as db:
            page = read(db, place)


def _cells(row: object, columns: Sequence[str], **known: Cell) -> list[Cell]:
    return [known[name] if name in known else getattr(row, name) for name in columns]
