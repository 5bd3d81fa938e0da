"""Questions to PostgreSQL from an event loop: answered, asked again on a new connection, or given up in time."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.config import Settings, get_settings
from app.database import connect_async, session_scope
from app.platform import postgres
from app.platform.postgres import AsyncPostgres, PostgresAway


@pytest.fixture
def asked() -> Iterator[AsyncPostgres]:
    found = AsyncPostgres(lambda: connect_async(get_settings()))
    yield found
    found.close()


def test_rows_and_parameters(asked: AsyncPostgres) -> None:
    async def scenario() -> Any:
        first = await asked.rows("SELECT n, %s FROM generate_series(1, 3) AS n", ("it's",))
        return first, await asked.rows("SELECT current_setting('statement_timeout')")

    assert asyncio.run(scenario()) == ([(1, "it's"), (2, "it's"), (3, "it's")], [("1min",)])


def test_a_connection_that_broke_is_opened_again(asked: AsyncPostgres) -> None:
    async def scenario() -> None:
        [(first,)] = await asked.rows("SELECT pg_backend_pid()")
        with session_scope() as db:
            db.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
        [(second,)] = await asked.rows("SELECT pg_backend_pid()")
        assert second != first

    asyncio.run(scenario())


def test_a_server_that_is_not_there_is_away() -> None:
    nowhere = AsyncPostgres(lambda: connect_async(Settings(database_url="postgresql://x:y@127.0.0.1:1/z")))
    with pytest.raises(PostgresAway):
        asyncio.run(nowhere.rows("SELECT 1"))


def test_a_server_that_hangs_is_given_up_and_left_alone_for_a_while(
    asked: AsyncPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 0.1)

    async def scenario() -> None:
        with pytest.raises(PostgresAway, match="did not answer within"):
            await asked.rows("SELECT pg_sleep(20)")
        with pytest.raises(PostgresAway, match="a moment ago"):
            await asked.rows("SELECT 1")
        monkeypatch.setattr(postgres, "ANSWER_SECONDS", 10.0)
        asked._rests_until = 0.0
        assert await asked.rows("SELECT 1") == [(1,)]

    asyncio.run(scenario())
