"""What the record has to be after statements came in, worked out from them alone; and what it is."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.database import get_engine, session_scope
from app.etl_incremental import (
    Incoming,
    flatten_statement,
    load_statements,
    run_incremental_etl,
    settle,
    store_statements,
)
from app.lrs.filters import VOIDED, keys_of, referred_statement
from app.lrs.query import read_query
from app.models import StatementFlat
from app.warehouse import pages
from tests.statements import completed

Statement = dict[str, Any]
Step = Callable[[Session], None]
PATIENCE_S = 20.0
SENDER = "f" * 64
STORED = datetime(2026, 3, 3, tzinfo=UTC)
CONFIRMED = "http://example.org/confirmed"


def refers_to(target: Statement | UUID | str, verb: str = CONFIRMED, **more: Any) -> Statement:
    """Andrew confirmed another statement (the example of Communication 2.1.3)."""
    target_id = target["id"] if isinstance(target, dict) else str(target)
    return completed(
        **{
            "actor": {"mbox": "mailto:andrew@example.org"},
            "verb": {"id": verb},
            "object": {"objectType": "StatementRef", "id": target_id},
            **more,
        }
    )


def voids(target: Statement | UUID | str, **more: Any) -> Statement:
    """A statement that voids another one (Data 2.3.2)."""
    return refers_to(target, VOIDED, **{"actor": {"mbox": "mailto:admin@example.org"}, **more})


def incoming(statement: Statement, place: int = 0, credential_id: str = SENDER, defines: bool = True) -> Incoming:
    """A statement on its way, accepted `place` milliseconds after the first one."""
    at = STORED + timedelta(milliseconds=place)
    return Incoming(UUID(statement["id"]), orjson.dumps(statement), at, "1.0.3", credential_id, defines)


def load(db: Session, *statements: Statement) -> None:
    """As the consumer of the stream does."""
    load_statements(db, [incoming(statement) for statement in statements])


def store(db: Session, *statements: Statement) -> None:
    """As the door does while Redis is away: in bronze, for the sweep."""
    store_statements(db, [incoming(statement) for statement in statements])


def sweep(db: Session, limit: int = 1_000) -> None:
    """As the scheduled job does, in one session."""
    while (done := run_incremental_etl(db, limit=limit)).new or done.buried:
        pass
    settle(db)


@contextmanager
def forgotten() -> Iterator[Session]:
    """A session of which nothing stays, for tests that run many times."""
    with get_engine().connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


def meet(first: Sequence[Step], second: Step) -> None:
    """Run the steps of `first` in one transaction, and `second` in another, which begins after the first step.

    The next steps follow, and then the commit, once `second` has come as far as it can: to its own commit, or to where
    it waits for the other. Raises what happened in either.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            with session_scope() as db:
                second(db)
            done.set_result(None)
        except Exception as error:  # noqa: BLE001
            done.set_exception(error)

    with session_scope() as db:
        first[0](db)
        threading.Thread(target=run, daemon=True).start()
        # Not pg_stat_activity, of which a transaction keeps seeing what it saw first.
        waits = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        give_up = time.monotonic() + PATIENCE_S
        while not done.done() and not db.scalar(waits):
            assert time.monotonic() < give_up
        for step in first[1:]:
            step(db)
    done.result(PATIENCE_S)


@dataclass(frozen=True)
class Derived:
    """All that is derived from statements: by which keys each is found, which are voided, which are flat, and how."""

    links: dict[UUID | None, frozenset[UUID]]
    voided: frozenset[UUID]
    flat: dict[UUID, dict[str, Any]]


def expected(statements: Iterable[Statement], credential_id: str = SENDER) -> Derived:
    """Straight from the clauses: Data 2.3.2 and, followed through chains, Communication 2.1.3 on StatementRefs."""
    stored = {UUID(statement["id"]): statement for statement in statements}
    refers = {key: found for key, statement in stored.items() if (found := referred_statement(statement))}
    voiding = {key for key, (_, is_voiding) in refers.items() if is_voiding}
    voided = frozenset({refers[key][0] for key in voiding} & stored.keys() - voiding)

    def chain(key: UUID | None) -> Iterator[UUID]:
        seen: set[UUID] = set()
        while key in stored and key not in seen:
            seen.add(key)
            yield key
            key = refers[key][0] if key in refers else None

    links: dict[UUID | None, frozenset[UUID]] = {
        key: frozenset().union(*(keys_of(stored[other], credential_id) for other in chain(key)))
        for key in stored.keys() - voided
    }
    flat = {key: _told(flatten_statement(stored[key])) for key in stored.keys() - voided}
    return Derived(links, voided, flat)


def actual(db: Session) -> Derived:
    """What the tables hold. A link that belongs to no statement is shown under None."""
    links: dict[UUID | None, set[UUID]] = {}
    for row in db.execute(
        text(
            "SELECT r.id, l.key FROM silver.statement_links l "
            "LEFT JOIN bronze.statements_raw r ON r.seq = l.seq AND r.stored_at = l.stored_at"
        )
    ):
        links.setdefault(row.id, set()).add(row.key)
    voided = db.execute(text("SELECT id FROM bronze.statements_raw WHERE voided_by IS NOT NULL")).scalars()
    flat = db.execute(select(StatementFlat.__table__)).mappings()
    return Derived(
        {key: frozenset(keys) for key, keys in links.items()},
        frozenset(voided),
        {row["statement_id"]: _told(dict(row)) for row in flat},
    )


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A flat row without what only the store can know."""
    apart = {"learner_id", "stored_at", "lesson_activity_id", "lesson_title"}
    return {name: value for name, value in row.items() if name not in apart}


def found(db: Session, **parameters: str) -> list[str]:
    """The ids of the statements that a GET with these parameters answers, in order (Communication 2.1.3)."""
    query = read_query(parameters.items(), "1.0")
    page = pages.Page(query.keys, query.since, query.until, None, query.ascending, query.limit or 100)
    return [str(one.id) for one in pages.find(db, page)]


Arrival = Callable[[Session, Statement, Statement], None]


def _swept(limit: int) -> Arrival:
    def arrive(db: Session, one: Statement, other: Statement) -> None:
        store(db, one)
        store(db, other)
        sweep(db, limit)

    return arrive


def _both_loaded(db: Session, one: Statement, other: Statement) -> None:
    load(db, one)
    load(db, other)


def _first_waits(db: Session, one: Statement, other: Statement) -> None:
    store(db, one)
    load(db, other)
    sweep(db)


def _second_waits(db: Session, one: Statement, other: Statement) -> None:
    load(db, one)
    store(db, other)
    sweep(db)


ARRIVALS: dict[str, Arrival] = {
    "in one batch": load,
    "in two batches": _both_loaded,
    "swept together": _swept(100),
    "swept one by one": _swept(1),
    "the first waits for the sweep": _first_waits,
    "the second waits for the sweep": _second_waits,
}
"""The ways on which two statements can come in, the first one before or with the other."""
