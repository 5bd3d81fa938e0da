"""Entries of the stream."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import redis

from app.config import get_settings
from app.errors import Unavailable, Unreadable
from app.streaming import StatementStream, StreamEntry, StreamFull, publish_statement

NOW = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def stream(clean: None) -> StatementStream:
    return StatementStream(redis.Redis.from_url(get_settings().required_redis_url), "test-stream", max_entries=2)


def test_an_entry_comes_back_as_it_went() -> None:
    entry = StreamEntry(b'[{"a": 1.10}]', (uuid4(), uuid4()), NOW, "1.0.3", "f" * 64, "req")
    assert StreamEntry.from_fields(entry.fields()) == entry


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({b"format": b"9"}, "format"),
        ({b"ids": b"123"}, "ids"),
        ({b"stored": b"yesterday"}, "stored"),
        ({b"version": b"\xff"}, "version"),
    ],
)
def test_a_damaged_entry_names_the_field(change: dict[bytes, bytes], path: str) -> None:
    fields = StreamEntry(b"{}", (uuid4(),), NOW, "1.0.3", "f").fields() | change
    with pytest.raises(Unreadable) as caught:
        StreamEntry.from_fields(fields)
    assert caught.value.problems[0].path == path


@pytest.mark.parametrize("missing", [b"format", b"body", b"ids", b"stored", b"version", b"credential"])
def test_a_missing_field_is_named(missing: bytes) -> None:
    fields = StreamEntry(b"{}", (uuid4(),), NOW, "1.0.3", "f").fields()
    del fields[missing]
    with pytest.raises(Unreadable) as caught:
        StreamEntry.from_fields(fields)
    assert caught.value.problems[0].path == missing.decode()


def test_publish_takes_the_ids_that_the_statements_carry(stream: StatementStream) -> None:
    statement_id = uuid4()
    publish_statement(stream, f'{{"id": "{statement_id}"}}')
    [(message_id, fields)] = stream.client.xrange(stream.name)  # type: ignore[misc]
    assert StreamEntry.from_fields(fields, message_id.decode()).ids == (statement_id,)
    with pytest.raises(Unreadable):
        publish_statement(stream, "[{}]")


def test_a_full_stream_refuses_instead_of_growing(stream: StatementStream) -> None:
    for _ in range(2):
        publish_statement(stream, b"{}", ids=[UUID(int=1)])
    with pytest.raises(StreamFull) as caught:
        publish_statement(stream, b"{}", ids=[UUID(int=1)])
    assert caught.value.retry_after_seconds > 0
    assert stream.client.xlen(stream.name) == 2


def test_a_redis_that_is_away_is_unavailable_not_lost() -> None:
    away = StatementStream(redis.Redis(port=1, socket_connect_timeout=1), "s")
    with pytest.raises(Unavailable):
        publish_statement(away, b"{}", ids=[UUID(int=1)])
