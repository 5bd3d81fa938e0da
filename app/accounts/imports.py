"""The ledger of imports: who waits for one can ask how far it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app import audit
from app.accounts.models import Import
from app.errors import NotFound
from app.platform import clock

SHOWN_IMPORTS = 50
KEPT_IMPORTS = 1_000


def begin(db: Session, kind: str, actor: str, rows_total: int) -> UUID:
    """Enter an import that begins now, and forget the oldest of very many. kind: roster, responses."""
    now = clock.now()
    row = Import(kind=kind, actor=actor, rows_total=rows_total, started_at=now, updated_at=now)
    db.add(row)
    db.flush()
    audit.note(db, actor, f"{kind}.import", f"import:{row.id}", {"rows": rows_total})
    newest = select(Import.id).order_by(Import.started_at.desc()).limit(KEPT_IMPORTS)
    db.execute(delete(Import).where(Import.id.not_in(newest), Import.id != row.id))
    return row.id


def advance(db: Session, import_id: UUID, rows_done: int, counts: Mapping[str, int]) -> None:
    """Say how far it is, in the transaction that got it there."""
    values = {"rows_done": rows_done, "counts": dict(counts), "updated_at": clock.now()}
    db.execute(update(Import).where(Import.id == import_id).values(values))


def finish(db: Session, import_id: UUID, outcome: str, counts: Mapping[str, int] | None = None) -> None:
    """Close it. outcome: done, failed."""
    now = clock.now()
    values: dict[str, object] = {"outcome": outcome, "finished_at": now, "updated_at": now}
    if counts is not None:
        values["counts"] = dict(counts)
    db.execute(update(Import).where(Import.id == import_id).values(values))


@contextmanager
def watched(units: Callable[[], AbstractContextManager[Session]], import_id: UUID) -> Iterator[None]:
    """Close the import as failed if the block raises; what its steps have done stays, and it can be run again."""

    def close() -> None:
        with units() as db:
            finish(db, import_id, "failed")

    with ExitStack() as failing:
        failing.callback(close)
        yield
        failing.pop_all()


def recent(db: Session) -> list[Import]:
    """The last imports, the newest first."""
    return list(db.scalars(select(Import).order_by(Import.started_at.desc(), Import.id).limit(SHOWN_IMPORTS)))


def find(db: Session, import_id: UUID) -> Import:
    """One import. NotFound when there is none, or it was forgotten."""
    found = db.get(Import, import_id)
    if found is None:
        raise NotFound(f"There is no import {import_id}.")
    return found
