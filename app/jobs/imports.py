"""Applying a file that was uploaded to a page: by the worker, so that whoever waits may leave."""

from uuid import UUID

import dramatiq

from app.accounts import imports, roster_import, uploads
from app.accounts.roster import ID_HOME_PAGE, read_roster
from app.accounts.roster_files import read_table
from app.config import get_settings
from app.database import session_scope
from app.errors import AppError
from app.etl_streaming import the_stream
from app.ingest.transformers.response_export import COURSE
from app.platform import clock
from app.platform.broker import broker
from app.response_import import import_responses

JOB = "imports.apply"
TIME_LIMIT_MS = 30 * 60_000
MAX_RETRIES = 3
MIN_BACKOFF_MS, MAX_BACKOFF_MS = 2_000, 60_000


@dramatiq.actor(
    actor_name=JOB,
    queue_name="imports",
    broker=broker,
    max_retries=MAX_RETRIES,  # What is done is found done: the same file a second time changes nothing.
    min_backoff=MIN_BACKOFF_MS,
    max_backoff=MAX_BACKOFF_MS,
    time_limit=TIME_LIMIT_MS,
)
def apply_upload(upload_id: str) -> None:
    """Apply the file, and put down what came of it. A file that is applied already, or is gone, is nothing to do."""
    with session_scope() as db:
        uploads.forget_old(db, clock.now() - uploads.KEPT)
        found = uploads.to_apply(db, UUID(upload_id))
    if found is None:
        return
    try:
        table = read_table(found.content)
        if found.kind == "roster":
            roster = read_roster(table, found.choices.get("id_home_page") or ID_HOME_PAGE)
            told = roster_import.apply(
                session_scope,
                roster,
                time_zone=found.choices.get("time_zone") or "UTC",
                actor=found.actor,
                import_id=found.import_id,
            )
            summary, lines = uploads.of_roster(told, roster, shown=found.has_names)
        else:
            answers = import_responses(
                session_scope,
                the_stream() if get_settings().etl_mode == "streaming" else None,
                table,
                course=found.choices.get("course") or COURSE,
                cohort=found.choices.get("cohort") or None,
                actor=found.actor,
                dry_run=False,
                import_id=found.import_id,
            )
            summary, lines = uploads.of_responses(answers)
    except AppError as error:
        with session_scope() as db:
            imports.finish(db, found.import_id, "failed")
            uploads.failed(db, found.id, error.message)
        if error.status >= 500:
            raise
        return
    with session_scope() as db:
        uploads.applied(db, found.id, summary, lines)
