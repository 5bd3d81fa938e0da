"""Stores that go away and come back, clocks that step back, damage on the stream: nothing lost, nothing twice."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import redis
from sqlalchemy import create_engine, select, text

from app import etl_incremental
from app.config import Settings, get_settings
from app.consumers import statement_stream
from app.consumers.statement_stream import StatementConsumer
from app.database import get_engine, session_scope
from app.etl_streaming import process_statement, stream_state, the_stream
from app.ingest.models import DeadLetter
from app.jobs.models import JobRun
from app.jobs.reconcile import JOB, reconcile, sweep
from app.models import StatementFlat, StatementRaw
from app.platform import clock
from app.streaming import StreamEntry, publish_statement, why_halted
from tests.conftest import Doors
from tests.doors.elsewhere import elsewhere
from tests.flow.cable import Cable, cable_to
from tests.flow.system import wait_for
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_stream, "BLOCK_MS", 50)
    monkeypatch.setattr(statement_stream, "MAX_PAUSE_SECONDS", 0.5)


@contextmanager
def at_work() -> Iterator[StatementConsumer]:
    """A consumer in its thread, as the worker has it."""
    made = StatementConsumer(the_stream(), get_settings())
    made.start()
    try:
        yield made
    finally:
        made.stop()
        made.join(20)
        assert not made.is_alive()


@dataclass
class Site:
    """The API in this process, both of its stores at the end of a cable."""

    doors: Doors
    postgresql: Cable
    redis: Cable
    urls: tuple[str, str]

    def send(self, expected: int = 204, **more: Any) -> str:
        """Send one statement; its id."""
        statement = completed(**more)
        answer = self.doors.put(statement, statement["id"])
        assert answer.status_code == expected, answer.text
        if expected == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return str(statement["id"])

    def record(self) -> tuple[list[str], list[str]]:
        """The ids in bronze and in silver, by a connection that no cable is in the way of."""
        return record(self.urls[0])


def record(url: str | None = None) -> tuple[list[str], list[str]]:
    """The ids in bronze and in silver, sorted."""
    engine = create_engine(Settings(database_url=url or os.environ["DATABASE_URL"]).sqlalchemy_url)
    with engine.connect() as connection:
        raw = [str(one) for one in connection.scalars(select(StatementRaw.id))]
        flat = [str(one) for one in connection.scalars(select(StatementFlat.statement_id))]
    engine.dispose()
    return sorted(raw), sorted(flat)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With a stream that takes five entries."""
    urls = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    with (
        cable_to(urls[0]) as postgresql,
        cable_to(urls[1]) as stream,
        elsewhere(monkeypatch, DATABASE_URL=postgresql.url, REDIS_URL=stream.url, STREAM_MAX_ENTRIES="5") as doors,
    ):
        yield Site(doors, postgresql, stream, urls)
        postgresql.pull_out()
        stream.pull_out()


def letters() -> list[DeadLetter]:
    with session_scope() as db:
        return list(db.scalars(select(DeadLetter).order_by(DeadLetter.reason)))


