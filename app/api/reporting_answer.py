"""How a report is answered: a page of it as JSON, or all of it as CSV or XLSX."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.analytics import tables
from app.analytics.selection import PAGE_MAX_ROWS, PAGE_ROWS, Filters, Page
from app.analytics.tables import CSV, XLSX
from app.api.reporting_query import ReportQuery, filters_of
from app.database import session_scope
from app.errors import BadRequest, Problem

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
Read_co = TypeVar("Read_co", bound=BaseModel, covariant=True)


class Read(Protocol[Read_co]):
    """Reads a page of a report."""

    def __call__(self, db: Session, *, filters: Filters, page: Page) -> Read_co:
        """The page."""


@dataclass(frozen=True)
class Kind(Generic[Report]):
    """A kind of report. name: of the file. rows: of one page of it, under these columns.

    page_rows: on a page of JSON that does not say; page_max_rows: read at once for a file. by_attributes: whether it
    can be narrowed to learners with an attribute.
    """

    name: str
    columns: Sequence[str]
    rows: Callable[[Report], Iterator[tuple[tables.Cell, ...]]]
    page_rows: int = PAGE_ROWS
    page_max_rows: int = PAGE_MAX_ROWS
    by_attributes: bool = True

    def answer(
        self,
        request: Request,
        query: ReportQuery,
        db: Session,
        read: Read[Report],
        *,
        goes_on: Callable[[str], str] | None = None,
    ) -> Response:
        """The report under the filters and in the format asked for.

        A file is read page by page, each in a transaction of its own, so that whoever takes it slowly keeps no
        connection to the database. goes_on: makes `next` of a cursor where another report goes on with it; then a file
        is the first page alone.
        """
        filters = filters_of(request, query, attributes=self.by_attributes)
        wanted = format_of(request, query.format)
        limit, cursor = getattr(query, "limit", None), getattr(query, "cursor", None)
        if wanted == "json":
            following = goes_on or (lambda cursor: link(request, request.url.path, cursor=cursor))
            report = read(db, filters=filters, page=Page(limit or self.page_rows, cursor, following))
            return Response(report.model_dump_json(), media_type="application/json", headers=_PRIVATE)
        for name, given in (("limit", limit), ("cursor", cursor)):
            if given is not None:
                wrong = Problem(f"?{name}", "does not go with a file, which holds all pages.", "format=json.")
                raise BadRequest(f"?{name} {wrong.message}", [wrong])
        pages = self._pages(read, filters, only_first=goes_on is not None)
        # The first page is read before the answer begins, so that what is wrong is still told as an error.
        first = next(pages)
        day: datetime = first.generated_at  # type: ignore[attr-defined]
        rows = (row for page in chain([first], pages) for row in self.rows(page))
        table = tables.Table(self.name, self.columns, rows)
        headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{self.name}-{day:%Y-%m-%d}.{wanted}"'}
        if wanted == "csv":
            return StreamingResponse(tables.csv_chunks(table), media_type=f"{CSV}; charset=utf-8", headers=headers)
        return StreamingResponse(tables.file_chunks(tables.xlsx_file(table)), media_type=XLSX, headers=headers)

    def _pages(self, read: Read[Report], filters: Filters, *, only_first: bool) -> Iterator[Report]:
        cursor: str | None = None
        while True:
            with session_scope() as db:
                page = read(db, filters=filters, page=Page(self.page_max_rows, cursor))
            yield page
            cursor = getattr(page, "next", None)
            if cursor is None or only_first:
                return


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
