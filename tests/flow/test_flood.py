"""The flood stop, with the real consumer on the real stores: it stops, says so, loses nothing, goes on when told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import dramatiq
import orjson
import pytest
from sqlalchemy import func, select, text

from app.audit import AuditEntry
from app.cli.main import main
from app.config import get_settings
from app.consumers import statement_stream
from app.consumers.flood import FEWEST_ENTRIES
from app.consumers.statement_stream import StatementConsumer
from app.database import get_engine, session_scope
from app.errors import Unreadable
from app.etl_streaming import QuarantineMiddleware, as_text, process_statement, stream_state, the_stream
from app.ingest.models import DeadLetter
from app.models import StatementFlat
from app.streaming import RefusedEntry, StreamEntry, halt, publish_statement, resume, why_halted
from tests.conftest import Doors
from tests.flow.loading import at_work
from tests.flow.system import wait_for
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")
CLAIM_IDLE_S = 0.5
MOST_BURIED = 101
"""More than half of 200."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_stream, "BLOCK_MS", 50)
    monkeypatch.setattr(statement_stream, "HALTED_LOOK_SECONDS", 0.02)


def count(table: type[DeadLetter] | type[StatementFlat]) -> int:
    with session_scope() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


def good(number: int) -> None:
    for _ in range(number):
        publish_statement(the_stream(), orjson.dumps(completed()), credential_id="f" * 64)


def bad(number: int) -> None:
    """Entries whose statement no longer is one: a body that does not fit the ids, as a mistake of ours would make."""
    with the_stream().client.pipeline() as pipe:
        for _ in range(number):
            fields = StreamEntry(b'{"n": "%s"}' % uuid4().hex.encode(), (uuid4(),), None, "1.0.3", "f").fields()
            pipe.xadd(the_stream().name, fields)  # type: ignore[arg-type]
        pipe.execute()


def calls(command: str) -> int:
    """How often Redis was asked that since its counts were last reset."""
    told = the_stream().client.info("commandstats").get(f"cmdstat_{command}")  # type: ignore[union-attr]
    return int(told["calls"]) if told else 0


def halted() -> str | None:
    return why_halted(the_stream())


def loaded() -> bool:
    return stream_state().length == 0


def test_a_flood_stops_the_loader_before_one_batch_of_it_is_buried(doors: Doors) -> None:
    good(400)
    with at_work(CLAIM_IDLE_S):
        wait_for(loaded)
        # By now it has seen that entries are small, and takes as many as come at once.
        bad(500)
        reason = wait_for(halted)
        assert "python -m app loader resume" in reason
        letters = count(DeadLetter)
        assert FEWEST_ENTRIES <= letters <= MOST_BURIED
        # What was not buried is there, and the doors go on.
        assert stream_state().length == 500 - letters
        statement = completed()
        assert doors.put(statement, statement["id"]).status_code == 204
        checks = {one["name"]: one for one in doors.client.get("/health/ready", headers=doors.admin).json()["checks"]}
        assert (checks["loader"]["ok"], checks["loader"]["value"]) == (False, reason)
        assert checks["accepting"]["ok"]
        assert doors.client.get("/api/loader", headers=doors.admin).json()["reason"] == reason
        # One that starts now stands still as well: it looks whether it may work, and takes nothing.
        the_stream().client.config_resetstat()
        with at_work(CLAIM_IDLE_S):
            wait_for(lambda: calls("mget") > 30)
            assert (calls("xreadgroup"), calls("xautoclaim")) == (0, 0)
        assert count(DeadLetter) == letters


def test_after_resuming_it_goes_on_and_the_same_flood_stops_it_again_after_a_fresh_window(doors: Doors) -> None:
    bad(FEWEST_ENTRIES)
    with at_work(CLAIM_IDLE_S):
        wait_for(halted)
        assert doors.client.post("/api/loader/resume", headers=doors.admin).json()["resumed"]
        bad(FEWEST_ENTRIES - 1)
        wait_for(loaded)
        assert halted() is None
        bad(300)
        wait_for(halted)
        assert count(DeadLetter) + stream_state().length == 2 * FEWEST_ENTRIES - 1 + 300
        assert 2 * FEWEST_ENTRIES <= count(DeadLetter) <= 2 * FEWEST_ENTRIES + MOST_BURIED
    with session_scope() as db:
        [act] = db.scalars(select(AuditEntry))
    assert (act.actor, act.act, act.target) == ("admin token", "loader.resume", "stream:statements")
    assert doors.client.post("/api/loader/resume").status_code == 401
    assert halted()


