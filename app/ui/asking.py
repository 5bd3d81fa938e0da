"""What pages can be asked for in their address: filters, order, page. Each wrong parameter is named, as by a report.

A page says what it takes by a class of these fields, as `Annotated[ThatQuery, Query()]`. A form sends the fields that
were left empty too; they ask for nothing.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.analytics.selection import Filters
from app.errors import BadRequest, Problem
from app.ui.viewing import viewer_of

MAX_ATTRIBUTES = 10
MAX_CHARACTERS = 200
ATTRIBUTE = "attr."
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def _none_if_empty(value: Any) -> Any:
    """A field of a form that was left empty asks for nothing."""
    return None if isinstance(value, str) and not value.strip() else value


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character, which no text in the record does")
    return text


def _within_reason(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"is no day from {_FIRST_YEAR} to {_LAST_YEAR}")
    return day


NoneIfEmpty = BeforeValidator(_none_if_empty)
Word = Annotated[str, Field(max_length=MAX_CHARACTERS), AfterValidator(_storable)]
Day = Annotated[date, AfterValidator(_within_reason)]
Cursor = Annotated[str, Field(max_length=2_000), AfterValidator(_storable)]


class Asking(BaseModel):
    """Parameters of a page. What a page does not know says nothing to it."""

    model_config = ConfigDict(extra="ignore")


class Listing(Asking):
    """A list in pages."""

    cursor: Annotated[Cursor | None, NoneIfEmpty] = Field(None, description="where a page goes on: in `next`")


class Days(Asking):
    """Days, both included, of a time zone."""

    first_day: Annotated[Day | None, NoneIfEmpty] = Field(None, alias="from", description="first day, included")
    last_day: Annotated[Day | None, NoneIfEmpty] = Field(None, alias="to", description="last day, included")
    time_zone: Annotated[Word | None, NoneIfEmpty] = Field(None, description="IANA name; the days are days there")


def attributes_of(request: Request) -> dict[str, tuple[str, ...]]:
    """The parameters attr.<name>: by name, the values of which a learner has to have one; empty ones ask nothing."""
    found: dict[str, tuple[str, ...]] = {}
    for name in request.query_params:
        if not name.startswith(ATTRIBUTE):
            continue
        values = tuple(dict.fromkeys(one for one in request.query_params.getlist(name) if one))
        if name == ATTRIBUTE or "\x00" in name or len(name) > MAX_CHARACTERS:
            raise wrong(name, "names no attribute", "attr. and the heading of a column of the roster")
        if len(values) > MAX_ATTRIBUTES or any(len(text) > MAX_CHARACTERS or "\x00" in text for text in values):
            raise wrong(
                name, "is no value of an attribute", f"At most {MAX_ATTRIBUTES} values of {MAX_CHARACTERS} characters"
            )
        if values:
            found[name.removeprefix(ATTRIBUTE)] = values
    if len(found) > MAX_ATTRIBUTES:
        raise wrong(ATTRIBUTE + max(found), "is one too many", f"At most {MAX_ATTRIBUTES} attributes")
    return found


def filters_of(
    request: Request,
    query: Asking | None = None,
    *,
    attributes: bool = False,
    cohort: UUID | None = None,
    lesson: UUID | None = None,
) -> Filters:
    """The filters of a report, from the fields of these names that the query has."""
    return Filters(
        viewer=viewer_of(request),
        cohort_id=cohort or getattr(query, "cohort", None),
        lesson_id=lesson or getattr(query, "lesson", None),
        first_day=getattr(query, "first_day", None),
        last_day=getattr(query, "last_day", None),
        time_zone=getattr(query, "time_zone", None),
        attributes=attributes_of(request) if attributes else {},
    )


def going_on(request: Request) -> Callable[[str], str]:
    """Makes the address of the page after this one out of a cursor, as `selection.Page` takes it."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("cursor", "told")]

    def link(cursor: str) -> str:
        return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"

    return link


def files_of(request: Request, path: str, *names: str) -> dict[str, str]:
    """Where a report of the API is had as a file, by csv and xlsx, under those filters of this page that it takes too.

    names: of these filters; attributes are meant by `attr.`.
    """
    kept = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if value and (name in names or (ATTRIBUTE in names and name.startswith(ATTRIBUTE)))
    ]
    return {kind: f"{path}?{urlencode([*kept, ('format', kind)])}" for kind in ("csv", "xlsx")}


def wrong(name: str, message: str, expected: str) -> BadRequest:
    """The refusal of a parameter."""
    shown = name[:100]
    return BadRequest(f"?{shown} {message}.", [Problem(f"?{shown}", f"{message}.", f"{expected}.")])
