"""Retention: what is older than so many days goes, a batch per transaction; learners, cohorts and lessons stay."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.ingest import traces as letters
from app.linking import take_turn
from app.lrs import traces as documents
from app.platform import clock
from app.removal import attachments_in, remove_statements
from app.warehouse import erasing

BATCH_STATEMENTS = 500
ATTACHMENTS_AT_ONCE = 100
PATIENCE = "15min"
"""How long one statement may take here; the usual limit is for people who wait for an answer."""

Units = Callable[[], AbstractContextManager[Session]]
"""What gives a unit of work; see app.database.session_scope."""


@dataclass(slots=True)
class Expired:
    """What was deleted, or would be. statements: of the record, with all that is derived from them."""

    before: str
    statements: int = 0
    documents: int = 0
    dead_letters: int = 0
    attachments: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def look_at(db: Session, days: int) -> Expired:
    """What is older than this many days now, by when it was stored, updated or last seen."""
    moment = _moment(days)
    return Expired(
        clock.iso(moment),
        statements=erasing.count_older(db, moment),
        documents=documents.count_older(db, moment),
        dead_letters=letters.count_older(db, moment),
    )


def expire(units: Units, days: int, actor: str, tell: Callable[[int], None] = lambda _: None) -> Expired:
    """Delete it. Each batch is a transaction for which loaders wait; `tell` gets the statements deleted so far.

    Cut off and run again it goes on where it was. Attachments go with the last statement that names them. Documents of
    activities belong to the course and stay.
    """
    moment = _moment(days)
    done = Expired(clock.iso(moment))
    while True:
        with units() as db:
            ids = erasing.older_than(db, moment, BATCH_STATEMENTS)
            named = {sha2 for payload in erasing.payloads(db, ids).values() for sha2 in attachments_in(payload)}
        if not ids:
            break
        # Before the statements: once those are gone, nothing would lead to attachments that are left over.
        done.attachments += _expire_attachments(units, named, ids)
        with units() as db:
            take_turn(db, alone=True)
            removed = remove_statements(db, ids)
        for table, count in removed.items():
            done.rows[table] = done.rows.get(table, 0) + count
        done.statements += removed["bronze.statements_raw"]
        tell(done.statements)
    with units() as db:
        db.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
        done.documents = documents.delete_older(db, moment)
        done.dead_letters = letters.delete_older(db, moment)
        audit.note(db, actor, "retention.expire", f"days:{days}", asdict(done))
    return done


def _expire_attachments(units: Units, named: Collection[str], ids: Collection[UUID]) -> int:
    """Delete those that only these statements name; in a transaction in which nobody can store one that does."""
    count = 0
    ordered = sorted(named)
    for start in range(0, len(ordered), ATTACHMENTS_AT_ONCE):
        with units() as db:
            db.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
            take_turn(db, alone=True)
            some = ordered[start : start + ATTACHMENTS_AT_ONCE]
            count += erasing.delete_attachments(db, erasing.unreferred_attachments(db, some, ids))
    return count


def _moment(days: int) -> datetime:
    return clock.now() - timedelta(days=days)
