"""A learner's data: all of it told, or all of it erased. What is shared with others stays, and is counted.

Erasing looks twice: once through the whole record while everything goes on, and once, with all loaders standing still,
through what came meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.accounts import learners, people
from app.accounts.personal import Marks
from app.accounts.schemas import Erased
from app.config import get_settings
from app.identities import target_of
from app.ingest import traces as letters
from app.linking import take_turn
from app.lrs import traces as documents
from app.notifications.outbox import forget_mails, reminders_of
from app.platform import clock
from app.platform.logs import get_logger
from app.removal import attachments_in, remove_statements
from app.warehouse import bronze, erasing

log = get_logger(__name__)

Units = Callable[[], AbstractContextManager[Session]]
"""What gives a unit of work; see app.database.session_scope."""
PATIENCE = "15min"
"""How long one look through the whole record may take; the usual limit is for people who wait for an answer."""


@dataclass(slots=True)
class _Found:
    """What is theirs, by id. up_to: the seq up to which the record was looked through."""

    up_to: int = 0
    statements: set[UUID] = field(default_factory=set)
    letters: set[UUID] = field(default_factory=set)


def erase(units: Units, learner_id: UUID, actor: str, *, dry_run: bool) -> Erased:
    """Delete everything that is kept about a learner, or say what that would be. NotFound when there is none.

    What has been accepted and waits on the stream has to be loaded before (see streaming.wait_until_loaded); what is
    accepted later is somebody new. The row in ops.audit_log holds numbers and the learner's id.
    """
    found = _look_through(units, learner_id)
    with units() as db:
        db.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
        reminders = reminders_of(db, learner_id)
        if not dry_run:
            take_turn(db, alone=True)
            people.take_turn(db)
            learners.lock_learners(db, learner_id)
        marks = learners.marks(db, learner_id)
        _look_on(db, learner_id, marks, found)
        counts, left = _counts(db, learner_id, marks, found)
        if not dry_run:
            counts |= _delete(db, learner_id, marks, found)
            audit.note(db, actor, "learner.erase", target_of(learner_id), {"deleted": counts, "left": left})
    if not dry_run:
        forget_mails(get_settings(), reminders)
    return Erased(learner_id=learner_id, dry_run=dry_run, deleted=counts, left=left)


def export(units: Units, learner_id: UUID) -> bytes:
    """Everything that `erase` would delete, as JSON; statements in the text in which they were sent.

    NotFound when there is no such learner.
    """
    found = _look_through(units, learner_id)
    with units() as db:
        db.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
        marks = learners.marks(db, learner_id)
        _look_on(db, learner_id, marks, found)
        told: dict[str, Any] = {
            "learner": learners.show_learner(db, learner_id).model_dump(mode="json"),
            "exported_at": clock.iso(clock.now()),
            "statements": [orjson.Fragment(payload) for payload in erasing.payloads(db, found.statements).values()],
            "lesson_progress": _progress(db, learner_id),
            "documents": documents.show(db, marks.agents, marks.found_in),
            "dead_letters": letters.show(db, found.letters),
            "other_tables": dict(learners.own_rows(db, learner_id)),
        }
    return orjson.dumps(told, default=str)


def _look_through(units: Units, learner_id: UUID) -> _Found:
    """Look through the record as it is now, holding nobody up."""
    found = _Found()
    with units() as db:
        found.up_to = bronze.complete_up_to(db)
    with units() as db:
        # Loaders that were loading when that number was read are done after this.
        take_turn(db, alone=True)
        marks = learners.marks(db, learner_id)
    with units() as db:
        db.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
        found.statements |= set(_statements(db, marks, 0, found.up_to))
        found.letters |= set(letters.holding(db, marks.found_in))
    return found


def _look_on(db: Session, learner_id: UUID, marks: Marks, found: _Found) -> None:
    """Add what came since `_look_through`."""
    found.statements |= set(_statements(db, marks, found.up_to, None))
    found.statements |= erasing.of_learner(db, learner_id)
    found.letters |= set(letters.holding(db, marks.found_in))
    found.letters |= set(letters.of_statements(db, found.statements))


def _statements(db: Session, marks: Marks, after: int, up_to: int | None) -> Iterator[UUID]:
    for statement_id, payload in erasing.candidates(db, marks.needles, after, up_to):
        if marks.found_in(payload):
            yield statement_id


def _counts(db: Session, learner_id: UUID, marks: Marks, found: _Found) -> tuple[dict[str, int], dict[str, int]]:
    counts = {
        "bronze.statements_raw": len(found.statements),
        **erasing.count_derived(db, found.statements),
        "bronze.attachments": len(_attachments(db, found)),
        "gold.lesson_progress": len(_progress(db, learner_id)),
        "ops.dead_letters": len(found.letters),
        **documents.count(db, marks.agents, marks.found_in),
        **learners.count_rows(db, learner_id),
    }
    left = {
        "silver.activities and silver.verbs": sum(
            marks.found_in(one) for one in erasing.definitions_holding(db, marks.needles)
        ),
        "activity_profile_documents": documents.count_shared(db, marks.found_in),
    }
    return counts, {name: number for name, number in left.items() if number}


def _delete(db: Session, learner_id: UUID, marks: Marks, found: _Found) -> dict[str, int]:
    attachments = _attachments(db, found)
    counts = remove_statements(db, found.statements)
    counts["bronze.attachments"] = erasing.delete_attachments(db, attachments)
    erasing.delete_progress(db, learner_id)
    letters.delete_letters(db, found.letters)
    documents.delete_documents(db, marks.agents, marks.found_in)
    learners.remove(db, learner_id)
    return counts


def _attachments(db: Session, found: _Found) -> set[str]:
    named: set[str] = set()
    for payload in erasing.payloads(db, found.statements).values():
        named |= attachments_in(payload)
    return erasing.unreferred_attachments(db, named, found.statements)


def _progress(db: Session, learner_id: UUID) -> list[dict[str, Any]]:
    rows = db.execute(
        text("SELECT to_jsonb(p) FROM gold.lesson_progress p WHERE learner_id = :id ORDER BY lesson_id"),
        {"id": learner_id},
    )
    return list(rows.scalars())
