"""Errors of the driver look like everybody else's."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from app.database import get_engine, is_passing
from app.warehouse.cursor import raw_cursor


def test_what_the_data_is_to_blame_for_does_not_pass(db: Session) -> None:
    with pytest.raises(DataError) as caught, raw_cursor(db) as cursor:
        cursor.execute("SELECT 'x'::int FROM (VALUES ('x')) AS given(x)")
    assert not is_passing(caught.value)


def test_a_lost_connection_passes_and_the_next_one_works() -> None:
    with Session(get_engine()) as db:
        with raw_cursor(db) as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            victim = cursor.fetchone()[0]
        with get_engine().connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": victim})
        with pytest.raises(OperationalError) as caught, raw_cursor(db) as cursor:
            cursor.execute("SELECT 1")
    assert is_passing(caught.value)
    assert caught.value.connection_invalidated
    with Session(get_engine()) as db, raw_cursor(db) as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
