"""Import of responses: an export from 7taps goes into the record by the same stream as everything else, once."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from app.accounts import cohorts, imports
from app.accounts.roster_files import Table
from app.accounts.schemas import ResponsesRead
from app.errors import Problem, Unavailable
from app.etl_incremental import Incoming, store_statements
from app.ingest.transformers.response_export import Answer, LessonIri, answers, made_up_lesson
from app.lrs.receiving import receive_many
from app.lrs.statements import Refused
from app.platform.logs import get_logger
from app.schemas import ProblemRead
from app.streaming import StatementStream, StreamFull, publish_statement
from app.warehouse import bronze

log = get_logger(__name__)

ANSWERS_PER_ENTRY = 200
MAX_PROBLEMS_TOLD = 200
CREDENTIAL = "response-import"
"""On whose authority these statements are: no sender's key, but an admin's import."""
VERSION = "1.0.3"

Units = Callable[[], AbstractContextManager[Session]]
"""What gives a unit of work; see app.database.session_scope."""


def import_responses(
    units: Units,
    stream: StatementStream | None,
    table: Table,
    *,
    course: str,
    cohort: str | None,
    actor: str,
    dry_run: bool,
    import_id: UUID | None = None,
) -> ResponsesRead:
    """Make statements of an export and have them accepted; those that are stored already are passed over.

    stream: None where doors store by themselves (ETL_MODE=incremental). cohort: whose plan says which lesson has which
    number; without one lessons are made up under `course`. What is counted as queued is durable when this returns.
    import_id: of the import in the ledger, where it has been entered already.
    """
    with units() as db:
        lesson_iri = _plan_of(db, cohort) if cohort else made_up_lesson(course)
    found, problems = answers(table, lesson_iri)
    valid, more = _valid(found)
    problems += more
    with units() as db:
        known = bronze.content_hashes(db, [one.id for one in valid]).keys()
        if not dry_run and import_id is None:
            import_id = imports.begin(db, "responses", actor, len(table.rows))
    new = [one for one in valid if one.id not in known]
    counts = {"queued": len(new), "known": len(known), "skipped": len(problems)}
    if import_id is not None:
        with imports.watched(units, import_id):
            for start in range(0, len(new), ANSWERS_PER_ENTRY):
                _accept(units, stream, new[start : start + ANSWERS_PER_ENTRY])
                with units() as db:
                    imports.advance(db, import_id, min(start + ANSWERS_PER_ENTRY, len(new)), {})
            with units() as db:
                imports.advance(db, import_id, len(table.rows), counts)
                imports.finish(db, import_id, "done")
    return ResponsesRead(
        applied=not dry_run,
        import_id=import_id,
        rows=len(table.rows),
        queued=len(new),
        known=len(known),
        repeated=sum(one.occurrence > 1 for one in found),
        skipped=len(problems),
        problems=[
            ProblemRead(path=one.path, message=one.message, expected=one.expected)
            for one in problems[:MAX_PROBLEMS_TOLD]
        ],
    )


def _plan_of(db: Session, cohort: str) -> LessonIri:
    lessons = {one.position: one.activity_id for one in cohorts.show_lessons(db, cohort).lessons}
    return lessons.get


def _valid(found: Sequence[Answer]) -> tuple[list[Answer], list[Problem]]:
    """Only what a door would take goes in."""
    valid: list[Answer] = []
    problems: list[Problem] = []
    for one in found:
        try:
            receive_many(orjson.dumps(one.statement), VERSION, 1)
            valid.append(one)
        except Refused as error:
            problems.append(Problem(f"row {one.row}", f"cannot be made a statement: {error.message}"))
    return valid, problems


def _accept(units: Units, stream: StatementStream | None, some: Sequence[Answer]) -> None:
    """Durable when this returns: on the stream, or in bronze where there is none or it is away."""
    if stream is not None:
        body = orjson.dumps([one.statement for one in some])
        try:
            publish_statement(
                stream, body, ids=[one.id for one in some], credential_id=CREDENTIAL, xapi_version=VERSION
            )
            return
        except StreamFull:
            raise
        except Unavailable as error:
            log.warning("the stream is away; storing in bronze", error=error.message)
    with units() as db:
        at = bronze.announce(db)
        store_statements(
            db,
            [
                Incoming(one.id, orjson.dumps(one.statement), at + timedelta(microseconds=place), VERSION, CREDENTIAL)
                for place, one in enumerate(some)
            ],
        )
