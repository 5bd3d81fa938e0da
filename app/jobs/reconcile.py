"""The sweep: every few minutes, flatten what the stream did not. The safety net; with ETL_MODE=incremental the path."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import dramatiq
from periodiq import cron
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.config import get_settings
from app.database import is_passing, session_scope
from app.etl_incremental import Loaded, give_up_on_next, run_incremental_etl, settle
from app.jobs.models import JobRun
from app.jobs.periods import claim_period, finish_period
from app.platform import clock, metrics
from app.platform.broker import broker
from app.platform.logs import get_logger
from app.warehouse import bronze

log = get_logger(__name__)

JOB = "statements.reconcile"
KEEP_RUNS_DAYS = 7


@dramatiq.actor(
    actor_name=JOB,
    queue_name="scheduled",
    broker=broker,
    max_retries=0,  # the next tick finds whatever this one left undone
    periodic=cron(f"*/{get_settings().etl_interval_minutes} * * * *"),
)
def reconcile() -> None:
    """One tick of the sweep. The row of its period in ops.job_runs is the claim, so two schedulers sweep once."""
    period = clock.now().replace(second=0, microsecond=0)
    if not claim_period(JOB, period, keep_days=KEEP_RUNS_DAYS):
        return
    done = sweep(get_settings().etl_batch_statements)
    finish_period(JOB, period, "done", asdict(done))


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A sweep that somebody ran by hand: what waited before and after, in statements, and what became of it."""

    period: datetime
    before: int
    after: int
    done: Loaded


def sweep_now(actor: str, batch_statements: int, *, window_days: int, patience_seconds: float) -> SweepRun:
    """Sweep once, by hand, and keep it in ops.job_runs and the audit log. window_days: 0 for all that waits."""
    now = clock.now()
    since = now - timedelta(days=window_days) if window_days else None
    with session_scope() as db:
        before = bronze.waiting(db, since).statements
        db.execute(insert(JobRun).values(job=JOB, period=now, started_at=now).on_conflict_do_nothing())
    outcome, done, after = "failed", Loaded(), before
    try:
        done = sweep(batch_statements, stored_since=since, patience_seconds=patience_seconds)
        outcome = "done"
    finally:
        with session_scope() as db:
            after = bronze.waiting(db, since).statements
            audit.note(db, actor, "sweep.run", f"job:{JOB}", {"outcome": outcome, **asdict(done)})
        detail = {**asdict(done), "before": before, "after": after, "window_days": window_days, "by": actor}
        finish_period(JOB, now, outcome, detail)
    return SweepRun(now, before, after, done)


def last_runs(db: Session, limit: int) -> Sequence[JobRun]:
    """The last sweeps, by the clock and by hand, the newest first."""
    query = select(JobRun).where(JobRun.job == JOB).order_by(JobRun.period.desc()).limit(limit)
    return db.scalars(query).all()


def sweep(batch_statements: int, *, stored_since: datetime | None = None, patience_seconds: float = math.inf) -> Loaded:
    """Flatten everything that is waiting, one transaction per batch. Several sweeps at once share the work.

    stored_since: only what was accepted since then. patience_seconds: after so long no further batch is begun.

    A batch that the database refuses is tried again in halves, until the one statement is found that it refuses; that
    one is buried. Otherwise a single row could stop the safety net for ever.
    """
    total = Loaded()
    size = batch_statements
    give_up_at = time.monotonic() + patience_seconds
    while time.monotonic() < give_up_at:
        try:
            with session_scope() as db:
                # A sweep is patient: the statement timeout is there for people who wait for an answer.
                db.execute(text("SET LOCAL statement_timeout = '5min'"))
                done = run_incremental_etl(db, limit=size, stored_since=stored_since)
        except Exception as error:
            if is_passing(error):
                raise
            if size > 1:
                size //= 2
                continue
            with session_scope() as db:
                done = give_up_on_next(db, error, stored_since=stored_since)
        if not (done.new or done.buried):
            break
        size = min(batch_statements, size * 2)
        total.new += done.new
        total.buried += done.buried
        metrics.swept(done.new, done.buried)
    with session_scope() as db:
        settle(db)
    if total.new or total.buried:
        log.info("swept", flattened=total.new, buried=total.buried)
    return total
