"""The sweep: every few minutes, flatten what the stream did not. The safety net; with ETL_MODE=incremental the path."""

from dataclasses import asdict

import dramatiq
from periodiq import cron
from sqlalchemy import text

from app.config import get_settings
from app.database import is_passing, session_scope
from app.etl_incremental import Loaded, give_up_on_next, run_incremental_etl, settle
from app.jobs.periods import claim_period, finish_period
from app.platform import clock, metrics
from app.platform.broker import broker
from app.platform.logs import get_logger

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


def sweep(batch_statements: int) -> Loaded:
    """Flatten everything that is waiting, one transaction per batch. Several sweeps at once share the work.

    A batch that the database refuses is tried again in halves, until the one statement is found that it refuses; that
    one is buried. Otherwise a single row could stop the safety net for ever.
    """
    total = Loaded()
    size = batch_statements
    while True:
        try:
            with session_scope() as db:
                # A sweep is patient: the statement timeout is there for people who wait for an answer.
                db.execute(text("SET LOCAL statement_timeout = '5min'"))
                done = run_incremental_etl(db, limit=size)
        except Exception as error:
            if is_passing(error):
                raise
            if size > 1:
                size //= 2
                continue
            with session_scope() as db:
                done = give_up_on_next(db, error)
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
