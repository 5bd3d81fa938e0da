"""Rebuilding: derived tables made anew from bronze, in place, while everybody goes on working.

docs/decisions/0010-rebuilding-in-place.md says why it goes this way. The pipeline decides what a row ought to be, as
for a statement that has just come; here what is there is compared with that, and written only where it differs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.config import get_settings
from app.database import make_engine, session_scope
from app.errors import Conflict
from app.linking import learn_definitions, take_turn
from app.mending import Rebuilt, keys_of, mend, mend_references, new_statement
from app.warehouse import bronze, definitions, gold, links, rebuilding, silver
from app.warehouse.rebuilding import StoredRow

STATEMENT_TIMEOUT = "1h"
MOST_ROUNDS = 10
ORPHANS_AT_ONCE = 10_000
_FIRST = UUID(int=0)
_REFUSING_CLASSES = ("22", "23", "54")
"""SQLSTATE classes that are about the row: data exception, integrity, limits such as the size of an index entry."""


Tell = Callable[[Rebuilt], None]


def rebuild_silver(*, batch_statements: int, tell: Tell = lambda _: None) -> Rebuilt:
    """Make silver, and gold where it follows, what bronze says. tell: called after each batch.

    Safe to be interrupted and begun again. Conflict when a rebuild is running already; Unavailable when it stopped
    itself, because most of the statements cannot be flattened any more.
    """
    with _only_one() as db:
        return _Silver(db, batch_statements, tell).run()


def rebuild_gold(*, batch_keys: int, tell: Tell = lambda _: None) -> Rebuilt:
    """Recompute every row of gold from silver; rows of nobody's statements go. Errors as for rebuild_silver."""
    done = Rebuilt(stage="progress of learners")
    with _only_one() as db:
        after: gold.Key | None = None
        while True:
            with _turn(db):
                keys = gold.keys_after(db, after, batch_keys)
                gold.refresh_lesson_progress(db, keys)
            if not keys:
                return done
            after = keys[-1]
            done.walked += len(keys)
            tell(done)


