"""The driver's own cursor on a session's transaction, for what SQLAlchemy would only slow down: bulk writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2.extras import register_uuid
from sqlalchemy.orm import Session

register_uuid()


@contextmanager
def raw_cursor(db: Session) -> Iterator[Any]:
    """A psycopg2 cursor inside the session's transaction; it commits and rolls back with it."""
    connection = db.connection().connection
    cursor = connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()
