"""What pages can be asked for in their address: filters, order, page. Each wrong parameter is named, as by a report.

A page says what it takes by a class of these fields, as `Annotated[ThatQuery, Query()]`. A form sends the fields that
were left empty too; they ask for nothing.
"""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.analytics.parameters import ATTRIBUTE, MAX_CHARACTERS, MAX_CURSOR_CHARACTERS, Day, attributes_in, filters_by
from app.analytics.selection import Filters
from app.schemas import Storable
from app.ui.viewing import viewer_of


def none_if_empty(value: object) -> object:
    """A field of a form that was left empty asks for nothing."""
    return None if isinstance(value, str) and not value.strip() else value


NoneIfEmpty = BeforeValidator(none_if_empty)
Word = Annotated[str, Field(max_length=MAX_CHARACTERS), Storable]
Cursor = Annotated[str, Field(max_length=MAX_CURSOR_CHARACTERS), Storable]


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
    names = [name for name in request.query_params if name.startswith(ATTRIBUTE)]
    return attributes_in({name: [one for one in request.query_params.getlist(name) if one] for name in names})


def filters_of(
    request: Request,
    query: Asking | None = None,
    *,
    attributes: bool = False,
    cohort: UUID | None = None,
    lesson: UUID | None = None,
) -> Filters:
    """The filters of a report, from the fields of these names that the query has."""
    found = attributes_of(request) if attributes else {}
    return filters_by(viewer_of(request), query, found, cohort=cohort, lesson=lesson)


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
