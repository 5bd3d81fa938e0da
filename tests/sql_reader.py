"""The analysts' role on the database of the tests, and a reader that asks as it."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url, text

from app.config import get_settings
from app.database import get_engine
from app.warehouse import readonly
from app.warehouse.reader_role import grant_reading, reader_url

PASSWORD = "the reader's password"
TIMEOUT_SECONDS = 1.0


def forget() -> None:
    """Settings and reader are read and made anew."""
    get_settings.cache_clear()
    if readonly.get_reader.cache_info().currsize:
        readonly.get_reader().close()
    readonly.get_reader.cache_clear()


@pytest.fixture
def role(clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The role, granted anew; its name. Queries may take a second."""
    monkeypatch.setenv("READER_PASSWORD", PASSWORD)
    monkeypatch.setenv("SQL_TIMEOUT_SECONDS", str(TIMEOUT_SECONDS))
    forget()
    granted = grant_reading(get_engine(), PASSWORD, timeout_seconds=TIMEOUT_SECONDS)
    assert granted.left_open == ()
    yield granted.role
    for name in ("READER_PASSWORD", "SQL_TIMEOUT_SECONDS"):
        os.environ.pop(name, None)
    forget()
    drop(granted.role)


@pytest.fixture
def reader(role: str) -> readonly.Reader:
    """What the pages ask with."""
    return readonly.get_reader()


def drop(role: str) -> None:
    """Take everything from the role and remove it: roles outlive the database of a test."""
    with get_engine().begin() as db:
        db.execute(text(f'DROP OWNED BY "{role}"'))
        db.execute(text(f'DROP ROLE "{role}"'))


def straight() -> Any:
    """A connection as the role, past everything that we put before it, that asks to be allowed to write."""
    url = reader_url(get_settings())
    assert url is not None
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(address)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only TO off")
    return connection
