"""Reminding: the run, and the row that tells how it is doing."""

import random
import threading
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.config import get_settings
from app.database import session_scope
from app.models import TaskStatus, User
from app.notifications import queries, rules, service
from app.platform import clock
from app.platform.logs import get_logger

log = get_logger(__name__)

TASK = "reminders.send"
PAGE_LEARNERS = 500
stopping = threading.Event()
"""Set when this process is to end: the run stops before its next mail."""


def get_incomplete_users(db: Session, lesson_date: date) -> Iterator[User]:
    """Learners with a lesson due on `lesson_date`, a day in their own time zone, that they have not completed.

    Those without any statement are among them. Each once, by id; voided completions do not count. It gives people, not
    pages: they are read PAGE_LEARNERS at a time as the caller goes on, in the caller's session, which has to be open
    until the last one; so a course of any size fits. `list(…)` where all are wanted at once, or more than one time.
    """
    after: UUID | None = None
    while page := queries.incomplete_learners(db, lesson_date, after=after, limit=PAGE_LEARNERS):
        yield from page
        after = page[-1].id


def send_daily_reminders() -> service.Run:
    """Send every reminder that is due now; safe to call at any time, by anybody, twice. Tells TaskStatus how far it is.

    At most one reminder per learner per day of theirs goes out, whatever happens; see docs/reminders.md.
    """

    failures = _failures_before()
    more: dict[str, object] = {"server_failures": failures}

    def tell(status: str, run: service.Run | None, **also: object) -> None:
        with session_scope() as db:
            begins = status == "running" and run is not None and not run.looked_at
            log_task_status(db, TASK, status, {**(run.figures() if run else {}), **more, **also}, begins=begins)

    try:
        run = service.run(get_settings(), progress=lambda run: tell("running", run), stopping=stopping.is_set)
    except Exception as error:
        tell("failed", None, error=f"{type(error).__name__}: {error}"[:500])
        raise
    if not run.busy:
        more["server_failures"] = failures + 1 if run.server_away else 0
        if run.server_away:
            # Chance spreads the callers of a server; nothing is to be kept from anybody.
            again = rules.ask_again_at(clock.now(), failures + 1, random.random())  # noqa: S311
            more["ask_again_at"] = clock.iso(again)
        tell("failed" if run.server_away else "done", run)
        if run.due or run.stopped:
            log.info("reminders", **{name: value for name, value in run.figures().items() if name != "warnings"})
    return run


def resting_until() -> datetime | None:
    """Until when the mail server is left alone, because it took nothing from the last runs; None: it may be asked.

    For the scheduler: whoever starts a run by hand wants to know now.
    """
    with session_scope() as db:
        row = db.get(TaskStatus, TASK)
    told = row.detail.get("ask_again_at") if row is not None else None
    if not isinstance(told, str):
        return None
    until, now = datetime.fromisoformat(told), clock.now()
    # Further ahead than any wait is: written by a clock that was wrong.
    return until if now < until <= now + timedelta(minutes=rules.AWAY_MOST_MINUTES) else None


def _failures_before() -> int:
    with session_scope() as db:
        row = db.get(TaskStatus, TASK)
    failures = row.detail.get("server_failures") if row is not None else None
    return failures if isinstance(failures, int) else 0


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
