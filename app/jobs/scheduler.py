"""When reminders are looked after: every five minutes, so that a tick that was missed does not matter."""

import dramatiq
from periodiq import cron

from app.jobs import reminder
from app.jobs.periods import claim_period, finish_period
from app.platform import clock
from app.platform.broker import broker

JOB = "reminders.schedule"
EVERY_MINUTES = 5
KEEP_RUNS_DAYS = 7
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
    if not claim_period(JOB, period, keep_days=KEEP_RUNS_DAYS):
        return
    if (until := reminder.resting_until()) is not None:
        finish_period(JOB, period, "skipped", {"mail_server_is_asked_again_at": clock.iso(until)})
        return
    outcome, detail = "failed", None
    try:
        run = reminder.send_daily_reminders()
        outcome, detail = ("skipped" if run.busy else "done"), run.figures()
    finally:
        finish_period(JOB, period, outcome, detail)