def restore_missing(since: datetime, *, batch_statements: int) -> Rebuilt:
    """Give back their flat rows to statements stored since then that lost them, though their marks say flattened.

    One transaction per batch. A batch that the database refuses is tried in halves; the one it refuses is buried.
    """
    done = Rebuilt()
    size, refused = batch_statements, None
    while True:
        before = replace(done)
        try:
            with session_scope() as db:
                db.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
                take_turn(db, alone=True)
                rows = rebuilding.rows_without_flat(db, since, size)
                mend_references(db, rows, done)
                mend(db, rows, done, refused=refused)
        except DBAPIError as error:
            if refused or not is_refusal(error):
                raise
            done = before
            size, refused = max(1, size // 2), error if size == 1 else None
            continue
        if not rows:
            return done
        done.walked += len(rows)
        size, refused = min(batch_statements, size * 2), None


def is_refusal(error: DBAPIError) -> bool:
    """Whether the database refuses what a statement says, rather than being away or being asked the wrong thing."""
    return (getattr(error.orig, "pgcode", None) or "")[:2] in _REFUSING_CLASSES


@contextmanager
def _only_one() -> Iterator[Session]:
    """A session on a connection of its own, on which the lock and the temporary tables live, and end with it."""
    engine = make_engine(get_settings(), application="7taps-analytics rebuild")
    try:
        with engine.connect() as connection, Session(connection, expire_on_commit=False) as db:
            # Patient, as a copy of a large table takes its time; bounded, as everything is.
            db.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
            if not rebuilding.claim(db):
                raise Conflict("A rebuild is running already; wait until it has ended, or end it.")
            db.commit()
            try:
                yield db
            finally:
                with suppress(DBAPIError):  # a connection that is gone has let go of everything by itself
                    db.rollback()
                    rebuilding.release(db)
                    db.commit()
    finally:
        engine.dispose()


@contextmanager
def _turn(db: Session) -> Iterator[None]:
    """One transaction in which nobody else loads."""
    with db.begin():
        take_turn(db, alone=True)
        yield


class _Silver:
    """A rebuild of silver on one connection."""

    def __init__(self, db: Session, batch_statements: int, tell: Tell):
        self._db = db
        self._batch = batch_statements
        self._tell = tell
        self._done = Rebuilt()

    def run(self) -> Rebuilt:
        """References first, since links follow them; then statement by statement; definitions at the end."""
        self._done.stage = "references"
        self._walk(0, self._complete_up_to(), self._correct_references)
        self._remove_orphans("statement_refs", self._forget_references)
        self._remove_orphans("statements_flat", self._withdraw)
        self._done.stage = "copying links"
        self._tell(self._done)
        rebuilding.copy_links(self._db)
        definitions.begin_shadows(self._db)
        self._db.commit()

        self._done.stage, self._done.walked = "statements", 0
        after = 0
        for _ in range(MOST_ROUNDS):
            before, up_to = self._done.walked, self._complete_up_to()
            self._walk(after, up_to, self._mend)
            after = up_to
            if self._done.walked - before < self._batch:
                break
        self._remove_stale_links()
        self._done.stage = "definitions"
        self._tell(self._done)
        self._swap_definitions(after)
        return self._done

    def _complete_up_to(self) -> int:
        seq = bronze.complete_up_to(self._db)
        self._db.commit()
        return seq

    def _walk(self, after: int, up_to: int, work: Callable[..., None]) -> None:
        """Do the work on every statement, batch by batch. A batch that the database refuses is tried in halves."""
        size, refused = self._batch, None
        while True:
            before = replace(self._done)
            try:
                with _turn(self._db):
                    rows = rebuilding.rows(self._db, after, up_to, size)
                    work(rows, refused)
            except DBAPIError as error:
                if refused or not is_refusal(error):
                    raise
                self._done = before
                size, refused = max(1, size // 2), error if size == 1 else None
                continue
            if not rows:
                return
            after, refused = rows[-1].seq, None
            self._done.walked += len(rows)
            self._tell(self._done)
            size = min(self._batch, size * 2)

    def _correct_references(self, rows: Sequence[StoredRow], _refused: Exception | None) -> None:
        mend_references(self._db, rows, self._done)

    def _mend(self, rows: Sequence[StoredRow], refused: Exception | None) -> None:
        copied = rebuilding.copied_links(self._db, [row.seq for row in rows])
        standing = mend(self._db, rows, self._done, copied=copied, refused=refused)
        learn_definitions(self._db, standing, schema=definitions.SHADOW)

    def _remove_orphans(self, table: str, remove: Callable[[Sequence[UUID]], None]) -> None:
        last: UUID | None = _FIRST
        while last is not None:
            with _turn(self._db):
                ids, last = rebuilding.orphans(self._db, table, last, ORPHANS_AT_ONCE)
                remove(ids)

    def _forget_references(self, ids: Sequence[UUID]) -> None:
        rebuilding.remove_references(self._db, ids)
        self._done.references += len(ids)

    def _withdraw(self, ids: Sequence[UUID]) -> None:
        gone = silver.withdraw(self._db, ids)
        self._done.flat_removed += len(gone)
        gold.refresh_lesson_progress(self._db, keys_of(gone))

    def _remove_stale_links(self) -> None:
        last = (0, _FIRST)
        while True:
            with _turn(self._db):
                stale = rebuilding.stale_links(self._db, last, ORPHANS_AT_ONCE)
                links.remove_links(self._db, stale)
            if not stale:
                return
            self._done.links_removed += len(stale)
            last = (stale[-1][2], stale[-1][0])

    def _swap_definitions(self, after: int) -> None:
        """What was loaded since is learnt as well, in the transaction in which nobody loads: nothing is missed."""
        with _turn(self._db):
            while rows := rebuilding.rows(self._db, after, None, self._batch):
                loaded = [new_statement(row, orjson.loads(row.payload)) for row in rows if row.is_flattened]
                learn_definitions(self._db, loaded, schema=definitions.SHADOW)
                after = rows[-1].seq
            self._done.definitions += definitions.replace_by_shadows(self._db)
