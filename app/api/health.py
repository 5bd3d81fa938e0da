"""Doors for whoever watches the system: whether it lives, whether it may be sent requests, what it has counted.

Not ready means that this process would refuse statements, or harm them. Everything else that is wrong only degrades:
taking the doors away would make no loader faster, and while PostgreSQL is away the stream takes what is sent.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import redis
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client.metrics_core import Metric
from pydantic import BaseModel
from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from app import __version__
from app.api.problems import errors, problem_response
from app.config import Settings
from app.database import make_engine
from app.errors import NotAuthenticated, Unavailable
from app.ingest.models import DeadLetter
from app.jobs.models import JobRun
from app.jobs.reconcile import JOB as RECONCILE
from app.models import StatementRaw
from app.platform import clock, metrics
from app.platform.logs import get_logger
from app.platform.redis import async_redis_client
from app.security import Admin, require_admin
from app.streaming import moment_of

log = get_logger(__name__)

STORE_SECONDS = 2.0
"""How long each look at a store may take; they look at the same time."""
SEEN_SECONDS = 1.0
"""For how long a look stands: whoever asks, and however often, the stores are looked at once in this time."""
MISSED_SWEEPS = 5
FEW_LETTERS = 10
"""So few dead letters are never too many, whatever their share: one mistake on a quiet night is no alarm."""
MOST_COUNTED = 10_000
MIGRATIONS = Path(__file__).parents[2] / "migrations"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stream:
    """What Redis tells. durable: whether a write is on disk before it is answered; memory_bytes: what Redis uses of it.
    Both are None where Redis may not tell."""

    length: int
    pending: int
    age_seconds: float
    halted: str | None
    durable: bool | None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Ledgers:
    """What PostgreSQL tells. letters, statements: what arrived in the last minutes, counted up to a limit."""

    open_by_code: dict[str, int]
    letters: int
    statements: int
    reconciled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the stores; None stands for what did not answer in time."""

    stream: Stream | None
    schema: Literal["head", "behind", "ahead"] | None
    ledgers: Ledgers | None


class Check(BaseModel):
    """One thing that was looked at. necessary: without it, not ready. value, limit: in the message's units."""

    name: str
    ok: bool
    necessary: bool = False
    message: str
    value: float | str | None = None
    limit: float | str | None = None


class Readiness(BaseModel):
    """Whether requests may be sent here. degraded: they may, and yet something is wrong."""

    ready: bool
    degraded: bool
    checks: list[Check]


# The id of the oldest entry: an entry itself may hold megabytes.
_OLDEST = "local e = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1) return e[1] and e[1][1] or ''"


class Watch:
    """Looks at the stores with connections of its own, so that a busy pool is not taken for a store that is away."""

    def __init__(self, settings: Settings):
        self.settings = settings
        few = {"database_pool_size": 2, "database_statement_timeout_seconds": STORE_SECONDS}
        self._engine = make_engine(settings.model_copy(update=few), application="7taps-analytics health")
        self._redis = async_redis_client(settings.required_redis_url, connections=2)
        self._threads = CapacityLimiter(2)
        self._look: asyncio.Task[Seen] | None = None
        self._stands_until = 0.0
        self.since = clock.now()

    async def seen(self) -> Seen:
        """How the stores are, as of a second ago at most."""
        if self._look is None or (self._look.done() and time.monotonic() >= self._stands_until):
            self._look = asyncio.create_task(self._at_once())
        return await asyncio.shield(self._look)

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()
        self._engine.dispose()

    def checks(self, seen: Seen) -> list[Check]:
        """What that means."""
        now = clock.now()
        return judge(seen, self.settings, (now - self.since).total_seconds(), now)

    async def _at_once(self) -> Seen:
        looks = _in_time(self._stream()), _in_time(self._ask(_schema)), _in_time(self._ask(self._ledgers))
        seen = Seen(*await asyncio.gather(*looks))
        self._stands_until = time.monotonic() + SEEN_SECONDS
        return seen

    async def _ask(self, question: Callable[[Session], T]) -> T:
        def asking() -> T:
            with Session(self._engine) as db:
                return question(db)

        # A thread that waits for a server that hangs is left behind; no more than two of them ever wait.
        return await to_thread.run_sync(asking, abandon_on_cancel=True, limiter=self._threads)

    async def _stream(self) -> Stream:
        name = self.settings.stream_name
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.xlen(name)
            pipe.eval(_OLDEST, 1, name)
            pipe.xinfo_groups(name)
            pipe.get(f"{name}:halted")
            pipe.config_get("append*")
            pipe.info("memory")
            now, length, oldest, groups, halted, config, memory = await pipe.execute(raise_on_error=False)
        if isinstance(length, Exception):
            raise length
        age = now[0] + now[1] / 1e6 - moment_of(oldest.decode()).timestamp() if oldest else 0.0
        pending = 0 if isinstance(groups, Exception) else sum(group["pending"] for group in groups)
        durable = None
        if isinstance(config, dict):
            durable = (config.get("appendonly"), config.get("appendfsync")) == ("yes", "always")
        why_halted = halted.decode(errors="replace") if halted else None
        used = memory.get("used_memory") if isinstance(memory, dict) else None
        return Stream(length, pending, max(0.0, age), why_halted, durable, used)

    def _ledgers(self, db: Session) -> Ledgers:
        since = clock.now() - timedelta(minutes=self.settings.ready_dead_letter_minutes)
        waits = DeadLetter.status == "open"
        by_code = select(DeadLetter.code, func.count()).where(waits).group_by(DeadLetter.code)
        letters = _count(db, select(DeadLetter.id).where(waits, DeadLetter.last_seen_at >= since), MOST_COUNTED)
        enough = max(MOST_COUNTED, math.ceil(letters / self.settings.ready_max_dead_letter_share))
        stored = select(StatementRaw.seq).where(StatementRaw.stored_at >= since, StatementRaw.voided_by.is_(None))
        finished = select(JobRun.finished_at).where(JobRun.job == RECONCILE, JobRun.finished_at.is_not(None))
        return Ledgers(
            dict(db.execute(by_code).all()),
            letters,
            _count(db, stored, enough) if letters >= FEW_LETTERS else 0,
            db.scalar(finished.order_by(JobRun.period.desc()).limit(1)),
        )


