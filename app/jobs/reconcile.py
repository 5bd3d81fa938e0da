"""The sweep: every few minutes, flatten what the stream did not. The safety net; with ETL_MODE=incremental the path."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import dramatiq
from periodiq import cron
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.config import get_settings
from app.database import is_passing, session_scope
from app.etl_incremental import Loaded, give_up_on_next, run_incremental_etl, settle
from app.jobs.models import JobRun
from app.platform import clock, metrics
from app.platform.broker import broker
from app.platform.logs import get_logger
from app.warehouse import bronze

log = get_logger(__name__)

JOB = "statements.reconcile"
KEEP_RUNS_DAYS = 7
CLOCKS_APART_SECONDS = 30
"""How far ahead the clock of another scheduler may be. A period further ahead was claimed by a clock that was wrong."""


@dramatiq.actor(
    actor_name=JOB,
    queue_name="scheduled",
    broker=broker,
    max_retries=0,  # the next tick finds whatever this one left undone
    periodic=cron(f"*/{get_settings().etl_interval_minutes} * * * *"),
)
def reconcile() -> None:
    """One tick of the sweep. The row of its period in ops.job_runs is the claim, so two schedulers sweep once."""
    now = clock.now()
    period = now.replace(second=0, microsecond=0)
    with session_scope() as db:
        # Once the clock is right again, what it claimed ahead of time must not keep the sweep from its turn.
        ahead = JobRun.period > now + timedelta(seconds=CLOCKS_APART_SECONDS)
        old = JobRun.period < now - timedelta(days=KEEP_RUNS_DAYS)
        db.execute(delete(JobRun).where(JobRun.job == JOB, ahead | old))
        claim = insert(JobRun).values(job=JOB, period=period, started_at=now).on_conflict_do_nothing()
        if db.execute(claim.returning(JobRun.job)).first() is None:
            return
    done = sweep(get_settings().etl_batch_statements)
    with session_scope() as db:
        db.execute(
            update(JobRun)
            .where(JobRun.job == JOB, JobRun.period == period)
            .values(finished_at=clock.now(), outcome="done", detail=asdict(done))
        )


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
            detail = {**asdict(done), "before": before, "after": after, "window_days": window_days, "by": actor}
            db.execute(
                update(JobRun)
                .where(JobRun.job == JOB, JobRun.period == now)
                .values(finished_at=clock.now(), outcome=outcome, detail=detail)
            )
            audit.note(db, actor, "sweep.run", f"job:{JOB}", {"outcome": outcome, **asdict(done)})
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
