"""For whoever looks after the system: how the stream is doing, and what the sweep would do."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import redis
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.access.callers import Caller, needs
from app.access.forms import Form
from app.analytics.schemas_today import MinuteAccepted
from app.analytics.today import accepted_by_minute
from app.config import Settings
from app.consumers.flood import resume_loader
from app.database import get_db
from app.etl_streaming import get_last_processed, stream_consumers, stream_state, the_stream
from app.jobs.reconcile import last_runs, sweep_now
from app.platform import clock
from app.streaming import why_halted
from app.ui.definitions import definition, hints
from app.ui.pages import HTML, show
from app.ui.pulse import Pulse, pulse, pulse_now
from app.warehouse import bronze

router = APIRouter(tags=["Pages"], include_in_schema=False)
Db = Annotated[Session, Depends(get_db, scope="function")]

STREAM, SWEEP = "/ui/test-etl-streaming", "/ui/test-etl-incremental"
RUNS_SHOWN = 10
MAX_WINDOW_DAYS = 3_650
RUN_SECONDS = 10.0
"""For so long a sweep by hand begins new batches: somebody waits for the page."""
_READ, _RUN = "pipeline:read", "pipeline:run"


class LastStatement(BaseModel):
    """The statement that was stored last. seconds: from being accepted to being loaded; null while it is not."""

    statement_id: UUID
    verb: str | None
    object_name: str | None
    occurred_at: datetime | None
    stored_at: datetime
    flattened_at: datetime | None
    seconds: float | None


class StreamConsumer(BaseModel):
    """One worker that reads the stream. pending: entries it has taken and not finished."""

    name: str
    pending: int
    idle_seconds: float


class StreamWaiting(BaseModel):
    """What waits on the stream, in entries (requests). lag_seconds: the age of the oldest; 0 when nothing waits."""

    length: int
    max_entries: int
    pending: int
    oldest_at: datetime | None
    lag_seconds: float
    halted: str | None
    consumers: list[StreamConsumer]


class StreamPage(BaseModel):
    """How the stream is doing. stream: null while Redis does not answer."""

    pulse: Pulse
    mode: str
    last: LastStatement | None
    stream: StreamWaiting | None
    minutes: list[MinuteAccepted]


class SweepRead(BaseModel):
    """One sweep. by: null for the scheduler. before, after: statements that waited; null where nobody counted."""

    period: datetime
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    new: int | None
    buried: int | None
    before: int | None
    after: int | None
    window_days: int | None
    by: str | None


class SweepPage(BaseModel):
    """What the sweep would do, and what the last ones did. ran: the one that somebody has just run."""

    mode: str
    window_days: int
    waiting: int
    waiting_at_most: int
    oldest_at: datetime | None
    batch_statements: int
    interval_minutes: int
    run_seconds: float
    ran: SweepRead | None
    runs: list[SweepRead]


_RESUMED = {"resumed": "The loader goes on.", "nothing": "Nothing had stopped the loader; it works already."}


@router.get(STREAM, response_model=StreamPage, responses=HTML, dependencies=[needs(_READ)])
def get_stream(request: Request, db: Db, done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The last statement, lag, throughput, who reads the stream, and whether the flood stop holds it."""
    settings: Settings = request.app.state.settings
    last = get_last_processed(db)
    try:
        told, waiting = pulse(db, settings), _waiting(settings)
    except redis.RedisError:
        told, waiting = pulse_now(settings), None
    page = StreamPage(
        pulse=told,
        mode=settings.etl_mode,
        last=(
            LastStatement(
                statement_id=last.statement_id,
                verb=last.verb,
                object_name=last.object_name,
                occurred_at=last.occurred_at,
                stored_at=last.stored_at,
                flattened_at=last.flattened_at,
                seconds=(last.flattened_at - last.stored_at).total_seconds() if last.flattened_at else None,
            )
            if last
            else None
        ),
        stream=waiting,
        minutes=accepted_by_minute(db),
    )
    return show(request, "stream.html", page, done=_RESUMED.get(done, ""), definition=definition, means=_means())


