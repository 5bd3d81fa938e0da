"""How a report is answered: a page of it as JSON, or all of it as CSV or XLSX."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.analytics import tables
from app.analytics.selection import PAGE_MAX_ROWS, PAGE_ROWS, Page
from app.database import session_scope
from app.errors import BadRequest, Problem

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            CSV: {"schema": {"type": "string"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
"""What reports answer besides JSON, for the `responses` of a route."""

_MEDIA_TYPES: dict[str, Literal["json", "csv", "xlsx"]] = {"application/json": "json", CSV: "csv", XLSX: "xlsx"}
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Report = TypeVar("Report", bound=BaseModel)
Read = Callable[[Session, Page], Report]


class Answering(Generic[Report]):
    """One request for a report. name: of the file. rows: of one page of it, under these columns.

    goes_on: makes `next` of a cursor where another report goes on with it; then a file is the first page alone.
    """

    def __init__(
        self,
        request: Request,
        query: BaseModel,
        *,
        name: str,
        columns: Sequence[str],
        rows: Callable[[Report], Iterator[tuple[tables.Cell, ...]]],
        page_rows: int = PAGE_ROWS,
        page_max_rows: int = PAGE_MAX_ROWS,
        goes_on: Callable[[str], str] | None = None,
    ):
        self._request, self._query, self._name = request, query, name
        self._columns, self._rows = columns, rows
        self._goes_on = goes_on
        self._page_rows, self._page_max_rows = page_rows, page_max_rows

    def answer(self, db: Session, read: Read[Report]) -> Response:
        """The report in the format asked for.

        A file is read page by page, each in a transaction of its own, so that whoever takes it slowly keeps no
        connection to the database.
        """
        wanted = format_of(self._request, getattr(self._query, "format", None))
        limit, cursor = getattr(self._query, "limit", None), getattr(self._query, "cursor", None)
        if wanted == "json":
            report = read(db, Page(limit or self._page_rows, cursor, self._goes_on or self._next))
            return Response(report.model_dump_json(), media_type="application/json", headers=_PRIVATE)
        for name, given in (("limit", limit), ("cursor", cursor)):
            if given is not None:
                wrong = Problem(f"?{name}", "does not go with a file, which holds all pages.", "format=json.")
                raise BadRequest(f"?{name} {wrong.message}", [wrong])
        pages = self._pages(read)
        # The first page is read before the answer begins, so that what is wrong is still told as an error.
        first = next(pages)
        day: datetime = first.generated_at  # type: ignore[attr-defined]
        rows = (row for page in chain([first], pages) for row in self._rows(page))
        table = tables.Table(self._name, self._columns, rows)
        headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{self._name}-{day:%Y-%m-%d}.{wanted}"'}
        if wanted == "csv":
            return StreamingResponse(tables.csv_chunks(table), media_type=f"{CSV}; charset=utf-8", headers=headers)
        return StreamingResponse(tables.file_chunks(tables.xlsx_file(table)), media_type=XLSX, headers=headers)

    def _pages(self, read: Read[Report]) -> Iterator[Report]:
        cursor: str | None = None
        while True:
            with session_scope() as db:
                page = read(db, Page(self._page_max_rows, cursor))
            yield page
            cursor = getattr(page, "next", None)
            if cursor is None or self._goes_on:
                return

    def _next(self, cursor: str) -> str:
        return link(self._request, self._request.url.path, cursor=cursor)


def link(request: Request, path: str, *, keep: Callable[[str], bool] = lambda _: True, **changed: str | None) -> str:
    """An absolute path with the parameters of this request that are to be kept, some of them changed or (None) gone."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changed and keep(name)]
    parameters = urlencode([*kept, *((name, value) for name, value in changed.items() if value is not None)])
    return f"{path}?{parameters}" if parameters else path


def format_of(request: Request, asked: str | None) -> str:
    """json, csv or xlsx: as asked for, else what Accept likes best of them (RFC 9110 12.5.1), else json."""
    if asked:
        return asked
    best, weight = "json", 0.0
    for one in request.headers.get("accept", "").split(","):
        media_type, *parameters = (part.strip().lower() for part in one.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            wanted = float(quality)
        except ValueError:
            continue
        if media_type in _MEDIA_TYPES and wanted > weight:
            best, weight = _MEDIA_TYPES[media_type], wanted
    return best
