"""Rebuilding: derived tables made anew from bronze, in place, while everybody goes on working.

docs/decisions/0010-rebuilding-in-place.md says why it goes this way. The pipeline decides what a row ought to be, as
for a statement that has just come; here what is there is compared with that, and written only where it differs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.config import get_settings
from app.database import make_engine, session_scope
from app.errors import Conflict, Unavailable
from app.etl_incremental import flat_rows, flatten_statement, flatten_stored, give_up
from app.ingest.dead_letters import letter_id_of, note_replayed
from app.ingest.models import DeadLetter
from app.linking import NewStatement, follow, learn_definitions, look_into, ought, take_turn
from app.lrs.filters import referred_statement
from app.warehouse import bronze, definitions, gold, links, rebuilding, silver
from app.warehouse.links import Link, Reference
from app.warehouse.rebuilding import StoredRow

STATEMENT_TIMEOUT = "1h"
MOST_ROUNDS = 10
ORPHANS_AT_ONCE = 10_000
SUSPICIOUS_FROM = 20
_FIRST = UUID(int=0)
_REFUSING_CLASSES = ("22", "23", "54")
"""SQLSTATE classes that are about the row: data exception, integrity, limits such as the size of an index entry."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild has come to so far, in rows. walked: statements, or keys of gold. The others: what was not right.

    loaded: statements that had not been flattened before. marks: statements that were wrongly voided, or wrongly not.
    """

    stage: str = ""
    walked: int = 0
    flat_written: int = 0
    flat_removed: int = 0
    links_written: int = 0
    links_removed: int = 0
    references: int = 0
    definitions: int = 0
    marks: int = 0
    loaded: int = 0
    buried: int = 0


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
                _mend_references(db, rows, done)
                _mend(db, rows, done, refused=refused)
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
    try:
        take_turn(db, alone=True)
        yield
        db.commit()
    except BaseException:
        db.rollback()
        raise


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
        _mend_references(self._db, rows, self._done)

    def _mend(self, rows: Sequence[StoredRow], refused: Exception | None) -> None:
        copied = rebuilding.copied_links(self._db, [row.seq for row in rows])
        standing = _mend(self._db, rows, self._done, copied=copied, refused=refused)
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
        gold.refresh_lesson_progress(self._db, _keys(gone))

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
                loaded = [_new(row, orjson.loads(row.payload)) for row in rows if row.is_flattened]
                learn_definitions(self._db, loaded, schema=definitions.SHADOW)
                after = rows[-1].seq
            self._done.definitions += definitions.replace_by_shadows(self._db)


def _mend_references(db: Session, rows: Sequence[StoredRow], done: Rebuilt) -> None:
    """Make the references of these statements what they say. Whoever is not flattened has none yet."""
    said: set[Reference] = set()
    for row in rows:
        # An unreadable one is told by whoever flattens it.
        with suppress(Exception):
            if row.is_flattened and (referred := referred_statement(statement := orjson.loads(row.payload))):
                flatten_statement(statement)
                said.add(Reference(row.id, *referred))
    there = rebuilding.references(db, [row.id for row in rows])
    if there != said:
        rebuilding.remove_references(db, {wrong.statement_id for wrong in there - said})
        links.write_references(db, list(said - there))
        done.references += len({one.statement_id for one in there ^ said})


def _mend(
    db: Session,
    rows: Sequence[StoredRow],
    done: Rebuilt,
    *,
    copied: Mapping[int, set[Link]] | None = None,
    refused: Exception | None = None,
) -> list[NewStatement]:
    """Make marks, flat rows and links of these statements what they ought to be, and gold what follows.

    copied: the links they had, by seq. refused: the database takes no flat row of these. Returns those that can be
    flattened.
    """
    if not rows:
        return []
    ids = [row.id for row in rows]
    flat, failed = ({}, dict.fromkeys(ids, refused)) if refused else flat_rows(db, rows)
    _stop_if_most_fail(rows, failed)
    late = [row for row in rows if row.id in flat and not row.is_flattened]
    done.loaded += flatten_stored(db, late).new
    for row in late:
        if row.flatten_error is not None:
            _close_letter(db, row)
    ill = [(row, failed[row.id]) for row in rows if row.id in failed and row.flatten_error is None]
    give_up(db, ill)
    done.buried += len(ill)
    if failed:
        rebuilding.unmark(db, failed)
        rebuilding.remove_references(db, failed)

    rebuilding.doubt_references(db, ids)
    touched = _keys(silver.withdraw(db, follow(db, ids)))
    right = ought(db, ids)
    marks = {row.id: right[row.id].voided_by for row in rows if row.voided_by or right[row.id].voided_by}
    done.marks += rebuilding.mark_voided(db, marks)

    want = {key: row for key, row in flat.items() if right[key].voided_by is None}
    touched |= _mend_flat(db, ids, want, done)
    write: list[Link] = []
    remove: list[Link] = []
    for row in rows:
        had, found_by = (copied or {}).get(row.seq, set()), right[row.id].links
        if row.id in want:
            write += found_by - had
            stale = had - found_by
            remove += stale
        else:
            # References that were followed since the copy was made may have given it some.
            stale = had
            remove += had | found_by
        done.links_removed += len(stale)
    links.write_links(db, write)
    links.remove_links(db, remove)
    done.links_written += len(write)
    gold.refresh_lesson_progress(db, touched)
    return [_new(row, orjson.loads(row.payload)) for row in rows if row.id in flat]


def _mend_flat(db: Session, ids: Sequence[UUID], want: Mapping[UUID, dict[str, Any]], done: Rebuilt) -> set[gold.Key]:
    """Replace the flat rows that are not as wanted. Returns the keys of gold of which some came or went."""
    there = rebuilding.flat(db, ids)
    wanted = {key: tuple(row[name] for name in silver.COLUMNS) for key, row in want.items()}
    gone = silver.withdraw(db, [key for key, row in there.items() if wanted.get(key) != row])
    new = [want[key] for key, row in wanted.items() if there.get(key) != row]
    silver.write(db, new, [silver.as_line(row) for row in new])
    done.flat_removed += len(gone) - sum(key in wanted for key, _, _ in gone)
    done.flat_written += len(new)
    return _keys(gone) | _keys([(row["statement_id"], row["learner_id"], row["lesson_id"]) for row in new])


def _stop_if_most_fail(rows: Sequence[StoredRow], failed: Mapping[UUID, Exception]) -> None:
    """Law 6: when most of what was well before fails now, it is us; stop, rather than emptying silver."""
    well = [row for row in rows if row.is_flattened]
    ill = [row for row in well if row.id in failed]
    if len(well) >= SUSPICIOUS_FROM and len(ill) > len(well) / 2:
        raise Unavailable(
            f"{len(ill)} of {len(well)} statements that had been flattened cannot be flattened any more, the first one "
            f"being {ill[0].id}: {failed[ill[0].id]}. They were left as they are, and the rebuild has stopped."
        )


def _close_letter(db: Session, row: StoredRow) -> None:
    """The statement is loaded after all: the letter under which the sweep had buried it needs nobody any more."""
    letter = db.get(DeadLetter, letter_id_of("sweep", "unreadable", row.payload.encode()))
    if letter and letter.status == "open":
        note_replayed(db, letter, [row.id], "rebuild", {})


def _keys(gone: Sequence[tuple[UUID, UUID | None, UUID | None]]) -> set[gold.Key]:
    return {(learner, lesson) for _, learner, lesson in gone if learner and lesson}


def _new(row: StoredRow, statement: dict[str, Any]) -> NewStatement:
    findings = look_into(statement, row.credential_id, defines=row.defines)
    return NewStatement(row.id, row.seq, row.stored_at, findings)
