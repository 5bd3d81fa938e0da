"""Looking at the stores for the doors of health, over connections of its own and not more than once a second."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import redis
from anyio import CapacityLimiter, to_thread
from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.api.readiness import FEW_LETTERS, STORE_SECONDS, Check, Ledgers, Seen, Stream, judge
from app.config import Settings
from app.database import make_engine
from app.ingest.models import DeadLetter
from app.jobs.models import JobRun
from app.jobs.reconcile import JOB as RECONCILE
from app.models import StatementRaw
from app.platform import clock
from app.platform.logs import get_logger
from app.platform.redis import async_redis_client
from app.streaming import OLDEST_ID, moment_of

log = get_logger(__name__)

SEEN_SECONDS = 1.0
"""For how long a look stands: whoever asks, and however often, the stores are looked at once in this time."""
MOST_COUNTED = 10_000
MIGRATIONS = Path(__file__).parents[2] / "migrations"

T = TypeVar("T")


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
            pipe.eval(OLDEST_ID, 1, name)
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
