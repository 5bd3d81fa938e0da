"""Everything together: one API process and one worker on the same stores, single PUTs for a minute."""

import base64
import json
import math
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psutil  # type: ignore[import-untyped]
import psycopg2
import redis

from app.stack.ports import remembered_port
from benchmarks.door import PATH, made, without_id
from benchmarks.load import Wrk
from benchmarks.loader import STREAM, worker
from benchmarks.servers import Bench, server
from benchmarks.telling import tell

CONNECTIONS = 16
PROBES_PER_SECOND = 10
LARGEST_LAG_SECONDS = 2.0
LARGEST_PROCESS_MIB = 200
FLATNESS_MIB = 10


@dataclass
class Watch:
    """What was seen while the load ran. lags: age of the oldest entry, seconds. flat: from 2xx to flat row, ms."""

    lags: list[float] = field(default_factory=list)
    flat: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=dict)


def measure(bench: Bench, bodies: list[bytes], *, seconds: int) -> None:
    """First as fast as it goes, then at half of that rate."""
    with _system(bench) as (port, processes):
        wrk = Wrk(made(bench.folder / "system"), [without_id(body) for body in bodies])
        headers = {"Authorization": _basic(bench)}
        wrk.run(port, PATH, seconds=3, headers=headers, prefix=90)
        with _watched(bench, port, processes) as full:
            best = wrk.run(port, PATH, seconds=seconds, connections=CONNECTIONS, headers=headers, prefix=91)
        _drained(bench)
        tell(
            f"everything together, single PUT, {seconds} s",
            per_second=round(best.per_second),
            p99_ms=round(best.p99_ms, 1),
            largest_lag_seconds=round(max(full.lags), 2),
            within=max(full.lags) < LARGEST_LAG_SECONDS,
        )
        _tell_memory(full)
        pause = max(0.001, CONNECTIONS / (best.per_second / 2) - best.p50_ms / 2_000)
        with _watched(bench, port, processes) as half:
            calm = wrk.run(
                port, PATH, seconds=seconds, connections=CONNECTIONS, headers=headers, prefix=92, pause_seconds=pause
            )
        _drained(bench)
        ordered = sorted(half.flat)
        p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
        tell(
            "from 2xx to flat row at half of the rate",
            per_second=round(calm.per_second),
            probes=len(ordered),
            p50_ms=round(ordered[len(ordered) // 2], 1),
            p99_ms=round(p99, 1),
            within=p99 < 1_000,
        )


def measure_memory(bench: Bench, bodies: list[bytes], *, seconds: int) -> None:
    """Resident memory of the API process and the worker at full load; is it flat?"""
    with _system(bench) as (port, processes):
        wrk = Wrk(made(bench.folder / "memory"), [without_id(body) for body in bodies])
        with _watched(bench, port, processes) as watch:
            wrk.run(port, PATH, seconds=seconds, headers={"Authorization": _basic(bench)}, prefix=93)
        _drained(bench)
        _tell_memory(watch)


def _tell_memory(watch: Watch) -> None:
    for name, sizes in watch.memory.items():
        third = max(1, len(sizes) // 3)
        grown = sum(sizes[-third:]) / third - sum(sizes[third : 2 * third]) / third
        tell(
            f"memory at full load, {name}",
            largest_mib=round(max(sizes)),
            grown_mib_in_the_last_third=round(grown, 1),
            within=max(sizes) < LARGEST_PROCESS_MIB and grown < FLATNESS_MIB,
        )


@contextmanager
def _system(bench: Bench) -> Iterator[tuple[int, dict[str, psutil.Process]]]:
    port = remembered_port(bench.folder / "system-door")
    with worker() as loader, server("app.main:create_app", port, "--factory") as api:
        yield port, {"worker": _busiest(loader.pid), "API process": _busiest(api.pid)}


def _busiest(pid: int) -> psutil.Process:
    """The process that does the work: dramatiq has a master, which only waits for it."""
    time.sleep(3)
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return max(family, key=lambda one: one.memory_info().rss)


@contextmanager
def _watched(bench: Bench, port: int, processes: dict[str, psutil.Process]) -> Iterator[Watch]:
    watch, over = Watch(memory={name: [] for name in processes}), threading.Event()

    def look() -> None:
        client = redis.Redis.from_url(bench.redis_url)
        while not over.wait(0.1):
            oldest: Any = client.xrange(STREAM, count=1)
            appended = int(oldest[0][0].split(b"-")[0]) / 1000 if oldest else time.time()
            watch.lags.append(max(0.0, time.time() - appended))
            for name, process in processes.items():
                watch.memory[name].append(process.memory_info().rss / 2**20)

    threads = [threading.Thread(target=_safely(one)) for one in (look, lambda: _probe(bench, port, watch, over))]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _probe(bench: Bench, port: int, watch: Watch, over: threading.Event) -> None:
    """Send statements of our own, one after the other, and wait for the flat row of each."""
    with psycopg2.connect(bench.database_url) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        number = time.time_ns()
        while not over.wait(1 / PROBES_PER_SECOND):
            number += 1
            statement_id = str(UUID(int=(6 << 96) + number))
            statement = {
                "actor": {"mbox": f"mailto:probe-{number % 50}@example.org"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
                "object": {"id": "https://courses.example.org/probe"},
            }
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{PATH}?statementId={statement_id}",
                json.dumps(statement).encode(),
                {"Authorization": _basic(bench), "Content-Type": "application/json"},
                method="PUT",
            )
            urllib.request.urlopen(request, timeout=30).close()
            answered = time.perf_counter()
            while True:
                cursor.execute("SELECT 1 FROM silver.statements_flat WHERE statement_id = %s", (statement_id,))
                if cursor.fetchone():
                    break
                time.sleep(0.002)
            watch.flat.append((time.perf_counter() - answered) * 1000)


def _safely(work: Callable[[], None]) -> Callable[[], None]:
    """A thread that dies says why; the figure that lacks its numbers fails by itself."""

    def working() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001
            print(f"the watch broke off: {type(error).__name__}: {error}", flush=True)

    return working


def _drained(bench: Bench) -> None:
    client = redis.Redis.from_url(bench.redis_url)
    while client.xlen(STREAM):
        time.sleep(0.05)


def _basic(bench: Bench) -> str:
    return f"Basic {base64.b64encode(f'{bench.user}:{bench.password}'.encode()).decode()}"
