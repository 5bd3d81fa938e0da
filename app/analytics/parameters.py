"""What the doors let people ask of reports in words: days, and attributes by the headings of a roster.

The JSON doors and the pages take the same; each wrong parameter is named in the refusal.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel

from app.accounts.visibility import Viewer
from app.analytics.selection import Filters
from app.errors import BadRequest, Problem

ATTRIBUTE = "attr."
"""What the names of parameters begin with that are about an attribute."""
MAX_ATTRIBUTES = 10
MAX_CHARACTERS = 200
MAX_CURSOR_CHARACTERS = 2_000
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def _within_reason(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"is no day from {_FIRST_YEAR} to {_LAST_YEAR}")
    return day


Day = Annotated[date, AfterValidator(_within_reason)]


def attributes_in(asked: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """By the name of each attribute the values that fit, out of the values of the parameters `attr.<name>`.

    One without values asks for nothing. BadRequest names what is no name, no value, or one too many.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, given in asked.items():
        values = tuple(dict.fromkeys(given))
        attribute = name.removeprefix(ATTRIBUTE)
        if not 1 <= len(attribute) <= MAX_CHARACTERS or "\x00" in name:
            raise wrong(name, "names no attribute", "attr. and the heading of a column of the roster")
        if len(values) > MAX_ATTRIBUTES or any(len(value) > MAX_CHARACTERS or "\x00" in value for value in values):
            expected = f"At most {MAX_ATTRIBUTES} values of {MAX_CHARACTERS} characters"
            raise wrong(name, "is no value of an attribute", expected)
        if values:
            found[attribute] = values
    if len(found) > MAX_ATTRIBUTES:
        raise wrong(ATTRIBUTE + max(found), "is one too many", f"At most {MAX_ATTRIBUTES} attributes")
    return found


def filters_by(
    viewer: Viewer,
    query: BaseModel | None,
    attributes: Mapping[str, tuple[str, ...]],
    *,
    cohort: UUID | None = None,
    lesson: UUID | None = None,
) -> Filters:
    """The filters of a report, from the fields of these names that the query has; cohort, lesson: where it has none."""
    return Filters(
        viewer=viewer,
        cohort_id=cohort or getattr(query, "cohort", None),
        lesson_id=lesson or getattr(query, "lesson", None),
        first_day=getattr(query, "first_day", None),
        last_day=getattr(query, "last_day", None),
        time_zone=getattr(query, "time_zone", None),
        attributes=attributes,
    )


def wrong(name: str, message: str, expected: str) -> BadRequest:
    """The refusal of a parameter."""
    shown = name[:100]
    return BadRequest(f"?{shown} {message}.", [Problem(f"?{shown}", f"{message}.", f"{expected}.")])
