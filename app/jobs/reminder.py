"""Reminding: the run, and the row that tells how it is doing."""

import threading
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.config import get_settings
from app.database import session_scope
from app.models import TaskStatus, User
from app.notifications import queries, service
from app.platform import clock
from app.platform.logs import get_logger

log = get_logger(__name__)

TASK = "reminders.send"
stopping = threading.Event()
"""Set when this process is to end: the run stops before its next mail."""


def get_incomplete_users(db: Session, lesson_date: date) -> list[User]:
    """Learners with a lesson due on `lesson_date`, a day in their own time zone, that they have not completed.

    Those without any statement are among them. Each once, by id; voided completions do not count.
    """
    return queries.incomplete_learners(db, lesson_date)


def send_daily_reminders() -> service.Run:
    """Send every reminder that is due now; safe to call at any time, by anybody, twice. Tells TaskStatus how far it is.

    At most one reminder per learner per day of theirs goes out, whatever happens; see docs/reminders.md.
    """

    def tell(status: str, run: service.Run | None, **more: object) -> None:
        with session_scope() as db:
            begins = status == "running" and run is not None and not run.looked_at
            log_task_status(db, TASK, status, {**(run.figures() if run else {}), **more}, begins=begins)

    try:
        run = service.run(get_settings(), progress=lambda run: tell("running", run), stopping=stopping.is_set)
    except Exception as error:
        tell("failed", None, error=f"{type(error).__name__}: {error}"[:500])
        raise
    if not run.busy:
        tell("failed" if run.stopped and run.stopped.startswith(("mail server", "the mail")) else "done", run)
        if run.due or run.stopped:
            log.info("reminders", **run.figures())
    return run


def log_task_status(
    db: Session, name: str, status: str, detail: Mapping[str, Any] | None = None, *, begins: bool = False
) -> None:
    """Write down how the task `name` is doing: running, done or failed, with figures of it. Nothing personal.

    begins: a run begins with this; the row tells of the latest one.
    """
    now = clock.now()
    row = insert(TaskStatus).values(name=name, status=status, detail=dict(detail or {}), started_at=now, updated_at=now)
    db.execute(
        row.on_conflict_do_update(
            index_elements=[TaskStatus.name],
            set_={
                "status": row.excluded.status,
                "detail": row.excluded.detail,
                "started_at": now if begins else TaskStatus.started_at,
                "updated_at": row.excluded.updated_at,
            },
        )
    )
