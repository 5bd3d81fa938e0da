"""What is kept about one learner, told and erased, on a large record."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app import erasure
from app.accounts.identifiers import email_identifiers
from app.database import session_scope
from benchmarks import archive
from benchmarks.servers import Bench
from benchmarks.telling import tell

LEARNERS = (8, 9)
"""Of the archive: each has some 75 of a million statements, as actor or by learner_id."""


def measure(bench: Bench, count: int) -> None:
    """One line per act: seconds, and statements found."""
    started = time.perf_counter()
    archive.fill(bench, count)
    tell("record filled", statements=count, seconds=round(time.perf_counter() - started))
    for number in LEARNERS:
        learner = _enter(number)
        acts: dict[str, Callable[[], Any]] = {
            "export of a learner": partial(erasure.export, session_scope, learner),
            "erasure of a learner, dry run": partial(_erased, learner, dry_run=True),
            "erasure of a learner": partial(_erased, learner, dry_run=False),
        }
        for name, act in acts.items():
            began = time.perf_counter()
            told = act()
            seconds = round(time.perf_counter() - began, 2)
            tell(name, seconds=seconds, **({"statements": told} if isinstance(told, int) else {"bytes": len(told)}))


def _enter(number: int) -> UUID:
    learner, address = UUID(int=1 + number), f"learner-{number}@example.org"
    with session_scope() as db:
        db.execute(
            text("INSERT INTO users (id, name, email, source) VALUES (:id, 'Learner', :email, 'roster')"),
            {"id": learner, "email": address},
        )
        for one in email_identifiers(address):
            db.execute(
                text("INSERT INTO user_identifiers (key, user_id, kind, value) VALUES (:key, :id, :kind, :value)"),
                {"key": one.key, "id": learner, "kind": one.kind, "value": one.value},
            )
    return learner


def _erased(learner: UUID, *, dry_run: bool) -> int:
    return erasure.erase(session_scope, learner, "benchmark", dry_run=dry_run).deleted["bronze.statements_raw"]
