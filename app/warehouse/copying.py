"""COPY: the fastest way for rows into PostgreSQL, for rows that are expected to be new."""

from collections.abc import Callable, Iterable
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from psycopg2.errors import UniqueViolation
from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_CHUNK_BYTES = 2**20


def copy_new(db: Session, table: str, columns: str, lines: Iterable[str]) -> bool:
    """Copy lines (see `line`) into a table. False when a row was there already: then none of them was written.

    The unique keys of the table decide, so two loaders cannot both be right; whoever gets False takes the slower way
    that knows what to do about a repeat.
    """
    with raw_cursor(db) as cursor:
        cursor.execute("SAVEPOINT copying")
        try:
            cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", BytesIO("\n".join(lines).encode()), _CHUNK_BYTES)
        except UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT copying")
            return False
        cursor.execute("RELEASE SAVEPOINT copying")
    return True


def line(values: Iterable[Any]) -> str:
    """One row in the text format of COPY. Takes str without NUL, bool, int, float, UUID, datetime, bytes and None."""
    return "\t".join([_WRITERS[type(value)](value) for value in values])


def json_field(text: bytes) -> str:
    """JSON text as a field of such a line; between its values it may hold line breaks and tabs."""
    return text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r").replace(b"\t", b"\\t").decode()


def _text(value: str) -> str:
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _text,
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    UUID: lambda value: value.hex,
    datetime: datetime.isoformat,
    bytes: lambda value: f"\\\\x{value.hex()}",
}
