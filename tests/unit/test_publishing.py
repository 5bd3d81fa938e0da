"""The doors' side of the stream: group append, ids that are held, and how far the loader has come."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
import redis

from app.config import get_settings
from app.errors import Unavailable
from app.platform import redis_memory
from app.platform.redis import async_redis_client
from app.publishing import MOST_BYTES_AT_ONCE, SETTLED_SECONDS, Publisher, Taken, settle_ids
from app.streaming import StatementStream, StreamEntry, StreamFull, publish_statement

Result = TypeVar("Result")
pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def client() -> redis.Redis:
    return redis.Redis.from_url(get_settings().required_redis_url)


def publishing(
    work: Callable[[Publisher], Awaitable[Result]], max_entries: int = 100, max_memory_mib: int = 0
) -> Result:
    async def run() -> Result:
        publisher = Publisher(async_redis_client(get_settings().required_redis_url), "s", max_entries, max_memory_mib)
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


def used_mib(client: redis.Redis) -> float:
    return int(client.info("memory")["used_memory"]) / 2**20


def test_large_bodies_do_not_race_past_the_memory_limit(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """One look at the memory, and then many large bodies at once: what was taken since then counts."""
    monkeypatch.setattr(redis_memory, "LOOK_SECONDS", 3_600)
    limit = int(used_mib(client)) + 40

    async def work(publisher: Publisher) -> list[str | BaseException]:
        asked = [publisher.publish(entry(uuid4(), bytes(2**20))) for _ in range(100)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = publishing(work, max_memory_mib=limit)
    taken = [answer for answer in answers if isinstance(answer, str)]
    assert 20 <= len(taken) == client.xlen("s") <= 60
    assert all(isinstance(answer, StreamFull) for answer in answers if answer not in taken)
    # A call under way is held once more.
    assert used_mib(client) <= limit + MOST_BYTES_AT_ONCE / 2**20


def test_memory_that_is_free_again_is_used_again(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_memory, "LOOK_SECONDS", 0)
    limit = int(used_mib(client)) + 32

    async def work(publisher: Publisher) -> None:
        await publisher.publish(entry(uuid4()))
        client.set("ballast", bytes(64 * 2**20))
        for _ in range(2):
            with pytest.raises(StreamFull, match="STREAM_MAX_MEMORY_MIB"):
                await publisher.publish(entry(uuid4()))
        client.delete("ballast")
        # Redis gives the memory back in the background.
        give_up = time.monotonic() + 20
        while client.xlen("s") < 2 and time.monotonic() < give_up:
            with suppress(StreamFull):
                await publisher.publish(entry(uuid4()))

    publishing(work, max_memory_mib=limit)
    assert client.xlen("s") == 2


@pytest.mark.parametrize("room", [True, False])
def test_looking_at_the_memory_costs_no_call_per_entry(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    monkeypatch.setattr(redis_memory, "LOOK_SECONDS", 3_600)
    limit = int(used_mib(client)) + 64
    if not room:
        client.set("ballast", bytes(65 * 2**20))

    async def work(publisher: Publisher) -> None:
        for _ in range(50):
            with suppress(StreamFull):
                await publisher.publish(entry(uuid4()))

    client.config_resetstat()
    publishing(work, max_memory_mib=limit)
    assert client.xlen("s") == (50 if room else 0)
    stats = client.info("commandstats")
    assert stats["cmdstat_info"]["calls"] == 1
    assert ("cmdstat_evalsha" in stats) == room


def test_a_redis_at_its_own_limit_is_a_full_stream(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StreamFull, match="maxmemory"):
            publishing(lambda publisher: publisher.publish(entry(uuid4())))
        with pytest.raises(StreamFull, match="maxmemory"):
            publish_statement(StatementStream(client, "s"), b"{}", ids=[uuid4()])
    finally:
        client.config_set("maxmemory", 0)
    assert client.xlen("s") == 0


def test_large_entries_share_no_call(client: redis.Redis) -> None:
    """Redis closes the connection of a call of a gigabyte, which 64 entries of the largest size would come to."""

    async def work(publisher: Publisher) -> list[str]:
        return await asyncio.gather(*(publisher.publish(entry(uuid4(), bytes(3 * 2**20))) for _ in range(10)))

    client.config_resetstat()
    assert len(set(publishing(work))) == client.xlen("s") == 10
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] >= 5


def test_redis_away_is_unavailable() -> None:
    async def work() -> None:
        publisher = Publisher(redis.asyncio.Redis(port=1, socket_connect_timeout=1), "s", 10)
        with pytest.raises(Unavailable):
            await publisher.publish(entry(uuid4()))
        assert await publisher.entry("1-1") is None

    asyncio.run(work())
