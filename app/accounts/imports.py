"""The ledger of imports: who waits for one can ask how far it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app import audit
from app.accounts.models import Import
from app.errors import NotFound
from app.platform import clock

SHOWN_IMPORTS = 50
KEPT_IMPORTS = 1_000
STALE_MINUTES = 15
"""An import that took no step for so long was cut off: a step is a thousand rows, and one that has to wait gives up
after DATABASE_STATEMENT_TIMEOUT_SECONDS, a minute."""
_CUT_OFF = (
    f"It took no step for {STALE_MINUTES} minutes: its process was ended, or lost the database. What it had "
    "done by then stays. Run it again with the same file: nothing is entered twice."
)
_BROKE = "An error ended it. What it had done by then stays. Run it again with the same file: nothing is entered twice."


def begin(db: Session, kind: str, actor: str, rows_total: int) -> UUID:
    """Enter an import that begins now, and forget the oldest of very many. kind: roster, responses."""
    close_stale(db)
    now = clock.now()
    row = Import(kind=kind, actor=actor, rows_total=rows_total, started_at=now, updated_at=now)
    db.add(row)
    db.flush()
    audit.note(db, actor, f"{kind}.import", f"import:{row.id}", {"rows": rows_total})
    newest = select(Import.id).order_by(Import.started_at.desc()).limit(KEPT_IMPORTS)
    db.execute(delete(Import).where(Import.id.not_in(newest), Import.id != row.id))
    return row.id


def advance(db: Session, import_id: UUID, rows_done: int, counts: Mapping[str, int]) -> None:
    """Say how far it is, in the transaction that got it there. One that was taken for cut off is running after all."""
    alive: dict[str, object] = {"outcome": None, "reason": None, "finished_at": None, "updated_at": clock.now()}
    values = {"rows_done": rows_done, "counts": dict(counts), **alive}
    db.execute(update(Import).where(Import.id == import_id).values(values))


def finish(
    db: Session, import_id: UUID, outcome: str, counts: Mapping[str, int] | None = None, reason: str | None = None
) -> None:
    """Close it. outcome: done, failed. reason: why it failed, for people."""
    now = clock.now()
    values: dict[str, object] = {"outcome": outcome, "reason": reason, "finished_at": now, "updated_at": now}
    if counts is not None:
        values["counts"] = dict(counts)
    db.execute(update(Import).where(Import.id == import_id).values(values))


@contextmanager
def watched(units: Callable[[], AbstractContextManager[Session]], import_id: UUID) -> Iterator[None]:
    """Close the import as failed if the block raises; what its steps have done stays, and it can be run again."""

    def close() -> None:
        with units() as db:
            finish(db, import_id, "failed", reason=_BROKE)

    with ExitStack() as failing:
        failing.callback(close)
        yield
        failing.pop_all()


def close_stale(db: Session) -> None:
    """Close what nobody can close any more, because its process is gone: as failed, with the words to go on by.

    Whoever looks at imports or begins one does it, so that none is shown as running for ever. A row that is held is
    being moved on at this moment, and is left alone.
    """
    now = clock.now()
    cut_off = select(Import.id).where(
        Import.outcome.is_(None), Import.updated_at < now - timedelta(minutes=STALE_MINUTES)
    )
    found = cut_off.with_for_update(skip_locked=True)
    values = {"outcome": "failed", "reason": _CUT_OFF, "finished_at": now}
    db.execute(
        update(Import).where(Import.id.in_(found)).values(values), execution_options={"synchronize_session": False}
    )


def recent(db: Session) -> list[Import]:
    """The last imports, the newest first."""
    close_stale(db)
    return list(db.scalars(select(Import).order_by(Import.started_at.desc(), Import.id).limit(SHOWN_IMPORTS)))


def find(db: Session, import_id: UUID) -> Import:
    """One import. NotFound when there is none, or it was forgotten."""
    close_stale(db)
    found = db.get(Import, import_id)
    if found is None:
        raise NotFound(f"There is no import {import_id}.")
    return found
