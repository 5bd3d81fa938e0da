"""Prebuilt queries, run: as the read-only role, with learners shown as the viewer may see them."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

import psycopg2.extensions
from pydantic import BaseModel, Field

from app.accounts import visibility
from app.accounts.visibility import Viewer
from app.analytics import catalogue, queries
from app.analytics.catalogue import PrebuiltQuery
from app.database import session_scope
from app.platform import clock
from app.warehouse.readonly import Asking, Cell, Column, Kind, Result, get_reader

LEARNER = "learner_id"


class ResultColumn(BaseModel):
    """A column. kind: number, truth, time (UTC, as PostgreSQL writes it) or text."""

    name: str
    kind: Kind


class QueryResult(BaseModel):
    """What a prebuilt query gave."""

    name: str = Field(examples=["completion-by-cohort"])
    title: str
    question: str
    parameters: dict[str, str | float | None] = Field(description="as they were understood, defaults included")
    columns: list[ResultColumn]
    rows: list[list[str | int | float | bool | None]]
    more: bool = Field(description="there are further rows; the CSV has up to 10,000")
    cut: bool = Field(description="a cell was longer than 2,000 characters and ends in …")
    seconds: float = Field(description="that PostgreSQL took")
    generated_at: datetime
    address: str = Field(description="of the page that shows this result, for sharing")


def run_prebuilt(
    name: str, given: Mapping[str, object], *, max_rows: int | None = None, asking: Asking | None = None
) -> QueryResult:
    """Run a prebuilt query. NotFound for any other name, BadRequest for parameters that are not right."""
    query = catalogue.find(name)
    values = query.read(given)
    bound = {key: _Id(value) if isinstance(value, UUID) else value for key, value in values.items()}
    result = get_reader().run(query.sql, bound, max_rows=max_rows, asking=asking)
    columns, rows = _shown(query, result, visibility.admin())
    said = {key: value if isinstance(value, int | float) else _said(value) for key, value in values.items()}
    return QueryResult(
        name=query.name,
        title=query.title,
        question=query.question,
        parameters=said,
        columns=[ResultColumn(name=one.name, kind=one.kind) for one in columns],
        rows=rows,
        more=result.more,
        cut=result.cut,
        seconds=round(result.seconds, 3),
        generated_at=clock.now(),
        address=address(query.name, {key: value for key, value in said.items() if value is not None}),
    )


def address(name: str, parameters: Mapping[str, object]) -> str:
    """Where the result of a query is shown."""
    asked = urlencode({key: str(value) for key, value in parameters.items()})
    return f"/ui/db-terminal/queries/{name}" + (f"?{asked}" if asked else "")


class _Id:
    """An id, as the driver writes it into a statement."""

    def __init__(self, value: UUID):
        self._value = value

    def __conform__(self, _protocol: object) -> psycopg2.extensions.AsIs:
        return psycopg2.extensions.AsIs(f"'{self._value}'::uuid")


def _said(value: object) -> str | None:
    return None if value is None else str(value)


def _shown(query: PrebuiltQuery, result: Result, viewer: Viewer) -> tuple[list[Column], list[list[Cell]]]:
    """The result with a column `learner` beside the ids, and what learners wrote as the viewer may read it."""
    names = [column.name for column in result.columns]
    rows = [list(row) for row in result.rows]
    if LEARNER not in names:
        return list(result.columns), rows
    at = names.index(LEARNER)
    with session_scope() as db:
        people = queries.people(db, {UUID(str(row[at])) for row in rows if row[at]})
    for row in rows:
        person = people.get(UUID(str(row[at]))) if row[at] else None
        whose = (person.name, person.email, person.phone, person.avatar) if person else ()
        for column in query.words:
            cell = row[names.index(column)]
            if isinstance(cell, str):
                row[names.index(column)] = visibility.masked(viewer, cell, *whose)
        told = visibility.shown(viewer, person) if person else {}
        row.insert(at + 1, told.get("name") or told.get("email") or told.get("phone"))
    columns = list(result.columns)
    columns.insert(at + 1, Column("learner", "text"))
    return columns, rows
