"""What the lists of learners and of acts can be asked for in their address. Each wrong parameter is named."""

from datetime import date
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.errors import BadRequest, Problem

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
    """Parameters of a page. format: json for its twin."""

    model_config = ConfigDict(extra="ignore")


def attributes_of(request: Request) -> dict[str, tuple[str, ...]]:
    """The parameters attr.<name>: by name, values of which a learner has to have one. Empty ones ask for nothing."""
    found: dict[str, tuple[str, ...]] = {}
    for name in request.query_params:
        if not name.startswith(ATTRIBUTE):
            continue
        values = tuple(dict.fromkeys(one for one in request.query_params.getlist(name) if one))
        if any("\x00" in text or len(text) > MAX_CHARACTERS for text in (name, *values)) or name == ATTRIBUTE:
            raise _wrong(name, "is no attribute with a value", f"Up to {MAX_CHARACTERS} characters each")
        if values:
            found[name.removeprefix(ATTRIBUTE)] = values
    if len(found) > MAX_ATTRIBUTES or any(len(values) > MAX_ATTRIBUTES for values in found.values()):
        raise _wrong("attr", "is given too often", f"At most {MAX_ATTRIBUTES} attributes with as many values each")
    return found


def _wrong(name: str, message: str, expected: str) -> BadRequest:
    shown = name[:100]
    return BadRequest(f"?{shown} {message}.", [Problem(f"?{shown}", f"{message}.", f"{expected}.")])
