"""What came in last, for whoever connects a sender and wants to see that it arrives."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts import visibility
from app.analytics import queries_recent
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.recent_schemas import LastStatement, RecentCompletion, RecentCompletions
from app.analytics.schemas import LearnerName, LessonName
from app.analytics.selection import Filters, Page, Part
from app.errors import NotAllowed, NotFound
from app.platform import clock
from app.schemas import StatementFlatRead


def last_statement(db: Session, filters: Filters) -> LastStatement:
    """The last statement that was loaded, of those whose learner the viewer may see."""
    now = clock.now()
    row = queries_recent.last_statement(db, Part(*filters.statements("flat.learner_id")))
    if row is None:
        return LastStatement(generated_at=now, statement=None, loaded_at=None, seconds_to_load=None)
    loaded: datetime = row.loaded_at
    return LastStatement(
        generated_at=now,
        statement=_as_shown(filters.viewer, StatementFlatRead.model_validate(row)),
        loaded_at=loaded,
        seconds_to_load=round(max(0.0, (loaded - row.stored_at).total_seconds()), 3),
    )


def completions(db: Session, filters: Filters, page: Page) -> RecentCompletions:
    """A page of completions, the newest first. BadRequest when the cursor is none."""
    after = read_cursor(page.cursor, datetime, UUID) if page.cursor else None
    part = Part(*filters.statements("flat.learner_id"))
    found = queries_recent.completions(db, part, after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    last = shown[-1] if len(found) > page.limit else None
    return RecentCompletions(
        generated_at=clock.now(),
        completions=[
            RecentCompletion(
                statement_id=row.statement_id,
                occurred_at=row.occurred_at,
                stored_at=row.stored_at,
                learner=_learner(filters.viewer, row),
                lesson=LessonName(id=row.lesson_id, activity_id=row.activity_id, title=row.title),
                verb=row.verb,
                success=row.success,
                score_scaled=row.score_scaled,
                first=row.first,
            )
            for row in shown
        ],
        next=page.next(last and write_cursor(last.occurred_at, last.statement_id)),
    )


def raw_statement(db: Session, filters: Filters, statement_id: UUID) -> bytes:
    """The JSON text of a RawStatement. NotFound when there is none, or none that the viewer may see.

    NotAllowed under pseudonyms: a statement as it was received says in many places who somebody is.

    The payload goes into it as the text that was sent: to read and write it again would change numbers.
    """
    if filters.viewer.pseudonyms is not None:
        raise NotAllowed("Learners are shown by pseudonyms here (LEARNER_DISPLAY); what was received names them.")
    row = queries_recent.raw_statement(db, Part(*filters.statements("flat.learner_id")), statement_id)
    if row is None:
        raise NotFound(f"There is no statement {statement_id} in the record.")
    known = {
        "id": row.id,
        "stored_at": row.stored_at,
        "xapi_version": row.xapi_version,
        "credential": row.credential_id,
        "loaded_at": row.flattened_at,
        "flatten_error": row.flatten_error,
        "voided_by": row.voided_by,
    }
    payload: str = row.payload
    return orjson.dumps(known, option=orjson.OPT_UTC_Z)[:-1] + b',"payload":' + payload.encode() + b"}"


def _learner(viewer: visibility.Viewer, row: Row[Any]) -> LearnerName | None:
    if row.learner_id is None:
        return None
    who = SimpleNamespace(id=row.learner_id, name=row.name, email=row.email, phone=row.phone)
    return LearnerName(**visibility.shown(viewer, who))


def _as_shown(viewer: visibility.Viewer, flat: StatementFlatRead) -> StatementFlatRead:
    """A flat row as the viewer may read it: under pseudonyms without who they are and what they wrote."""
    if viewer.pseudonyms is None:
        return flat
    whose = (flat.actor_name, flat.actor_email, flat.actor_key)
    shown = viewer.pseudonyms.of(flat.learner_id) if flat.learner_id else "nobody known"
    told: dict[str, Any] = {"actor_key": shown, "actor_name": shown, "actor_email": None}
    told["response"] = None
    if flat.object_type in ("Agent", "Group"):
        told |= {"object_id": flat.object_type, "object_name": None}
    else:
        told["object_id"] = visibility.masked(viewer, flat.object_id, *whose, numbers=False)
        told["object_name"] = flat.object_name and visibility.masked(viewer, flat.object_name, *whose, numbers=False)
    return flat.model_copy(update=told)
