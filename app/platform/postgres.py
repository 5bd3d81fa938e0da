"""PostgreSQL from an event loop: one connection for small questions that every request asks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

ANSWER_SECONDS = 3.0
"""How long an answer may take before PostgreSQL counts as away."""
REST_SECONDS = 2.0
"""How long nobody asks a PostgreSQL that did not answer: a request has better things to do than to wait for it."""


class PostgresAway(Exception):
    """PostgreSQL could not be asked, or did not answer in time. Says nothing about what was asked."""


class AsyncPostgres:
    """A connection that is opened when it is needed, and again when it broke. One question at a time, each alone in
    its transaction.

    Handing a question to a thread costs more than the question, and so does asking a pool for a connection.
    connect: begins an asynchronous connection of psycopg2.
    """

    def __init__(self, connect: Callable[[], Any]):
        self._connect = connect
        self._connection: Any = None
        self._rests_until = 0.0

    async def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query gives. Raises PostgresAway."""
        if time.monotonic() < self._rests_until:
            raise PostgresAway("PostgreSQL did not answer a moment ago.")
        was_open = self._connection is not None
        try:
            return await self._rows(sql, parameters)
        except psycopg2.Error as error:
            self.close()
            if not was_open:
                raise PostgresAway(str(error).strip()) from error
        try:  # It may have been started anew since the last question.
            return await self._rows(sql, parameters)
        except psycopg2.Error as error:
            self.close()
            raise PostgresAway(str(error).strip()) from error

    async def _rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._connection is None:
                    self._connection = self._connect()
                    await self._answer()
                with self._connection.cursor() as cursor:
                    cursor.execute(sql, parameters)
                    await self._answer()
                    return cursor.fetchall()  # type: ignore[no-any-return]
        except TimeoutError as error:
            self.close()
            self._rests_until = time.monotonic() + REST_SECONDS
            raise PostgresAway(f"PostgreSQL did not answer within {ANSWER_SECONDS:g} s.") from error

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while (state := self._connection.poll()) != POLL_OK:
            ready: asyncio.Future[None] = loop.create_future()
            place = self._connection.fileno()
            add, remove = (
                (loop.add_reader, loop.remove_reader) if state == POLL_READ else (loop.add_writer, loop.remove_writer)
            )
            assert state in (POLL_READ, POLL_WRITE)  # noqa: S101  (there are no others)
            add(place, _wake, ready)
            try:
                await ready
            finally:
                remove(place)

    def close(self) -> None:
        """Close the connection; the next question opens one again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
