"""Damage on the stream and poison in a batch: kept with its bytes, and the rest goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import orjson
import pytest
from sqlalchemy import text

from app import etl_incremental
from app.database import get_engine
from app.etl_streaming import process_statement, stream_state, the_stream
from app.lrs.attachments import parse_multipart
from app.streaming import StreamEntry, publish_statement
from tests.flow.loading import at_work, letters, record
from tests.flow.system import wait_for
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")


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


def test_what_came_along_with_a_damaged_entry_is_kept_with_it() -> None:
    """As the sender sent it: statements first, then the data of each attachment with its hash and its type."""
    stream = the_stream()
    data = b"\x00\r\n--\xff"
    sha2 = sha256(data).hexdigest()
    attachment = {"usageType": "https://x.example/u", "display": {"en": "x"}, "contentType": "image/png"}
    statement = completed(attachments=[{**attachment, "length": len(data), "sha2": sha2}])
    body = orjson.dumps(statement)
    entry = StreamEntry(body, (UUID(statement["id"]),), None, "1.0.3", "f" * 64, attachments={sha2: data})
    with at_work():
        for _ in range(2):
            stream.client.xadd(stream.name, {**entry.fields(), b"version": b"\xff"})  # type: ignore[arg-type]
        wait_for(lambda: stream_state().length == 0)
    (letter,) = letters()
    assert letter.seen_count == 2
    assert parse_multipart(str(letter.content_type), bytes(letter.body)) == (body, {sha2: data})
    assert b"Content-Type: image/png" in bytes(letter.body)


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