@router.post(f"{STREAM}/resume", include_in_schema=False)
def post_resume(db: Db, caller: Annotated[Caller, needs(_RUN)]) -> Response:
    """Let the loader go on once the cause is mended."""
    resumed = resume_loader(db, the_stream(), caller.actor)
    return RedirectResponse(f"{STREAM}?done={'resumed' if resumed else 'nothing'}", 303)


@router.get(SWEEP, response_model=SweepPage, responses=HTML, dependencies=[needs(_READ)])
def get_sweep(
    request: Request,
    db: Db,
    window_days: Annotated[int, Query(ge=0, le=MAX_WINDOW_DAYS, description="only what came lately; 0: all")] = 0,
    ran: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Statements that are stored and not flattened, and what the last sweeps did with those before them."""
    return show(request, "sweep.html", _sweep_page(request, db, window_days, ran), wrong="", means=_means())


@router.post(f"{SWEEP}/run", include_in_schema=False)
async def post_sweep(request: Request, db: Db, caller: Annotated[Caller, needs(_RUN)], form: Form) -> Response:
    """Sweep now, for some seconds at most, and show what waited before and after."""
    settings: Settings = request.app.state.settings
    asked = form.get("window_days", "0").strip() or "0"
    if not (asked.isascii() and asked.isdigit() and len(asked) < 6 and int(asked) <= MAX_WINDOW_DAYS):
        wrong = f"“{asked[:40]}” is no number of days; one from 0 (all that waits) to {MAX_WINDOW_DAYS} is."
        page = await run_in_threadpool(_sweep_page, request, db, 0, "")
        return show(request, "sweep.html", page, status=400, wrong=wrong, means=_means())
    run = await run_in_threadpool(
        sweep_now,
        caller.actor,
        settings.etl_batch_statements,
        window_days=int(asked),
        patience_seconds=RUN_SECONDS,
    )
    return RedirectResponse(f"{SWEEP}?window_days={int(asked)}&ran={int(run.period.timestamp() * 1_000_000)}", 303)


def _means() -> dict[str, tuple[str, str, str]]:
    return hints("Lag", "On the stream", "In hand", "Waiting for the sweep", "Oldest that waits")


def _waiting(settings: Settings) -> StreamWaiting:
    state = stream_state()
    age = (clock.now() - state.oldest_at).total_seconds() if state.oldest_at else 0.0
    return StreamWaiting(
        length=state.length,
        max_entries=settings.stream_max_entries,
        pending=state.pending,
        oldest_at=state.oldest_at,
        lag_seconds=round(max(0.0, age), 3),
        halted=why_halted(the_stream()),
        consumers=[
            StreamConsumer(name=one.name, pending=one.pending, idle_seconds=one.idle_seconds)
            for one in stream_consumers()
        ],
    )


def _sweep_page(request: Request, db: Session, window_days: int, ran: str) -> SweepPage:
    settings: Settings = request.app.state.settings
    since = clock.now() - timedelta(days=window_days) if window_days else None
    waiting = bronze.waiting(db, since)
    runs = [_run(one) for one in last_runs(db, RUNS_SHOWN)]
    return SweepPage(
        mode=settings.etl_mode,
        window_days=window_days,
        waiting=waiting.statements,
        waiting_at_most=bronze.MOST_COUNTED,
        oldest_at=waiting.oldest_at,
        batch_statements=settings.etl_batch_statements,
        interval_minutes=settings.etl_interval_minutes,
        run_seconds=RUN_SECONDS,
        ran=next((one for one in runs if ran and str(_microseconds(one.period)) == ran), None),
        runs=runs,
    )


def _run(row: Any) -> SweepRead:
    detail = row.detail or {}
    return SweepRead(
        period=row.period.astimezone(UTC),
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        **{name: detail.get(name) for name in ("new", "buried", "before", "after", "window_days", "by")},
    )


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
