"""The same id, or the same work, more than once: xAPI 1.0.3 Communication 2.1.1 and Data 2.3.1; laws 2 to 4."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import reactions
from app.config import get_settings
from app.consumers.statement_stream import StatementConsumer
from app.database import session_scope
from app.etl_incremental import load_statements
from app.etl_streaming import load_messages, the_stream
from app.ingest.models import DeadLetter
from app.jobs import reconcile
from app.models import StatementFlat, StatementRaw
from app.platform.keys import fingerprint
from app.platform.redis import async_redis_client
from app.publishing import Publisher
from app.streaming import StreamEntry, publish_statement
from app.warehouse.bronze import attachments, keep_attachments
from tests.conftest import Doors
from tests.statements import completed
from tests.warehouse.record import (
    SENDER,
    STORED,
    Derived,
    Statement,
    actual,
    expected,
    incoming,
    load,
    meet,
    refers_to,
    store,
    sweep,
    voids,
)

pytestmark = pytest.mark.usefixtures("clean")
Drain = Callable[[], int]

FIRST = completed(id="6f3c1c5e-5f5e-4d57-8f0c-0a4d8b6a0e11", result={"score": {"raw": 1}})
SAME: dict[str, Statement] = {
    "letter by letter": FIRST,
    "in another order of keys": dict(reversed(FIRST.items())),
    "with a number spelt otherwise": {**FIRST, "result": {"score": {"raw": 1.0}}},
    "with another display": {**FIRST, "verb": {"id": FIRST["verb"]["id"]}},
    "without the timestamp that the store may set": {k: v for k, v in FIRST.items() if k != "timestamp"},
}
OTHER: dict[str, Statement] = {
    "of another actor": {**FIRST, "actor": {"mbox": "mailto:kim@example.org"}},
    "at another time": {**FIRST, "timestamp": "2026-03-09T08:00:00Z"},
}


def publish(*statements: Statement) -> str:
    """Onto the stream past the doors, as nobody should: no id is held."""
    return publish_statement(the_stream(), orjson.dumps(list(statements)), credential_id=SENDER)


def record() -> Derived:
    with session_scope() as db:
        return actual(db)


def letters() -> list[DeadLetter]:
    with session_scope() as db:
        return list(db.scalars(select(DeadLetter).order_by(DeadLetter.first_seen_at)))


def without_redis(doors: Doors) -> None:
    """As if Redis were away for this door, while the loader still reads it."""
    doors.client.app.state.publisher = Publisher(async_redis_client("redis://127.0.0.1:1/0"), "s", 10)  # type: ignore[attr-defined]


@pytest.mark.parametrize("between", ["queued", "loaded", "waiting for the sweep", "swept"])
@pytest.mark.parametrize("variant", [*SAME, *OTHER])
def test_at_the_door_a_taken_id_is_a_conflict_unless_it_is_the_same_statement(
    doors: Doors, drain: Drain, variant: str, between: str
) -> None:
    """Communication 2.1.1: 409 for another statement, be the first one queued or stored; what is refused is kept."""
    publisher = doors.client.app.state.publisher  # type: ignore[attr-defined]
    if between in ("waiting for the sweep", "swept"):
        without_redis(doors)
    assert doors.put(FIRST, FIRST["id"]).status_code == 204
    doors.client.app.state.publisher = publisher  # type: ignore[attr-defined]
    if between == "loaded":
        drain()
    elif between == "swept":
        reconcile.sweep(100)
    second = (SAME | OTHER)[variant]
    answer = doors.put(second, FIRST["id"])
    drain()
    reconcile.sweep(100)
    assert record() == expected([FIRST], fingerprint(doors.sender[0]))
    if variant in SAME:
        assert (answer.status_code, letters()) == (204, [])
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        [letter] = letters()
        assert (letter.source, letter.code, str(letter.id)) == ("door", "conflict", answer.json()["kept"])
        assert orjson.loads(bytes(letter.body)) == second


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two batches"])
@pytest.mark.parametrize("variant", [*SAME, *OTHER])
def test_what_slips_past_the_door_is_decided_by_the_loader(drain: Drain, variant: str, together: bool) -> None:
    """Law 4: the first one stays; the same once more is no news; another one is recorded, never dropped."""
    second = (SAME | OTHER)[variant]
    publish(FIRST)
    if not together:
        drain()
    publish(second)
    drain()
    assert record() == expected([FIRST])
    found = [(letter.source, letter.code, str(letter.statement_id), bytes(letter.body)) for letter in letters()]
    assert found == ([] if variant in SAME else [("loader", "conflict", FIRST["id"], orjson.dumps(second))])


def test_a_repeat_of_what_is_stored_is_no_conflict_though_a_conflict_comes_with_it(drain: Drain) -> None:
    publish(FIRST)
    drain()
    other = OTHER["at another time"]
    publish(other)
    publish(FIRST)
    drain()
    assert [bytes(letter.body) for letter in letters()] == [orjson.dumps(other)]


@pytest.mark.parametrize("variant", ["letter by letter", "of another actor"])
def test_with_redis_away_a_repeat_goes_to_bronze_while_the_first_waits_on_the_stream(
    doors: Doors, drain: Drain, variant: str
) -> None:
    """The door cannot see what waits; whichever is stored first stays, and the other one is recorded if it differs."""
    publish(FIRST)
    without_redis(doors)
    second = (SAME | OTHER)[variant]
    assert doors.put(second, FIRST["id"]).status_code == 204
    drain()
    reconcile.sweep(100)
    assert record() == expected([second], fingerprint(doors.sender[0]))
    assert [bytes(letter.body) for letter in letters()] == ([] if variant in SAME else [orjson.dumps(FIRST)])


Do = Callable[[Session, Statement], None]


def _sweep_it(db: Session, _statement: Statement) -> None:
    sweep(db)


@pytest.mark.parametrize(
    ("before", "first", "second"),
    [
        (None, load, load),
        (None, load, store),
        (None, store, load),
        (store, _sweep_it, load),
        (store, load, _sweep_it),
        (store, _sweep_it, _sweep_it),
    ],
    ids=["load, load", "load, store", "store, load", "sweep, load", "load, sweep", "sweep, sweep"],
)
@pytest.mark.parametrize("variant", ["letter by letter", "of another actor"])
def test_the_same_id_at_the_same_time_is_stored_once(before: Do | None, first: Do, second: Do, variant: str) -> None:
    """Law 3: the unique key decides. One has not committed when the other comes; the sweep finds what is left."""
    other = (SAME | OTHER)[variant]
    with session_scope() as db:
        load(db, completed(), completed("kim@example.org"))
        if before:
            before(db, FIRST)
    known = record()
    meet([lambda db: first(db, FIRST)], lambda db: second(db, other))
    reconcile.sweep(100)
    found = record()
    statement_id = UUID(FIRST["id"])
    assert found.links[statement_id] == expected([FIRST]).links[statement_id]
    assert found.flat.keys() == known.flat.keys() | {statement_id}
    conflicts = variant in OTHER and _sweep_it not in (second, *([first] if second is not load else []))
    assert [bytes(letter.body) for letter in letters()] == ([orjson.dumps(other)] if conflicts else [])


def test_loads_that_overlap_in_opposite_order_do_not_wait_in_a_circle() -> None:
    """Law 3: rows are stored in the order of their ids, in whichever order they came."""
    statements = [completed(id=str(UUID(int=n + 1))) for n in range(4)]
    with session_scope() as db:
        load(db, completed())
    one_by_one = [lambda db, one=one: load(db, one) for one in statements]
    meet(one_by_one, lambda db: load(db, *reversed(statements)))
    with session_scope() as db:
        for table in (StatementRaw, StatementFlat):
            assert db.scalar(select(func.count()).select_from(table)) == 5
    assert letters() == []


def test_loads_with_the_same_attachments_do_not_wait_in_a_circle() -> None:
    contents = {letter * 64: letter.encode() for letter in "abc"}
    entries = [
        StreamEntry(orjson.dumps(one := completed()), (UUID(one["id"]),), STORED, "1.0.3", SENDER, attachments={k: v})
        for k, v in reversed(contents.items())
    ]
    one_by_one = [lambda db, k=k, v=v: keep_attachments(db, {k: v}, STORED) for k, v in contents.items()]
    meet(one_by_one, lambda _: load_messages([(f"{n}-0", entry.fields()) for n, entry in enumerate(entries)]) and None)
    with session_scope() as db:
        assert attachments(db, list(contents)) == contents


def _linked() -> list[Statement]:
    target = completed()
    middle = refers_to(target)
    return [refers_to(middle), voids(target), middle, target, voids(uuid4())]


def test_a_death_between_commit_and_acknowledgement_changes_nothing(drain: Drain) -> None:
    """Law 2: what was loaded and not acknowledged comes again, to another consumer, and does no harm."""
    statements = _linked()
    publish(*statements[:2])
    publish(*statements[2:])
    dead = StatementConsumer(the_stream(), get_settings())
    dead.join_group()
    load_messages(dead.take())
    before = record()
    assert before == expected(statements)
    heir = StatementConsumer(the_stream(), get_settings())
    heir._claim_idle_ms = 0
    heir.handle(heir.take())
    assert (record(), letters()) == (before, [])
    assert redis.Redis.from_url(get_settings().required_redis_url).xlen(get_settings().stream_name) == 0


@pytest.mark.parametrize("way", ["stream", "sweep"])
def test_a_death_before_the_commit_leaves_nothing_and_the_next_one_does_it_all(
    drain: Drain, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Links, references, voided marks and flat rows are of one transaction with the mark that they are done."""
    statements = _linked()
    with session_scope() as db:
        if way == "sweep":
            store(db, *statements)
    publish(*statements)

    class Death(BaseException):
        """Nobody catches it, as nobody catches a SIGKILL."""

    def die(*_: Any) -> None:
        raise Death

    taken = StatementConsumer(the_stream(), get_settings())
    taken.join_group()
    messages = taken.take()
    with monkeypatch.context() as patch:
        patch.setattr(reactions, "react", die)
        with pytest.raises(Death):
            load_messages(messages) if way == "stream" else reconcile.sweep(100)
    nothing = Derived({}, frozenset(), {})
    assert record() == nothing
    if way == "stream":
        taken.handle(messages)
    else:
        reconcile.sweep(100)
    assert (record(), letters()) == (expected(statements), [])


def test_seqs_follow_the_order_of_arrival(drain: Drain) -> None:
    """Statements of one millisecond are told apart by their seq, so it must not follow their ids."""
    statements = [completed(id=str(UUID(int=n))) for n in (3, 1, 2)]
    with session_scope() as db:
        load_statements(db, [incoming(one) for one in statements])
        ids = db.scalars(select(StatementRaw.id).order_by(StatementRaw.seq))
        assert [str(one) for one in ids] == [one["id"] for one in statements]


def test_what_is_in_the_record_already_is_not_queued_again(doors: Doors, drain: Drain) -> None:
    """Senders repeat what they are not sure of; a repeat is answered like the first time, and that is all."""
    stream = the_stream()
    assert doors.put(FIRST, FIRST["id"]).status_code == 204
    drain()
    before = stream.client.xinfo_stream(stream.name)["entries-added"]
    for same in SAME.values():
        assert doors.put(same, FIRST["id"]).status_code == 204
    assert stream.client.xinfo_stream(stream.name)["entries-added"] == before
    new = completed()
    assert doors.post([FIRST, new]).json() == [FIRST["id"], new["id"]]
    assert stream.client.xinfo_stream(stream.name)["entries-added"] == before + 1