def test_once_the_cause_is_mended_everything_is_loaded_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """The database refuses every flat row: no batch goes in, each entry fails alone, and the retries wait as well."""
    with refusing_flat_rows():
        good(150)
        with at_work(CLAIM_IDLE_S):
            wait_for(halted)
            assert (count(DeadLetter), count(StatementFlat), stream_state().length) == (0, 0, 150)
        queue = f"dramatiq:{process_statement.queue_name}"
        handed_over = int(the_stream().client.llen(queue))  # type: ignore[arg-type]
        assert FEWEST_ENTRIES <= handed_over <= MOST_BURIED
        run_jobs()
        assert (count(DeadLetter), stream_state().length) == (0, 150)
        assert main(["loader", "status"]) == 1
        assert "150 entries wait" in capsys.readouterr().out
    assert main(["loader", "resume"]) == 0
    assert main(["loader", "resume"]) == 0
    assert "Nothing had stopped the loader" in capsys.readouterr().out
    assert main(["loader", "status"]) == 0
    with at_work(CLAIM_IDLE_S):
        wait_for(loaded)
    assert (count(DeadLetter), count(StatementFlat), halted()) == (0, 150, None)


@contextmanager
def refusing_flat_rows() -> Iterator[None]:
    with get_engine().begin() as connection:
        connection.execute(text("ALTER TABLE silver.statements_flat ADD CONSTRAINT none CHECK (false) NOT VALID"))
    try:
        yield
    finally:
        with get_engine().begin() as connection:
            connection.execute(text("ALTER TABLE silver.statements_flat DROP CONSTRAINT none"))


def run_jobs() -> None:
    """Everything that waits for process_statement, tried once, as the worker would."""
    broker = dramatiq.get_broker()
    queue = broker.consume(process_statement.queue_name, prefetch=500, timeout=100)
    while (message := next(queue)) is not None:
        process_statement.fn(*message.args)
        queue.ack(message)
    queue.close()


def test_a_job_whose_tries_run_out_while_the_loader_stands_still_buries_nothing() -> None:
    good(1)
    member = StatementConsumer(the_stream(), get_settings())
    member.join_group()
    [(message_id, fields)] = member.take()
    message = process_statement.message(message_id, as_text(fields))
    halt(the_stream(), "somebody has to look")
    QuarantineMiddleware().after_nack(dramatiq.get_broker(), message)
    process_statement.fn(message_id, as_text(fields))
    assert (count(DeadLetter), count(StatementFlat), stream_state().pending) == (0, 0, 1)
    assert resume(the_stream())
    process_statement.fn(message_id, as_text(fields))
    assert (count(StatementFlat), stream_state().length) == (1, 0)


def test_half_of_the_entries_may_die(drain: Callable[[], int]) -> None:
    for _ in range(30):
        bad(1)
        good(1)
    with at_work(CLAIM_IDLE_S):
        wait_for(loaded)
    assert (count(DeadLetter), count(StatementFlat), halted()) == (30, 30, None)


def test_what_the_door_refused_is_no_flood() -> None:
    with the_stream().client.pipeline() as pipe:
        for number in range(120):
            letter = {"source": "door", "code": "invalid_statement", "reason": "No.", "problems": []}
            refused = RefusedEntry(b"{%d" % number, {**letter, "statement_id": None})
            pipe.xadd(the_stream().name, refused.fields())  # type: ignore[arg-type]
        pipe.execute()
    with at_work(CLAIM_IDLE_S):
        wait_for(loaded)
    assert (count(DeadLetter), halted()) == (120, None)


def test_conflicts_that_slip_past_the_door_are_a_flood() -> None:
    shared = str(uuid4())
    for number in range(60):
        publish_statement(the_stream(), orjson.dumps(completed(f"p{number}@example.org", id=shared)))
    with at_work(CLAIM_IDLE_S):
        wait_for(halted)
    assert count(StatementFlat) == 1
    assert FEWEST_ENTRIES <= count(DeadLetter) <= 60


def test_repeats_are_no_flood_and_hide_none(drain: Callable[[], int]) -> None:
    statement = completed()
    for _ in range(300):
        publish_statement(the_stream(), orjson.dumps(statement))
    with at_work(CLAIM_IDLE_S):
        wait_for(loaded)
        assert halted() is None
        bad(FEWEST_ENTRIES)
        wait_for(halted)


def test_a_statement_that_cannot_be_flattened_dies_as_well(
    monkeypatch: pytest.MonkeyPatch, drain: Callable[[], int]
) -> None:
    from app import etl_incremental

    def broken(_statement: object) -> None:
        raise Unreadable("a mistake of the new release")

    monkeypatch.setattr(etl_incremental, "flatten_statement", broken)
    good(300)
    with at_work(CLAIM_IDLE_S):
        wait_for(halted)
    assert FEWEST_ENTRIES <= count(DeadLetter) <= MOST_BURIED
    assert stream_state().length == 300 - count(DeadLetter)
