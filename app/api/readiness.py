"""What a look at the stores means: ready, degraded or not. Pure.

Not ready means that this process would refuse statements, or harm them. Everything else that is wrong only degrades:
taking the doors away would make no loader faster, and while PostgreSQL is away the stream takes what is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from app.config import Settings
from app.notifications.unsubscribing import warnings_of

STORE_SECONDS = 2.0
"""How long each look at a store may take; they look at the same time."""
MISSED_SWEEPS = 5
FEW_LETTERS = 10
"""So few dead letters are never too many, whatever their share: one mistake on a quiet night is no alarm."""


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


def judge(seen: Seen, settings: Settings, up_seconds: float, now: datetime) -> list[Check]:
    """What a look at the stores means. up_seconds: how long this process has been watching."""
    checks = [_takes_statements(seen, settings), _migrations(seen)]
    for name, store, told in (("postgresql", "PostgreSQL", seen.schema), ("redis", "Redis", seen.stream)):
        does = "answers" if told is not None else f"did not answer within {STORE_SECONDS:g} s"
        checks.append(Check(name=name, ok=told is not None, message=f"{store} {does}."))
    checks += [Check(name="reminder_links", ok=False, message=warning) for warning in warnings_of(settings)]
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
