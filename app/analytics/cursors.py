"""Where a page ended, as text that is handed out and comes back: opaque to people, checked like any other input."""

import base64
import binascii
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from app.errors import BadRequest, Problem

_READERS: dict[type, Callable[[Any], object]] = {
    str: str,
    int: int,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    UUID: UUID,
}
_MOST_CHARACTERS = 1_000
_LARGEST = 2**31 - 1


def write_cursor(*values: str | int | date | UUID | None) -> str:
    """The sort key of the last row of a page."""
    told = [str(value) if isinstance(value, UUID) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The values of a cursor, each of its kind: str, int, date, datetime or UUID. BadRequest otherwise."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if len(cursor) > _MOST_CHARACTERS or not isinstance(values, list):
            raise ValueError("is no list")
        return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (ValueError, binascii.Error) as error:
        wrong = Problem(
            "?cursor", "is not the cursor of a page of this report.", "What `next` of the page before says."
        )
        raise BadRequest(f"?cursor: {wrong.message}", [wrong]) from error


def _read(value: object, kind: type) -> object:
    if type(value) is not (int if kind is int else str):
        raise ValueError("is of another kind")
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("holds a NUL character")
    read = _READERS[kind](value)
    if isinstance(read, int) and abs(read) > _LARGEST:
        raise ValueError("is no number that was handed out")
    if isinstance(read, datetime) and read.tzinfo is None:
        raise ValueError("has no time zone")
    return read
