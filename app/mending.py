"""What is derived from stored statements, compared with what it ought to be, and written where it differs."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from app.errors import Unavailable
from app.etl_incremental import flat_rows, flatten_statement, flatten_stored, give_up
from app.ingest.dead_letters import letter_id_of, note_replayed
from app.ingest.models import DeadLetter
from app.linking import NewStatement, follow, look_into, ought
from app.lrs.filters import referred_statement
from app.warehouse import gold, links, rebuilding, silver
from app.warehouse.links import Link, Reference
from app.warehouse.rebuilding import StoredRow

SUSPICIOUS_FROM = 20


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


def mend_references(db: Session, rows: Sequence[StoredRow], done: Rebuilt) -> None:
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


def mend(
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
    touched = keys_of(silver.withdraw(db, follow(db, ids)))
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
    return [new_statement(row, orjson.loads(row.payload)) for row in rows if row.id in flat]


def _mend_flat(db: Session, ids: Sequence[UUID], want: Mapping[UUID, dict[str, Any]], done: Rebuilt) -> set[gold.Key]:
    """Replace the flat rows that are not as wanted. Returns the keys of gold of which some came or went."""
    there = rebuilding.flat(db, ids)
    wanted = {key: tuple(row[name] for name in silver.COLUMNS) for key, row in want.items()}
    gone = silver.withdraw(db, [key for key, row in there.items() if wanted.get(key) != row])
    new = [want[key] for key, row in wanted.items() if there.get(key) != row]
    silver.write(db, new, [silver.as_line(row) for row in new])
    done.flat_removed += len(gone) - sum(key in wanted for key, _, _ in gone)
    done.flat_written += len(new)
    return keys_of(gone) | keys_of([(row["statement_id"], row["learner_id"], row["lesson_id"]) for row in new])


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


def keys_of(gone: Sequence[tuple[UUID, UUID | None, UUID | None]]) -> set[gold.Key]:
    """The keys of gold that flat rows belong to, given as (statement, learner, lesson)."""
    return {(learner, lesson) for _, learner, lesson in gone if learner and lesson}


def new_statement(row: StoredRow, statement: dict[str, Any]) -> NewStatement:
    """A stored statement as its links and definitions are made from."""
    findings = look_into(statement, row.credential_id, defines=row.defines)
    return NewStatement(row.id, row.seq, row.stored_at, findings)
