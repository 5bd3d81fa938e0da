"""What a rebuild makes of statements that cannot be flattened, and of those that lost their flat row only."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DataError, ProgrammingError

from app import etl_incremental, mending
from app.database import session_scope
from app.errors import Unavailable
from app.etl_rebuild import rebuild_gold, rebuild_silver, restore_missing
from app.ingest import dead_letters
from app.ingest.models import DeadLetter
from app.models import StatementRaw
from app.warehouse import gold, silver
from app.warehouse.models import LessonProgress
from tests.statements import completed
from tests.warehouse.record import STORED, Statement
from tests.warehouse.record import load as load_in
from tests.warehouse.record import meet, refers_to, voids
from tests.warehouse.rich import committed_rows, harm, load, rich_record, rows_of_a_fresh_load, store, sweep, worded

real_flatten = etl_incremental.flatten_statement
SAM = "mailto:sam@example.org"


def cannot(what: str) -> Any:
    """A flattening with a bug: it fails on actors whose address has this in it."""

    def flatten(raw_json: Any) -> dict[str, Any]:
        row = real_flatten(raw_json)
        if what in (row["actor_email"] or ""):
            raise ValueError("a bug")
        return row

    return flatten


def letters() -> list[tuple[str, int, str | None]]:
    with session_scope() as db:
        return [(one.status, one.seen_count, one.resolved_by) for one in db.scalars(select(DeadLetter))]


def mark_of(statement: Statement) -> tuple[bool, bool]:
    """Whether it is said to be flattened, and to be impossible to flatten."""
    with session_scope() as db:
        row = db.scalars(select(StatementRaw).where(StatementRaw.id == UUID(statement["id"]))).one()
        return row.flattened_at is not None, row.flatten_error is not None


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets in which addresses flattening has a bug; with no address it is mended."""

    def set_to(what: str | None) -> None:
        for module in (etl_incremental, mending):
            monkeypatch.setattr(module, "flatten_statement", cannot(what) if what else real_flatten)

    return set_to


def test_after_a_bug_is_mended_what_it_buried_comes_back(clean: None, bug: Any) -> None:
    """Also what refers to it and what it voids and defines; its letter is closed."""
    ill = worded(1, "ill")
    before = [completed(), refers_to(ill)]
    load(*before)
    store(ill, place=5)
    bug("sam")
    sweep()
    assert mark_of(ill) == (False, True)
    bug(None)
    done = rebuild_silver(batch_statements=2)
    assert (done.loaded, mark_of(ill)) == (1, (True, False))
    assert letters() == [("replayed", 1, "rebuild")]
    rebuilt = committed_rows(with_moments=False)
    assert rebuilt == rows_of_a_fresh_load()
    assert rebuild_silver(batch_statements=2).loaded == 0


def test_what_still_fails_keeps_its_reason_and_its_one_letter(clean: None, bug: Any) -> None:
    ill = completed()
    store(ill)
    bug("sam")
    sweep()
    with session_scope() as db:
        dead_letters.discard(db, db.scalars(select(DeadLetter.id)).one(), "known", "admin")
    before = committed_rows()
    assert mark_of(ill) == (False, True)
    assert rebuild_silver(batch_statements=1).buried == 0
    assert committed_rows() == before
    assert letters() == [("discarded", 1, "admin")]


def test_what_cannot_be_flattened_any_more_is_buried_and_leaves_silver(clean: None, bug: Any) -> None:
    ill = voids(target := completed("target@example.org"))
    load(*(completed(f"p{n}@example.org", n) for n in range(3)), target, ill, refers_to(ill), refers_to(target))
    bug("admin")
    assert rebuild_silver(batch_statements=2).buried == 1
    assert mark_of(ill) == (False, True)
    assert letters() == [("open", 1, None)]
    rebuilt = committed_rows(with_moments=False)
    assert len(rebuilt["flat"]) == 6
    assert {row["voided_by"] for row in rebuilt["marks"]} == {None}
    assert rebuild_silver(batch_statements=2).buried == 0


def test_when_most_statements_fail_the_rebuild_stops_and_changes_nothing(clean: None, bug: Any) -> None:
    """Law 6: it is not the statements that are wrong then."""
    load(*(completed(f"p{n}@example.org", n) for n in range(30)))
    before = committed_rows()
    bug("@")
    with pytest.raises(Unavailable, match="30 of 30 statements that had been flattened"):
        rebuild_silver(batch_statements=100)
    assert committed_rows() == before
    assert letters() == []


class NumericValueOutOfRange(Exception):
    pgcode = "22003"


