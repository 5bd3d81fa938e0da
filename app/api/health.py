"""Doors for whoever watches the system: whether it lives, whether it may be sent requests, what it has counted."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import redis
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client.metrics_core import Metric
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from app import __version__
from app.access.callers import bearer_of, needs, session_of
from app.api.problems import errors, problem_response
from app.api.readiness import Readiness, Seen
from app.api.watching import Watch
from app.config import Settings
from app.errors import Unavailable
from app.platform.logs import get_logger
from app.platform.totals import MEDIA_TYPE, Together, Totals, families, gauge, page

log = get_logger(__name__)

router = APIRouter(tags=["Health"])
figures = APIRouter(tags=["Health"])


@router.get("/health")
async def get_health() -> dict[str, str]:
    """Whether this process is alive. Says nothing of the stores."""
    return {"status": "ok", "version": __version__}


@router.get("/health/ready", response_model=Readiness, responses=errors(503))
async def get_ready(request: Request) -> Readiness | Response:
    """Whether requests may be sent here: 200 if so, even if something is wrong; 503 if statements would be refused."""
    watch: Watch = request.app.state.watch
    seen = await watch.seen()
    checks = watch.checks(seen)
    if seen.stream is not None and seen.stream.halted:
        # A reason may quote what an entry or a store said; nobody hears it while nobody can tell who asks.
        caller = None
        with suppress(SQLAlchemyError):
            caller = await bearer_of(request) or await session_of(request)
        if caller is not None and caller.may("pipeline:read"):
            next(check for check in checks if check.name == "loader").value = seen.stream.halted
    missing = [check.message for check in checks if check.necessary and not check.ok]
    told = Readiness(ready=not missing, degraded=not all(check.ok for check in checks), checks=checks)
    if told.ready:
        return told
    error = Unavailable(" ".join(missing))
    error.code = "not_ready"
    return problem_response(error, **told.model_dump())


@figures.get("/metrics", response_class=PlainTextResponse, responses=errors(401))
async def get_metrics(request: Request) -> Response:
    """What all processes have counted, and how the stores are, in the text format of Prometheus."""
    watch: Watch = request.app.state.watch
    counts: Totals = request.app.state.totals
    try:
        together = await run_in_threadpool(counts.together)
    except redis.RedisError as error:
        # Left out rather than half told: a counter that falls and comes back would be taken for one that ran twice.
        log.warning("counts cannot be added up without Redis", error=str(error)[:300])
        together = None
    seen = await watch.seen()
    counted = families(together.counts) if together else ()
    body = page([*_gauges(seen, watch, together), *counted])
    return Response(body, media_type=MEDIA_TYPE)


def install_health(app: FastAPI, settings: Settings) -> None:
    """The doors; /metrics for who may read it, unless METRICS_OPEN. They need `watching`."""
    app.include_router(router)
    app.include_router(figures, dependencies=None if settings.metrics_open else [needs("metrics:read")])


@asynccontextmanager
async def watching(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Watches the stores and tells the counts of this process for as long as the application runs."""
    app.state.watch = Watch(settings)
    app.state.totals = Totals(settings.required_redis_url, settings.stream_name, "api")
    app.state.totals.start()
    yield
    await run_in_threadpool(app.state.totals.stop)
    await app.state.watch.close()


def _gauges(seen: Seen, watch: Watch, together: Together | None) -> Iterator[Metric]:
    """How things are right now. What a store would have to tell is left out while it does not answer."""
    checks = watch.checks(seen)
    ready = all(check.ok for check in checks if check.necessary)
    yield gauge("build_info", "1, labelled with the version.", (__version__, 1), label="version")
    yield gauge("ready", "1 when /health/ready answers 200.", ("", ready))
    passes = [(check.name, check.ok) for check in checks]
    yield gauge("check_ok", "1 for each check of /health/ready that passes.", *passes, label="check")
    if together is not None:
        living = {"api": 0, "worker": 0, **together.processes}
        yield gauge("processes", "Processes that spoke a moment ago, by kind.", *living.items(), label="kind")
    if (stream := seen.stream) is not None:
        yield gauge("stream_entries", "Requests on the stream that are not loaded yet.", ("", stream.length))
        yield gauge("stream_max_entries", "How many it takes.", ("", watch.settings.stream_max_entries))
        if stream.memory_bytes is not None:
            yield gauge("redis_memory_bytes", "Memory that Redis uses.", ("", stream.memory_bytes))
        most_bytes = watch.settings.stream_max_memory_mib * 2**20
        yield gauge("redis_max_memory_bytes", "How much it may before the doors refuse; 0: any.", ("", most_bytes))
        yield gauge("stream_pending_entries", "Of these, in the hands of a worker.", ("", stream.pending))
        yield gauge("oldest_entry_age_seconds", "Age of the oldest of them; 0 without any.", ("", stream.age_seconds))
    if (ledgers := seen.ledgers) is not None:
        letters = ledgers.open_by_code.items()
        yield gauge("dead_letters_open", "Dead letters that wait for somebody, by code.", *letters, label="code")
        at = ledgers.reconciled_at.timestamp() if ledgers.reconciled_at else 0
        yield gauge("reconcile_finished_timestamp_seconds", "When the sweep finished last; 0: never.", ("", at))