def test_while_postgresql_is_away_the_stream_fills_up_and_then_the_doors_refuse(site: Site) -> None:
    with at_work():
        site.postgresql.pull_out()
        sent = [site.send() for _ in range(5)]
        refused = completed()
        for path in ("/api/xapi/statements", "/api/xapi/statements"):
            answer = site.doors.put(refused, refused["id"], path)
            assert (answer.status_code, answer.json()["code"]) == (503, "stream_full"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
        assert site.record() == ([], [])
        site.postgresql.put_back()
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
        wait_for(lambda: site.doors.put(refused, refused["id"]).status_code == 204)
        sent.append(refused["id"])
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
    assert why_halted(the_stream()) is None
    assert letters() == []


def test_while_redis_is_away_the_doors_store_and_the_sweep_flattens_even_then(site: Site) -> None:
    with at_work():
        site.redis.pull_out()
        sent = [site.send() for _ in range(7)]
        assert site.record() == (sorted(sent), [])
        for door in ("/api/loader", "/api/debug/pipeline"):
            assert site.doors.client.get(door, headers=site.doors.admin).status_code == 503
        assert sweep(100).new == 7
        assert site.record() == (sorted(sent), sorted(sent))
        site.redis.put_back()
        # From here on by way of the stream again, with nobody's help; repeats change nothing.
        sent.append(site.send())
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
    assert stream_state().length == 0


def test_while_both_are_away_the_doors_refuse_and_then_take_the_same_again(site: Site) -> None:
    with at_work():
        site.postgresql.pull_out()
        site.redis.pull_out()
        statement = completed()
        for _ in range(2):
            answer = site.doors.put(statement, statement["id"])
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
        site.redis.put_back()
        assert site.doors.put(statement, statement["id"]).status_code == 204
        site.postgresql.put_back()
        wait_for(lambda: site.record() == ([statement["id"]], [statement["id"]]))


def test_a_worker_that_lost_postgresql_in_the_middle_loads_each_entry_once(site: Site) -> None:
    """Pulled out again and again while it loads; what was committed without being acknowledged comes twice."""
    sent: list[str] = []
    with at_work():
        for turn in range(6):
            sent.append(site.send())
            (site.postgresql, site.redis)[turn % 2].pull_out()
            sent.append(site.send())
            (site.postgresql, site.redis)[turn % 2].put_back()
            wait_for(lambda: set(site.record()[0]) == set(sent))
        sweep(100)
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
    assert letters() == []


def damaged() -> list[dict[bytes, bytes]]:
    """Entries as no door makes them; each with a mark by which its bytes are found again."""
    body = orjson.dumps(completed())
    whole = StreamEntry(body, (uuid4(),), None, "1.0.3", "f" * 64).fields()
    entries = [
        {b"": b""},
        {b"\x00\xff": b"\xfe" * 5_000, b"\r\n": b"$-1\r\n"},
        {**whole, b"format": b"999"},
        {**whole, b"body": body[: len(body) // 2]},
        {**whole, b"body": b"\x80" * 64},
        {**whole, b"body": b"null"},
        {**whole, b"ids": whole[b"ids"][:7]},
        {**whole, b"ids": b""},
        {**whole, b"stored": b"yesterday"},
        {**whole, b"version": b"\xff\xff"},
        {name: value for name, value in whole.items() if name != b"body"},
        {b"format": b"refused-1", b"body": body, b"letter": b"{"},
    ]
    for number, entry in enumerate(entries):
        if entry.get(b"body", b"null") != b"null":
            entry[b"body"] += b" " * (number + 1)
    return entries


def test_damage_on_the_stream_is_kept_with_its_bytes_and_the_rest_goes_on() -> None:
    stream = the_stream()
    entries, sent = damaged(), []
    with at_work():
        for fields in entries:
            stream.client.xadd(stream.name, fields)  # type: ignore[arg-type]
            for statement in (completed(), completed()):
                publish_statement(stream, orjson.dumps(statement))
                sent.append(statement["id"])
        wait_for(lambda: stream_state().length == 0)
    assert record() == (sorted(sent), sorted(sent))
    kept = {bytes(letter.body) for letter in letters()}
    everything = [b"\n".join(name + b": " + value for name, value in fields.items()) for fields in entries]
    assert kept == {fields.get(b"body", whole) for fields, whole in zip(entries, everything, strict=True)}
    assert len(kept) == len(entries)


@contextmanager
def refusing(statement_id: str) -> Iterator[None]:
    """The database takes every flat row but this one."""
    with get_engine().begin() as connection:
        check = f"CHECK (statement_id <> '{statement_id}') NOT VALID"
        connection.execute(text(f"ALTER TABLE silver.statements_flat ADD CONSTRAINT poison {check}"))
    try:
        yield
    finally:
        with get_engine().begin() as connection:
            connection.execute(text("ALTER TABLE silver.statements_flat DROP CONSTRAINT poison"))


def test_of_500_entries_one_that_the_database_refuses_is_buried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the retries to the end, by the worker's own queue."""
    import dramatiq

    for name, value in (("max_retries", 1), ("min_backoff", 10), ("max_backoff", 20)):
        monkeypatch.setitem(process_statement.options, name, value)
    sent = _five_hundred()
    poison = sent.pop(317)
    worker = dramatiq.Worker(dramatiq.get_broker(), queues={process_statement.queue_name}, worker_timeout=50)
    with refusing(poison):
        worker.start()
        try:
            with at_work():
                wait_for(lambda: letters() and stream_state().length == 0)
        finally:
            worker.stop()
    assert record() == (sorted(sent), sorted(sent))
    [letter] = letters()
    assert (letter.code, letter.attempts) == ("failed", 2)
    assert "IntegrityError" in letter.reason
    assert '"poison"' in letter.reason
    assert orjson.loads(letter.body)["id"] == poison


def test_of_500_entries_one_that_cannot_be_flattened_is_buried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = _five_hundred()
    poison = sent.pop(123)
    real = etl_incremental.flatten_statement

    def flatten(statement: dict[str, Any]) -> dict[str, Any]:
        if statement["id"] == poison:
            raise ZeroDivisionError("of this one")
        return real(statement)

    monkeypatch.setattr(etl_incremental, "flatten_statement", flatten)
    with at_work():
        wait_for(lambda: stream_state().length == 0)
    assert record() == (sorted(sent), sorted(sent))
    [letter] = letters()
    assert (letter.statement_id, orjson.loads(letter.body)["id"]) == (UUID(poison), poison)


def _five_hundred() -> list[str]:
    stream, sent = the_stream(), []
    with stream.client.pipeline() as pipe:
        for number in range(500):
            statement = completed(f"p{number % 40}@example.org")
            entry = StreamEntry(orjson.dumps(statement), (UUID(statement["id"]),), None, "1.0.3", "f" * 64)
            pipe.xadd(stream.name, entry.fields())  # type: ignore[arg-type]
            sent.append(statement["id"])
        pipe.execute()
    return sent


def test_a_clock_that_steps_back_loses_nothing_and_doubles_nothing(
    doors: Doors, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.xapi_consistency.REFRESH_SECONDS", 0)
    client, name = redis.Redis.from_url(get_settings().required_redis_url), get_settings().stream_name
    told: list[str] = []
    sent: list[str] = []

    def send() -> None:
        answer = doors.post([completed(), completed()])
        assert answer.status_code == 200
        sent.extend(answer.json())
        told.append(answer.headers["X-Experience-API-Consistent-Through"])

    start = clock.now()
    # The clock of Redis was two hours ahead when the last entry came.
    ahead = f"{int((start + timedelta(hours=2)).timestamp() * 1000)}-0"
    statement = completed()
    entry = StreamEntry(orjson.dumps(statement), (UUID(statement["id"]),), None, "1.0.3", "f" * 64)
    client.xadd(name, entry.fields(), id=ahead)  # type: ignore[arg-type]
    sent.append(statement["id"])
    for hours in (0, 1, 0, -1, 0):
        with clock.set_now(start + timedelta(hours=hours)):
            send()
            ids = [message_id for message_id, _ in client.xrange(name)]
            assert ids == sorted(ids, key=lambda one: tuple(map(int, one.split(b"-"))))
            assert ids[-1] >= ahead.encode()
            drain()
            send()
            sweep(100)
    drain()
    # Redis lost everything, and its clock is an hour behind what it was.
    client.delete(name)
    statement = completed()
    entry = StreamEntry(orjson.dumps(statement), (UUID(statement["id"]),), None, "1.0.3", "f" * 64)
    behind = f"{int((start - timedelta(hours=1)).timestamp() * 1000)}-0"
    client.xadd(name, entry.fields(), id=behind)  # type: ignore[arg-type]
    sent.append(statement["id"])
    send()
    drain()
    assert told == sorted(told)
    assert record() == (sorted(sent), sorted(sent))


def test_a_sweep_that_a_wrong_clock_ran_ahead_of_time_is_not_missed_later() -> None:
    start = clock.now().replace(second=5, microsecond=0)

    def tick(minutes: int) -> None:
        with clock.set_now(start + timedelta(minutes=minutes)):
            reconcile.fn()

    for minutes in (*range(5), 60):
        tick(minutes)
    # The clock is right again, an hour earlier; what the door stores now must not wait for that hour.
    with session_scope() as db:
        statement = completed()
        payload = orjson.dumps(statement)
        one = etl_incremental.Incoming(UUID(statement["id"]), payload, start, "1.0.3", "f" * 64)
        etl_incremental.store_statements(db, [one])
    tick(0)
    tick(1)
    assert record() == ([statement["id"]], [statement["id"]])
    with session_scope() as db:
        periods = db.scalars(select(JobRun.period).where(JobRun.job == JOB)).all()
    assert max(periods) <= start + timedelta(minutes=1)


def test_two_schedulers_on_one_period_still_sweep_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = []
    monkeypatch.setattr("app.jobs.reconcile.sweep", lambda most: sweeps.append(most) or etl_incremental.Loaded())
    start = clock.now().replace(second=50, microsecond=0)
    for seconds in (0, 20, 0):  # The second scheduler's clock is 20 seconds ahead: it is in the next minute already.
        with clock.set_now(start + timedelta(seconds=seconds)):
            reconcile.fn()
    assert len(sweeps) == 2