@pytest.mark.parametrize("way", ["rebuild", "window"])
def test_one_row_that_the_database_refuses_does_not_stop_it(
    clean: None, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    poison = completed("poison@example.org")
    load(*(completed(f"p{n}@example.org") for n in range(20)), poison, *(completed(f"q{n}@x.org") for n in range(5)))
    before = committed_rows()
    harm("DELETE FROM silver.statements_flat")
    real = silver.write

    def write(db: Any, rows: Any, lines: Any) -> None:
        if any(str(row["statement_id"]) == poison["id"] for row in rows):
            raise DataError("INSERT", {}, NumericValueOutOfRange("too much"))
        real(db, rows, lines)

    monkeypatch.setattr(silver, "write", write)
    done = rebuild_silver(batch_statements=8) if way == "rebuild" else restore_missing(STORED, batch_statements=8)
    assert (done.walked, done.flat_written, done.buried) == (26, 25, 1)
    assert mark_of(poison) == (False, True)
    after = committed_rows()
    assert after["flat"] == [row for row in before["flat"] if str(row["statement_id"]) != poison["id"]]
    assert letters() == [("open", 1, None)]


def test_an_error_of_ours_buries_nothing(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load(completed())
    before = committed_rows()
    harm("DELETE FROM silver.statements_flat")
    fails = text("SELECT * FROM no_such_table")
    monkeypatch.setattr(silver, "write", lambda db, rows, lines: rows and db.execute(fails))
    with pytest.raises(ProgrammingError):
        rebuild_silver(batch_statements=8)
    monkeypatch.undo()
    rebuild_silver(batch_statements=8)
    assert committed_rows() == before


@pytest.mark.parametrize("batch", [1, 3, 1_000])
def test_what_lost_its_flat_row_gets_it_back(clean: None, batch: int) -> None:
    """Voided ones do not, and nothing else is touched: no definition is learnt again."""
    rich_record()
    before = committed_rows()
    harm("DELETE FROM silver.statements_flat", "DELETE FROM gold.lesson_progress")
    done = restore_missing(STORED, batch_statements=batch)
    assert committed_rows() == before
    assert done.flat_written == len(before["flat"])
    assert restore_missing(STORED, batch_statements=batch).walked == 0


def test_the_window_ends_where_it_says(clean: None) -> None:
    load(old := completed("old@example.org"), new := completed("new@example.org"))
    harm("DELETE FROM silver.statements_flat")
    restore_missing(STORED + timedelta(milliseconds=1), batch_statements=10)
    assert [str(row["statement_id"]) for row in committed_rows()["flat"]] == [new["id"]]
    restore_missing(STORED, batch_statements=10)
    assert {str(row["statement_id"]) for row in committed_rows()["flat"]} == {old["id"], new["id"]}


def test_what_cannot_be_flattened_is_not_looked_at_again_and_again(clean: None, bug: Any) -> None:
    ill = completed()
    load(ill)
    harm("DELETE FROM silver.statements_flat")
    bug("sam")
    assert restore_missing(STORED, batch_statements=10).buried == 1
    assert (mark_of(ill), restore_missing(STORED, batch_statements=10).walked) == ((False, True), 0)


def test_of_a_voided_completion_no_row_of_progress_is_left(clean: None) -> None:
    load(only := completed(), kept := completed("kim@example.org"))
    load(voids(only))
    (row,) = committed_rows()["gold"]
    assert row["started_at"] == datetime(2026, 3, 2, 8, tzinfo=UTC)
    load(voids(kept))
    assert committed_rows()["gold"] == []
    harm("INSERT INTO gold.lesson_progress (learner_id, lesson_id) VALUES (gen_random_uuid(), gen_random_uuid())")
    rebuild_gold(batch_keys=1)
    assert committed_rows()["gold"] == []


@pytest.mark.parametrize("claimed_first", [True, False])
def test_who_removes_a_row_does_not_lose_the_statement_of_who_waits_for_it(clean: None, claimed_first: bool) -> None:
    """Its row is there when the other one claims it, or is being removed; then the other one waits, and it is gone."""
    load(first := completed())
    (key,) = [(row["learner_id"], row["lesson_id"]) for row in committed_rows()["gold"]]

    def hold(db: Any) -> None:
        db.execute(select(LessonProgress).where(LessonProgress.learner_id == key[0]).with_for_update())

    def remove(db: Any) -> None:
        silver.withdraw(db, [UUID(first["id"])])
        gold.refresh_lesson_progress(db, {key})

    second = completed(at="2026-03-05T08:00:00Z")
    meet([hold, remove] if claimed_first else [remove], lambda db: load_in(db, second))
    (row,) = committed_rows()["gold"]
    assert (row["statement_count"], row["completed_at"]) == (1, datetime(2026, 3, 5, 8, tzinfo=UTC))
