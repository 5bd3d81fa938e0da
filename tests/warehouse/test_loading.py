"""Loading: bronze and silver in one transaction, once, whoever else is loading."""

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Text, cast, func, select
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from app.database import session_scope
from app.etl_incremental import Incoming, load_statements, run_incremental_etl, store_statements
from app.ingest.models import DeadLetter
from app.jobs.reconcile import sweep
from app.models import Lesson, StatementFlat, StatementRaw, User
from app.warehouse import gold, silver
from app.warehouse.models import LessonProgress
from tests.statements import answered, completed

STORED = datetime(2026, 3, 3, tzinfo=UTC)


def incoming(statement: dict[str, Any], text: bytes | None = None) -> Incoming:
    return Incoming(UUID(statement["id"]), text or orjson.dumps(statement), STORED, "1.0.3", "f" * 64)


def count(db: Session, table: type) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


def test_loading_twice_changes_nothing(db: Session) -> None:
    statements = [incoming(completed()), incoming(answered())]
    assert load_statements(db, statements).new == 2
    again = load_statements(db, statements)
    assert (again.new, again.repeated, again.buried) == (0, 2, 0)
    assert [count(db, table) for table in (StatementRaw, StatementFlat, User, Lesson)] == [
        2,
        2,
        1,
        1,
    ]


def test_the_payload_stays_as_sent_to_the_letter(db: Session) -> None:
    statement = completed()
    text = orjson.dumps(statement)[:-1] + b',"context": {"extensions":{"urn:x" : 1.10e0, "urn:z":"\\u0000 \\u00e9"}}}'
    load_statements(db, [incoming(statement, text)])
    assert db.scalar(select(cast(StatementRaw.payload, Text))) == text.decode()


def test_another_statement_under_the_same_id_is_buried_and_changes_nothing(db: Session) -> None:
    first = completed()
    load_statements(db, [incoming(first)])
    loaded = load_statements(db, [incoming({**first, "timestamp": "2026-03-09T08:00:00Z"})])
    assert (loaded.new, loaded.buried) == (0, 1)
    letter = db.scalars(select(DeadLetter)).one()
    assert (letter.code, letter.path, str(letter.statement_id)) == ("conflict", "id", first["id"])
    assert db.scalars(select(StatementFlat.occurred_at)).one() == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_one_poison_statement_leaves_the_other_499_alone(db: Session) -> None:
    statements = [incoming(completed(email=f"p{n}@example.org")) for n in range(499)]
    poison = completed()
    del poison["verb"]
    statements.insert(250, incoming(poison))
    loaded = load_statements(db, statements)
    assert (loaded.new, loaded.buried) == (499, 1)
    letter = db.scalars(select(DeadLetter)).one()
    assert bytes(letter.body) == orjson.dumps(poison)


def test_progress_follows_the_statements(db: Session) -> None:
    load_statements(db, [incoming(answered())])
    progress = db.scalars(select(LessonProgress)).one()
    assert progress.completed_at is None
    load_statements(
        db,
        [
            incoming(completed(at="2026-03-05T00:00:00Z")),
            incoming(completed(at="2026-03-04T00:00:00Z")),
        ],
    )
    db.expire_all()
    assert progress.completed_at == datetime(2026, 3, 4, tzinfo=UTC)
    assert progress.started_at == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert progress.statement_count == 3


def test_rebuilt_progress_equals_incremental_progress(db: Session) -> None:
    for n in range(20):
        load_statements(
            db,
            [incoming(completed(f"p{n % 3}@example.org", n % 4)), incoming(answered(number=n % 4))],
        )
    columns = select(*LessonProgress.__table__.columns).order_by(LessonProgress.learner_id, LessonProgress.lesson_id)
    before = db.execute(columns).all()
    db.query(LessonProgress).delete()
    keys = db.execute(select(StatementFlat.learner_id, StatementFlat.lesson_id)).all()
    gold.refresh_lesson_progress(db, {(row.learner_id, row.lesson_id) for row in keys})
    assert db.execute(columns).all() == before
    assert len(before) > 3


