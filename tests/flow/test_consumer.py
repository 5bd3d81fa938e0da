"""The consumer of the stream, in this process, on the real stores: damage, repeats, death and inheritance."""

import os
import socket
from collections.abc import Callable
from uuid import UUID, uuid4

import dramatiq
import orjson
import pytest
import redis
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app import etl_streaming
from app.config import get_settings
from app.consumers import statement_stream
from app.consumers.statement_stream import StatementConsumer
from app.database import session_scope
from app.errors import Unreadable
from app.etl_streaming import (
    QuarantineMiddleware,
    as_bytes,
    as_text,
    get_last_processed,
    process_statement,
    stream_state,
    the_stream,
)
from app.ingest.models import DeadLetter
from app.models import StatementFlat, StatementRaw
from app.platform import clock
from app.streaming import StreamEntry, publish_statement
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")


def publish(*statements: dict) -> str:  # type: ignore[type-arg]
    body = orjson.dumps(list(statements))
    return publish_statement(the_stream(), body, credential_id="f" * 64)


def stored() -> tuple[int, int]:
    with session_scope() as db:
        raw, flat = (db.scalar(select(func.count()).select_from(t)) or 0 for t in (StatementRaw, StatementFlat))
    return raw, flat


def letters() -> list[DeadLetter]:
    with session_scope() as db:
        return list(db.scalars(select(DeadLetter).order_by(DeadLetter.code)))


def consumer() -> StatementConsumer:
    made = StatementConsumer(the_stream(), get_settings())
    made.join_group()
    return made


def test_what_is_loaded_is_acknowledged_and_gone(drain: Callable[[], int]) -> None:
    publish(completed(), completed())
    assert stream_state().length == 1
    assert drain() == 1
    assert stored() == (2, 2)
    state = stream_state()
    assert (state.length, state.pending, state.oldest_at) == (0, 0, None)


def test_garbage_on_the_stream_is_buried_with_its_bytes_and_the_rest_is_loaded(drain: Callable[[], int]) -> None:
    stream = the_stream()
    publish(completed())
    stream.client.xadd(stream.name, {b"\xff": b"\x00\x01"})
    entry = StreamEntry(b"[1, 2", (uuid4(),), clock.now(), "1.0.3", "f").fields()
    stream.client.xadd(stream.name, entry)  # type: ignore[arg-type]
    stream.client.xadd(stream.name, {**entry, b"body": b"[{}, {}]"})  # type: ignore[arg-type]
    publish(completed())
    assert drain() == 5
    assert stored() == (2, 2)
    assert {bytes(letter.body) for letter in letters()} == {b"\xff: \x00\x01", b"[1, 2", b"[{}, {}]"}
    assert {letter.path for letter in letters()} == {"format", "$", "ids"}


def test_an_entry_that_breaks_the_database_is_handed_over_alone(
    drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of eight, one of which makes the transaction fail: seven are stored, one goes to the actor, once."""
    poison = completed("poison@example.org")
    real = etl_streaming.load_batch

    def load(db, batch):  # type: ignore[no-untyped-def]
        if UUID(poison["id"]) in batch.unique:
            raise ValueError("this one does not go in")
        return real(db, batch)

    monkeypatch.setattr(etl_streaming, "load_batch", load)
    for number in range(8):
        publish(poison if number == 5 else completed(f"p{number}@example.org"))
    member = consumer()
    member.handle(member.take())
    assert stored() == (7, 7)
    assert stream_state().pending == 1
    queue = f"dramatiq:{process_statement.queue_name}"
    client = redis.Redis.from_url(get_settings().required_redis_url)
    assert client.llen(queue) == 1
    member._claim_idle_ms = 0
    member._next_claim = 0
    member.handle(member.take())
    assert client.llen(queue) == 1


def test_the_actor_loads_and_acknowledges_and_a_second_run_changes_nothing() -> None:
    message_id = publish(completed())
    [(_, fields)] = consumer().take()
    for _ in range(2):
        process_statement.fn(message_id, as_text(fields))
    assert stored() == (1, 1)
    assert stream_state().length == 0


def test_any_bytes_survive_the_way_through_a_job_message() -> None:
    fields = {bytes(range(256)): bytes(reversed(range(256)))}
    assert as_bytes(orjson.loads(orjson.dumps(as_text(fields)))) == fields


def test_a_dead_job_is_buried_before_its_entry_is_acknowledged() -> None:
    message_id = publish(completed())
    [(_, fields)] = consumer().take()
    message = process_statement.message(message_id, as_text(fields)).copy(
        options={"traceback": "Traceback …\nValueError: no room", "retries": 5}
    )
    QuarantineMiddleware().after_nack(dramatiq.get_broker(), message)
    [letter] = letters()
    assert (letter.code, letter.reason, letter.attempts) == ("failed", "ValueError: no room", 6)
    assert stream_state().length == 0


def test_the_actor_gives_up_at_once_on_what_can_never_be_read_and_retries_the_rest() -> None:
    assert process_statement.options["throws"] == (Unreadable,)
    assert process_statement.options["max_retries"] == get_settings().loader_max_attempts - 1


def test_a_store_that_is_away_leaves_the_batch_pending_and_it_is_taken_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(completed())
    member = consumer()
    batch = member.take()

    def away(*_: object) -> None:
        raise OperationalError("select 1", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(statement_stream, "load_messages", away)
        with pytest.raises(OperationalError):
            member.handle(batch)
    assert (stored(), stream_state().pending) == ((0, 0), 1)
    member._own_after = "0-0"
    member.handle(member.take())
    assert (stored(), stream_state().length) == ((1, 1), 0)


def test_what_an_idle_consumer_holds_is_claimed() -> None:
    publish(completed())
    assert len(consumer().take()) == 1
    other = consumer()
    other._claim_idle_ms = 0
    other.handle(other.take())
    assert (stored(), stream_state().length) == ((1, 1), 0)


def test_what_a_killed_neighbour_held_is_inherited_at_once() -> None:
    publish(completed())
    dead = consumer()
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    dead.consumer = f"{socket.gethostname()}-{gone}-abcdef"
    assert len(dead.take()) == 1
    heir = consumer()
    heir.handle(heir.take())
    assert (stored(), stream_state().length) == ((1, 1), 0)


def test_the_last_processed_statement_is_told() -> None:
    statement = completed()
    publish(statement)
    member = consumer()
    member.handle(member.take())
    with session_scope() as db:
        last = get_last_processed(db)
    assert last is not None
    assert (str(last.statement_id), last.verb, last.object_name) == (statement["id"], "completed", "Lesson 1")
    assert last.flattened_at is not None


def test_nothing_processed_yet_is_none() -> None:
    with session_scope() as db:
        assert get_last_processed(db) is None
