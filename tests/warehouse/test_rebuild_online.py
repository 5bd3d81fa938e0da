"""Rebuilding while others load and read, interrupted, and twice at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app.cli.main import main
from app.database import session_scope
from app.errors import Conflict
from app.etl_incremental import load_statements, store_statements
from app.etl_rebuild import Rebuilt, rebuild_gold, rebuild_silver
from app.models import StatementFlat
from app.platform.ids import stable_id
from app.warehouse import bronze, definitions
from tests.statements import answered, completed, lesson
from tests.warehouse.record import PATIENCE_S, incoming, refers_to, voids
from tests.warehouse.rich import (
    HARM,
    committed_rows,
    harm,
    load,
    rich_record,
    rows_of_a_fresh_load,
    store,
    sweep,
    worded,
)


class Interrupted(BaseException):
    """Somebody pressed Ctrl-C."""


def count_flat() -> int:
    with session_scope() as db:
        return db.scalar(select(func.count()).select_from(StatementFlat)) or 0


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Do something over and over in another thread; what went wrong there is raised at the end."""
    ended, failures = threading.Event(), []

    def run() -> None:
        try:
            while not ended.is_set():
                work()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield failures
    finally:
        ended.set()
        thread.join(PATIENCE_S)
    assert not failures


@pytest.mark.parametrize(
    "kind", ["nothing", "links wrong", "references wrong", "definitions wrong", "voided marks gone"]
)
def test_others_load_and_read_meanwhile(clean: None, kind: str) -> None:
    """Each batch is followed by loads that start when the next one does; nobody sees fewer rows than there are."""
    batch = 5
    old = [answered(f"p{n % 4}@example.org", n % 5) for n in range(40)]
    load(*old)
    load(*(refers_to(one) for one in old[:8]), voids(old[8]), worded(1, "old"))
    harm(*HARM[kind])
    voided = iter(old[20:23])
    begin, number = threading.Semaphore(0), iter(range(1_000))

    def load_some() -> None:
        if not begin.acquire(timeout=0.05):
            return
        n = next(number)
        new = [completed(f"p{n % 6}@example.org", n % 7), worded(1, f"new {n}"), refers_to(old[n % 40])]
        load(*new, *([voids(one)] if (one := next(voided, None)) else []), place=100 + 10 * n)
        store(completed(f"q{n}@example.org", n % 7), refers_to(new[2]), place=105 + 10 * n)
        if n % 2:
            sweep()

    counted: list[int] = []
    start = count_flat()
    with beside(load_some), beside(lambda: counted.append(count_flat())):
        rebuild_silver(batch_statements=batch, tell=lambda _: begin.release())
    sweep()
    assert next(number) > 3
    assert min(counted) >= start - batch
    rebuilt = committed_rows(with_moments=False)
    fresh = rows_of_a_fresh_load()
    for name, was in fresh.items():
        assert rebuilt[name] == was, name


def at_stage(stage: str, work: Callable[[], Any]) -> Callable[[Rebuilt], None]:
    """Do something once, between two batches, when a rebuild comes to this stage."""
    waiting = [work]

    def tell(done: Rebuilt) -> None:
        if done.stage == stage and waiting:
            waiting.pop()()

    return tell


@pytest.mark.parametrize("stage", ["references", "copying links", "statements", "definitions"])
@pytest.mark.parametrize("kind", ["everything but marks", "references wrong"])
def test_nothing_that_comes_at_any_stage_is_forgotten(clean: None, stage: str, kind: str) -> None:
    referring = [one for one in rich_record() if one["object"].get("objectType") == "StatementRef"]
    harm(*HARM[kind])
    target = completed("new@example.org", 3)

    def news() -> None:
        # Followed through references that may still be wrong.
        load(*map(refers_to, referring))
        load(refers_to(target), worded(1, "news", actor={"mbox": "mailto:new@example.org"}))
        store(target, place=5)
        load(voids(target), place=9)
        store(worded(3, "waiting"), place=10)

    rebuild_silver(batch_statements=4, tell=at_stage(stage, news))
    sweep()
    rebuilt = committed_rows(with_moments=False)
    assert rebuilt == rows_of_a_fresh_load()


def test_what_a_door_is_storing_meanwhile_is_not_passed_over(clean: None) -> None:
    """It has a lower number than what can be seen already, and comes to be seen when the walk is past that number."""
    load(completed())
    arrived, go_on = threading.Event(), threading.Event()
    tell = at_stage("definitions", lambda: (arrived.set(), go_on.wait(PATIENCE_S)))
    rebuild = threading.Thread(target=rebuild_silver, kwargs={"batch_statements": 10, "tell": tell}, daemon=True)
    with session_scope() as door:
        bronze.announce(door)
        store_statements(door, [incoming(worded(1, "stored"))])
        load(worded(2, "loaded"), place=1)
        rebuild.start()
        waits = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        while not (arrived.is_set() or door.scalar(waits)):
            assert rebuild.is_alive()
    sweep()
    go_on.set()
    rebuild.join(PATIENCE_S)
    rebuilt = committed_rows(with_moments=False)
    assert rebuilt == rows_of_a_fresh_load()


@pytest.mark.parametrize("how", ["stopped", "connection lost"])
@pytest.mark.parametrize("after", [1, 3, 6, 9, 12])
def test_interrupted_and_begun_again(clean: None, how: str, after: int) -> None:
    """Whatever it had come to stands; what loads in between is loaded; the second one ends as one alone would."""
    rich_record()
    before = committed_rows(with_moments=False)
    harm(*HARM["everything but marks"])
    told: list[int] = []

    def stop(_: Rebuilt) -> None:
        told.append(1)
        if len(told) < after:
            return
        if how == "stopped":
            raise Interrupted
        with session_scope() as db:
            ended = (
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE '%rebuild'"
            )
            assert db.scalar(text(ended)) == 1

    with pytest.raises((Interrupted, OperationalError)):
        rebuild_silver(batch_statements=4, tell=stop)
    assert len(told) == after
    rebuild_silver(batch_statements=4)
    after_all = committed_rows(with_moments=False)
    assert after_all == before


@pytest.mark.parametrize("layer", ["silver", "gold"])
def test_the_second_of_two_at_once_says_so(clean: None, layer: str, capsys: pytest.CaptureFixture[str]) -> None:
    rich_record()
    codes: list[int] = []

    def second(_: Rebuilt) -> None:
        codes.append(main(["rebuild", layer]))
        for one in (partial(rebuild_silver, batch_statements=10), partial(rebuild_gold, batch_keys=10)):
            with pytest.raises(Conflict):
                one()

    rebuild_gold(batch_keys=1_000, tell=second)
    assert codes == [2]
    assert "A rebuild is running already" in capsys.readouterr().err
    assert main(["rebuild", layer]) == 0


def test_definitions_are_learnt_in_the_order_of_storing(clean: None) -> None:
    """A statement that waited for the sweep, while a newer one was loaded, is the older one all the same."""
    store(worded(1, "older"))
    with session_scope() as db:
        load_statements(db, [incoming(worded(1, "newer"), 1)])
    sweep()
    rebuild_silver(batch_statements=10)
    key = stable_id("activity", lesson(1)["id"])
    with session_scope() as db:
        assert definitions.known(db, "activities", [key])[lesson(1)["id"]]["description"]["en"] == "newer \x00"
