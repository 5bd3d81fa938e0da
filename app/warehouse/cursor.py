"""The driver's own cursor on a session's transaction, for what SQLAlchemy would only slow down: bulk writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extras import register_uuid
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

register_uuid()


@contextmanager
def raw_cursor(db: Session) -> Iterator[Any]:
    """A psycopg2 cursor inside the session's transaction; it commits and rolls back with it.

    Errors of the driver come out as SQLAlchemy's, so that nobody above has to know which of the two was asked.
    """
    connection = db.connection()
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except psycopg2.Error as error:
        gone = bool(cursor.connection.closed)
        if gone:
            connection.invalidate(error)
        told = DBAPIError.instance(
            None, None, error, psycopg2.Error, connection_invalidated=gone, dialect=connection.dialect
        )
        raise told from error
    finally:
        cursor.close()
