"""The daily job of retention: once a day delete what is older than RETENTION_DAYS."""

from dataclasses import asdict
from datetime import timedelta

import dramatiq
from periodiq import cron
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app.config import get_settings
from app.database import session_scope
from app.jobs.models import JobRun
from app.platform import clock
from app.platform.broker import broker
from app.platform.logs import get_logger
from app.retention import expire

log = get_logger(__name__)

JOB = "retention.expire"
KEEP_RUNS_DAYS = 90
TIME_LIMIT_MS = 6 * 3_600_000
CLOCKS_APART_SECONDS = 30


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
    now = clock.now()
    period = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with session_scope() as db:
        ahead = JobRun.period > now + timedelta(seconds=CLOCKS_APART_SECONDS)
        old = JobRun.period < now - timedelta(days=KEEP_RUNS_DAYS)
        # A run that failed may be tried again by the next tick.
        failed = (JobRun.period == period) & (JobRun.outcome == "failed")
        db.execute(delete(JobRun).where(JobRun.job == JOB, ahead | old | failed))
        claim = insert(JobRun).values(job=JOB, period=period, started_at=now).on_conflict_do_nothing()
        if db.execute(claim.returning(JobRun.job)).first() is None:
            return
    outcome: dict[str, object] = {"outcome": "failed"}
    try:
        done = expire(session_scope, days, "retention")
        outcome = {"outcome": "done", "detail": asdict(done)}
        log.info("expired", days=days, statements=done.statements, dead_letters=done.dead_letters)
    finally:
        with session_scope() as db:
            run = update(JobRun).where(JobRun.job == JOB, JobRun.period == period)
            db.execute(run.values(finished_at=clock.now(), **outcome))
