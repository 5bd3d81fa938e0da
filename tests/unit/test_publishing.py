"""The doors' side of the stream: group append, ids that are held, and how far the loader has come."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
import redis

from app.config import get_settings
from app.errors import Unavailable
from app.platform.redis import async_redis_client
from app.publishing import SETTLED_SECONDS, Publisher, Taken, settle_ids
from app.streaming import StatementStream, StreamEntry, StreamFull

Result = TypeVar("Result")
pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def client() -> redis.Redis:
    return redis.Redis.from_url(get_settings().required_redis_url)


def publishing(work: Callable[[Publisher], Awaitable[Result]], max_entries: int = 100) -> Result:
    async def run() -> Result:
        publisher = Publisher(async_redis_client(get_settings().required_redis_url), "s", max_entries)
        try:
            return await work(publisher)
        finally:
            await publisher.close()

    return asyncio.run(run())


def entry(statement_id: UUID, body: bytes = b"{}") -> StreamEntry:
    return StreamEntry(body, (statement_id,), None, "1.0.3", "f" * 64)


def test_entries_of_one_moment_are_appended_together_and_told_apart(client: redis.Redis) -> None:
    ids = [uuid4() for _ in range(200)]

    async def work(publisher: Publisher) -> list[str]:
        return await asyncio.gather(*(publisher.publish(entry(i, b"%d" % n), [i]) for n, i in enumerate(ids)))

    client.config_resetstat()
    message_ids = publishing(work, 1_000)
    found = client.xrange("s")
    assert [message_id.decode() for message_id, _ in found] == message_ids
    assert [StreamEntry.from_fields(fields, "1-1").ids[0] for _, fields in found] == ids
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls < len(ids) / 4


def test_an_id_belongs_to_the_body_that_came_first(client: redis.Redis) -> None:
    one, other = uuid4(), uuid4()

    async def work(publisher: Publisher) -> None:
        await publisher.publish(entry(one, b"first"), [one])
        await publisher.publish(entry(one, b"first"), [one])  # the same again is no news
        with pytest.raises(Taken) as caught:
            await publisher.publish(entry(one, b"second"), [other, one])
        assert caught.value.place == 1
        waiting = await publisher.entry(caught.value.message_id)
        assert waiting is not None
        assert waiting.body == b"first"
        # Nothing of a refused entry stays behind, its other ids included.
        await publisher.publish(entry(other, b"third"), [other])

    publishing(work)
    assert client.xlen("s") == 3


def test_two_bodies_with_one_id_in_the_same_call() -> None:
    statement_id = uuid4()

    async def work(publisher: Publisher) -> list[str | BaseException]:
        bodies = (b"first", b"second", b"first")
        asked = [publisher.publish(entry(statement_id, body), [statement_id]) for body in bodies]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, third = publishing(work)
    assert isinstance(first, str)
    assert isinstance(second, Taken)
    assert isinstance(third, str)


def test_a_settled_id_is_forgotten_soon(client: redis.Redis) -> None:
    statement_id = uuid4()
    publishing(lambda publisher: publisher.publish(entry(statement_id), [statement_id]))
    key = b"s:id:" + statement_id.bytes
    assert client.ttl(key) > SETTLED_SECONDS
    settle_ids(StatementStream(client, "s"), [uuid4(), statement_id])
    assert 0 < client.ttl(key) <= SETTLED_SECONDS


def test_a_full_stream_takes_what_fits_and_refuses_the_rest(client: redis.Redis) -> None:
    async def work(publisher: Publisher) -> list[str | BaseException]:
        asked = [publisher.publish(entry(uuid4())) for _ in range(5)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = publishing(work, max_entries=3)
    assert [isinstance(answer, str) for answer in answers] == [True, True, True, False, False]
    assert all(isinstance(answer, StreamFull) for answer in answers[3:])
    assert client.xlen("s") == 3


def test_redis_away_is_unavailable() -> None:
    async def work() -> None:
        publisher = Publisher(redis.asyncio.Redis(port=1, socket_connect_timeout=1), "s", 10)
        with pytest.raises(Unavailable):
            await publisher.publish(entry(uuid4()))
        assert await publisher.entry("1-1") is None

    asyncio.run(work())