def test_two_loaders_at_once_store_each_statement_once_and_miss_none_in_progress(
    clean: None,
) -> None:
    statements = [incoming(completed(number=n % 5, at=f"2026-03-02T08:00:{n % 60:02}Z")) for n in range(60)]
    start, failures = threading.Barrier(3), []

    def load(part: list[Incoming]) -> None:
        try:
            start.wait()
            for n in range(0, len(part), 10):
                with session_scope() as db:
                    load_statements(db, part[n : n + 10])
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    parts = [statements[:40], statements[20:], statements[::-1]]
    threads = [threading.Thread(target=load, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with session_scope() as db:
        assert (count(db, StatementRaw), count(db, StatementFlat)) == (60, 60)
        assert db.scalar(select(func.sum(LessonProgress.statement_count))) == 60


def test_of_two_loaders_on_one_key_the_second_sees_what_the_first_loaded(
    clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have written their statement before either claims the key and recomputes it: the worst moment."""
    with session_scope() as db:
        load_statements(db, [incoming(completed(at="2026-03-05T08:00:00Z"))])
    both, failures = threading.Barrier(2, timeout=20), []
    real = silver.write

    def write_then_meet(*arguments: Any) -> None:
        real(*arguments)
        both.wait()

    monkeypatch.setattr(silver, "write", write_then_meet)

    def load(at: str) -> None:
        try:
            with session_scope() as db:
                load_statements(db, [incoming(completed(at=at))])
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load, args=(f"2026-03-0{day}T08:00:00Z",)) for day in (4, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with session_scope() as db:
        progress = db.scalars(select(LessonProgress)).one()
    assert (progress.statement_count, progress.completed_at) == (3, datetime(2026, 3, 4, 8, tzinfo=UTC))


@pytest.mark.parametrize("limit", [2, 100])
def test_the_sweep_flattens_what_only_bronze_has(db: Session, limit: int) -> None:
    statements = [incoming(completed(email=f"p{n}@example.org")) for n in range(5)]
    assert store_statements(db, statements).new == 5
    assert count(db, StatementFlat) == 0
    rounds = 0
    while run_incremental_etl(db, limit=limit).new:
        rounds += 1
    assert rounds == -(-5 // limit)
    assert count(db, StatementFlat) == 5
    assert count(db, LessonProgress) == 5


def test_the_sweep_marks_what_it_cannot_flatten_and_goes_on(db: Session) -> None:
    good = completed()
    store_statements(db, [incoming(good), incoming(completed("kim@example.org"))])
    raw = db.scalars(select(StatementRaw).where(StatementRaw.id == UUID(good["id"]))).one()
    raw.payload = {"actor": {}}
    db.flush()
    done = run_incremental_etl(db)
    assert (done.new, done.buried) == (1, 1)
    assert run_incremental_etl(db).buried == 0
    assert db.scalars(select(DeadLetter.source)).one() == "sweep"


def test_one_row_that_the_database_refuses_does_not_stop_the_sweep(
    clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = completed("poison@example.org")
    statements = [incoming(completed(f"p{n}@example.org")) for n in range(20)]
    statements.insert(13, incoming(poison))
    with session_scope() as db:
        store_statements(db, statements)
    real = silver.write

    def write(db: Session, rows: Any, lines: Any) -> None:
        if any(str(row["statement_id"]) == poison["id"] for row in rows):
            raise DataError("INSERT", {}, NumericValueOutOfRange("too much"))
        real(db, rows, lines)

    class NumericValueOutOfRange(Exception):
        pgcode = "22003"

    monkeypatch.setattr(silver, "write", write)
    done = sweep(8)
    assert (done.new, done.buried) == (20, 1)
    with session_scope() as db:
        assert count(db, StatementFlat) == 20
        assert [str(x) for x in db.scalars(select(DeadLetter.statement_id))] == [poison["id"]]
    assert sweep(8).buried == 0


def test_a_database_that_is_away_buries_nothing(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with session_scope() as db:
        store_statements(db, [incoming(completed())])

    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(silver, "write", away)
        with pytest.raises(OperationalError):
            sweep(1)
    assert sweep(1).new == 1
