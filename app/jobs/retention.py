"""The daily job of retention: once a day delete what is older than RETENTION_DAYS."""

from dataclasses import asdict

import dramatiq
from periodiq import cron

from app.config import get_settings
from app.database import session_scope
from app.jobs.periods import claim_period, finish_period
from app.platform import clock
from app.platform.broker import broker
from app.platform.logs import get_logger
from app.retention import expire

log = get_logger(__name__)

JOB = "retention.expire"
KEEP_RUNS_DAYS = 90
TIME_LIMIT_MS = 6 * 3_600_000


@dramatiq.actor(
    actor_name=JOB,
    queue_name="scheduled",
    broker=broker,
    max_retries=0,  # what is left undone is older still the next time
    time_limit=TIME_LIMIT_MS,
    # Every hour, so that a day whose tick was missed has others; the row of the day lets one of them through.
    periodic=cron("17 * * * *"),
)
def retention() -> None:
    """One tick. The row of its day in ops.job_runs is the claim, so it runs once a day; without a setting never."""
    days = get_settings().retention_days
    if not days:
        return
    period = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    # A run that failed may be tried again by the next tick.
    if not claim_period(JOB, period, keep_days=KEEP_RUNS_DAYS, after_failure=True):
        return
    outcome, detail = "failed", None
    try:
        done = expire(session_scope, days, "retention")
        outcome, detail = "done", asdict(done)
        log.info("expired", days=days, statements=done.statements, dead_letters=done.dead_letters)
    finally:
        finish_period(JOB, period, outcome, detail)
