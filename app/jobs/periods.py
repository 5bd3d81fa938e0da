"""Taking turns by period: each run of a scheduled job stands for a period, and whoever inserts its row runs it.

So two schedulers run it once, and a tick that was missed leaves a hole that anybody can see in ops.job_runs.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app.database import session_scope
from app.jobs.models import JobRun
from app.platform import clock

CLOCKS_APART_SECONDS = 30
"""How far ahead the clock of another scheduler may be. A period further ahead was claimed by a clock that was wrong."""


def claim_period(job: str, period: datetime, *, keep_days: int, after_failure: bool = False) -> bool:
    """Whether the caller is the one to run the job for this period (its start, aware). Committed when it returns.

    keep_days: rows older than that go. after_failure: a period whose run failed may be run again.
    """
    now = clock.now()
    # Once the clock is right again, what it claimed ahead of time must not keep the job from its turn.
    gone = (JobRun.period > now + timedelta(seconds=CLOCKS_APART_SECONDS)) | (
        JobRun.period < now - timedelta(days=keep_days)
    )
    if after_failure:
        gone |= (JobRun.period == period) & (JobRun.outcome == "failed")
    with session_scope() as db:
        db.execute(delete(JobRun).where(JobRun.job == job, gone))
        claim = insert(JobRun).values(job=job, period=period, started_at=now).on_conflict_do_nothing()
        return db.execute(claim.returning(JobRun.job)).first() is not None


def finish_period(job: str, period: datetime, outcome: str, detail: Mapping[str, object] | None = None) -> None:
    """Write down how the run of a claimed period ended: done, skipped, failed."""
    values = {"finished_at": clock.now(), "outcome": outcome, "detail": dict(detail) if detail is not None else None}
    with session_scope() as db:
        db.execute(update(JobRun).where(JobRun.job == job, JobRun.period == period).values(values))