async def _in_time(answer: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await answer
    except (redis.RedisError, SQLAlchemyError, OSError) as error:
        log.warning("a store does not answer the health check", error=f"{type(error).__name__}: {error}"[:300])
        return None


def _count(db: Session, rows: Select[Any], most: int) -> int:
    return db.scalar(select(func.count()).select_from(rows.limit(most).subquery())) or 0


def _schema(db: Session) -> Literal["head", "behind", "ahead"]:
    head, known = _revisions()
    try:
        at = db.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # There is no such table before the first migration.
        at = None
    return "head" if at == head else "behind" if at is None or at in known else "ahead"


@lru_cache(maxsize=1)
def _revisions() -> tuple[str | None, frozenset[str]]:
    """The newest migration of this release, and all of them."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (a quarter of a second, for a few processes only)

    scripts = ScriptDirectory(str(MIGRATIONS))
    return scripts.get_current_head(), frozenset(one.revision for one in scripts.walk_revisions())


def judge(seen: Seen, settings: Settings, up_seconds: float, now: datetime) -> list[Check]:
    """What a look at the stores means. up_seconds: how long this process has been watching."""
    checks = [_takes_statements(seen, settings), _migrations(seen)]
    for name, store, told in (("postgresql", "PostgreSQL", seen.schema), ("redis", "Redis", seen.stream)):
        does = "answers" if told is not None else f"did not answer within {STORE_SECONDS:g} s"
        checks.append(Check(name=name, ok=told is not None, message=f"{store} {does}."))
    checks += _of_the_stream(seen.stream, settings) if seen.stream else _unknown("redis_durable", "lag", "loader")
    if seen.ledgers is None:
        return [*checks, *_unknown("dead_letters", "reconcile")]
    return [*checks, *_of_the_ledgers(seen.ledgers, settings, up_seconds, now)]


def _unknown(*names: str) -> list[Check]:
    return [Check(name=name, ok=False, message="Cannot be told: the store did not answer in time.") for name in names]


def _takes_statements(seen: Seen, settings: Settings) -> Check:
    """What the doors would do with a statement: see app.api.durable."""
    if settings.etl_mode == "streaming" and seen.stream is not None:
        length, limit = seen.stream.length, settings.stream_max_entries
        told = f"The stream holds {length} entries of at most {limit} (STREAM_MAX_ENTRIES)."
        used, most = (seen.stream.memory_bytes or 0) / 2**20, settings.stream_max_memory_mib
        has_room = not most or used < most
        if not has_room:
            told += f" Redis uses {used:.0f} MiB of at most {most} (STREAM_MAX_MEMORY_MIB)."
        return Check(
            name="accepting", ok=length < limit and has_room, necessary=True, message=told, value=length, limit=limit
        )
    where = "while Redis is away" if settings.etl_mode == "streaming" else "as ETL_MODE says"
    told = f"Statements go to PostgreSQL, {where}." if seen.schema else "No store takes statements."
    return Check(name="accepting", ok=seen.schema is not None, necessary=True, message=told)


def _migrations(seen: Seen) -> Check:
    """Behind: what is loaded now would die. Ahead: the next release is being rolled out, and this one still serves."""
    told = {
        "head": "The database is at the newest migration.",
        "behind": "The database lacks migrations: run `python -m app migrate`.",
        "ahead": "The database has migrations that this release does not know.",
        None: "Cannot be told while PostgreSQL does not answer.",
    }
    ok, counts = seen.schema == "head", seen.schema in ("head", "behind")
    return Check(name="migrations", ok=ok, necessary=counts, message=told[seen.schema], value=seen.schema)


def _of_the_stream(stream: Stream, settings: Settings) -> Iterator[Check]:
    told = {
        True: "Each write is on disk before it is answered (appendonly yes, appendfsync always).",
        False: "A power cut can lose accepted statements: set appendonly yes and appendfsync always.",
        None: "Redis does not tell its settings; see that it has appendonly yes and appendfsync always.",
    }
    yield Check(name="redis_durable", ok=bool(stream.durable), message=told[stream.durable])
    age, limit = round(stream.age_seconds, 3), settings.ready_max_lag_seconds
    waits = f"The oldest entry that is not loaded is {age:g} s old" if stream.length else "Everything is loaded"
    yield Check(name="lag", ok=age <= limit, message=f"{waits}; {limit:g} s at most is right.", value=age, limit=limit)
    halted = "The loader has stopped itself because too many entries die: see `python -m app loader status`."
    runs = halted if stream.halted else "Nothing has stopped it."
    yield Check(name="loader", ok=stream.halted is None, message=runs)


def _of_the_ledgers(ledgers: Ledgers, settings: Settings, up_seconds: float, now: datetime) -> Iterator[Check]:
    letters, all_of_it = ledgers.letters, ledgers.letters + ledgers.statements
    share = round(letters / all_of_it, 4) if letters >= FEW_LETTERS else 0.0
    limit = settings.ready_max_dead_letter_share
    told = f"{letters} dead letters in the last {settings.ready_dead_letter_minutes} minutes"
    told += f", {share:.1%} of what arrived." if letters >= FEW_LETTERS else f"; fewer than {FEW_LETTERS} are few."
    yield Check(name="dead_letters", ok=share <= limit, message=told, value=share, limit=limit)
    patience = MISSED_SWEEPS * settings.etl_interval_minutes * 60
    if ledgers.reconciled_at is None:
        ok, told, age = up_seconds <= patience, "The sweep has not finished yet.", None
    else:
        age = round((now - ledgers.reconciled_at).total_seconds())
        ok, told = age <= patience, f"The sweep finished last {age} s ago; {patience} s at most is right."
    yield Check(name="reconcile", ok=ok, message=told, value=age, limit=patience)


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
        with suppress(NotAuthenticated):
            require_admin(request, None)  # A reason may quote what an entry or a store said.
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
    totals: metrics.Totals = request.app.state.totals
    try:
        together = await run_in_threadpool(totals.together)
    except redis.RedisError as error:
        # Left out rather than half told: a counter that falls and comes back would be taken for one that ran twice.
        log.warning("counts cannot be added up without Redis", error=str(error)[:300])
        together = None
    seen = await watch.seen()
    counted = metrics.families(together.counts) if together else ()
    page = metrics.page([*_gauges(seen, watch, together), *counted])
    return Response(page, media_type=metrics.MEDIA_TYPE)


def install_health(app: FastAPI, settings: Settings) -> None:
    """The doors; /metrics for admins only, unless METRICS_OPEN. They need `watching`."""
    app.include_router(router)
    app.include_router(figures, dependencies=None if settings.metrics_open else [Admin])


@asynccontextmanager
async def watching(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Watches the stores and tells the counts of this process for as long as the application runs."""
    app.state.watch = Watch(settings)
    app.state.totals = metrics.Totals(settings.required_redis_url, settings.stream_name, "api")
    app.state.totals.start()
    yield
    await run_in_threadpool(app.state.totals.stop)
    await app.state.watch.close()


def _gauges(seen: Seen, watch: Watch, together: metrics.Together | None) -> Iterator[Metric]:
    """How things are right now. What a store would have to tell is left out while it does not answer."""
    gauge, checks = metrics.gauge, watch.checks(seen)
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
