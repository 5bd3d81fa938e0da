"""When reminders are looked after: every five minutes, so that a tick that was missed does not matter."""

from datetime import timedelta

import dramatiq
from periodiq import cron
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app.database import session_scope
from app.jobs import reminder
from app.jobs.models import JobRun
from app.platform import clock
from app.platform.broker import broker

JOB = "reminders.schedule"
EVERY_MINUTES = 5
KEEP_RUNS_DAYS = 7
CLOCKS_APART_SECONDS = 30
"""How far ahead the clock of another scheduler may be. A period further ahead was claimed by a clock that was wrong."""
TIME_LIMIT_MS = 45 * 60 * 1_000
"""Well beyond the 25 minutes after which a run ends by itself: nothing may break off between a mail and its note."""


class StopInOrder(dramatiq.Middleware):
    """Lets a run end between two mails when the worker is to end."""

    def before_worker_boot(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """A worker that begins is not ending."""
        reminder.stopping.clear()

    def before_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """Finish the mail in hand."""
        reminder.stopping.set()


broker.add_middleware(StopInOrder())


@dramatiq.actor(
    actor_name=JOB,
    queue_name="scheduled",
    broker=broker,
    max_retries=0,  # the next tick finds whatever this one left undone
    time_limit=TIME_LIMIT_MS,
    periodic=cron(f"*/{EVERY_MINUTES} * * * *"),
)
def schedule_daily_reminders() -> None:
    """One tick. The row of its period in ops.job_runs is the claim, so that two schedulers remind once.

    Which learner is due at which hour of their day is decided in the run; after downtime the first tick catches up
    with everybody whose day is not over.
    """
    now = clock.now()
    period = now.replace(minute=now.minute - now.minute % EVERY_MINUTES, second=0, microsecond=0)
    with session_scope() as db:
        ahead = JobRun.period > now + timedelta(seconds=CLOCKS_APART_SECONDS)
        old = JobRun.period < now - timedelta(days=KEEP_RUNS_DAYS)
        db.execute(delete(JobRun).where(JobRun.job == JOB, ahead | old))
        claim = insert(JobRun).values(job=JOB, period=period, started_at=now).on_conflict_do_nothing()
        if db.execute(claim.returning(JobRun.job)).first() is None:
            return
    outcome, detail = "failed", None
    try:
        run = reminder.send_daily_reminders()
        outcome, detail = ("skipped" if run.busy else "done"), run.figures()
    finally:
        with session_scope() as db:
            db.execute(
                update(JobRun)
                .where(JobRun.job == JOB, JobRun.period == period)
                .values(finished_at=clock.now(), outcome=outcome, detail=detail)
            )
