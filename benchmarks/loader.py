"""The worker alone on a full stream, against a bare COPY of the rows that it wrote into equal tables."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from uuid import UUID

import psycopg2
import redis

from app.stack.children import application_children
from app.streaming import StreamEntry
from benchmarks.servers import Bench
from benchmarks.telling import tell

STATEMENTS = 30_000
STARTED = 2_000
BATCH = 500
STREAM = "statements"
_TABLES = ("bronze.statements_raw", "silver.statements_flat", "silver.statement_links")
_SENDER = "f" * 64


def measure(bench: Bench, bodies: list[bytes]) -> None:
    """Fill the stream with single statements, let the worker drain it, then copy the same rows."""
    drained = drain(bench, bodies, 0, STATEMENTS)
    rows = _copied(bench, _TABLES[:2])
    all_rows = _copied(bench, _TABLES)
    tell(
        "worker alone, full stream",
        per_second=round(drained),
        bare_copy_of_raw_and_flat_per_second=round(rows),
        ratio=round(drained / rows, 2),
        bare_copy_with_links_per_second=round(all_rows),
        ratio_with_links=round(drained / all_rows, 2),
    )


def drain(bench: Bench, bodies: list[bytes], first: int, count: int) -> float:
    """Statements per second of a worker that is started on a stream with that many; ids count up from `first`.

    The clock begins when it has loaded the first ones, so that starting Python is not part of the figure.
    """
    client = redis.Redis.from_url(bench.redis_url)
    for start in range(first, first + count, 200):
        with client.pipeline() as pipe:
            for number in range(start, min(start + 200, first + count)):
                ids = (UUID(int=(7 << 96) + number + 1),)
                entry = StreamEntry(bodies[number % len(bodies)], ids, None, "1.0.3", _SENDER)
                pipe.xadd(STREAM, entry.fields())  # type: ignore[arg-type]
            pipe.execute()
    with worker():
        while (waiting := client.xlen(STREAM)) > count - STARTED:
            time.sleep(0.01)
        started = time.perf_counter()
        while client.xlen(STREAM):
            time.sleep(0.01)
        return float(waiting) / (time.perf_counter() - started)


@contextmanager
def worker() -> Iterator[Popen[bytes]]:
    """The worker as the system starts it, on the stores of the environment, until the block ends."""
    command = next(child.command for child in application_children("127.0.0.1", 0) if child.name == "worker")
    process = Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _copied(bench: Bench, tables: tuple[str, ...]) -> float:
    """Statements per second when the rows of these tables go into empty tables like them, batch by batch."""
    with psycopg2.connect(bench.database_url) as connection, connection.cursor() as cursor:
        batches: list[list[tuple[str, str]]] = [[] for _ in range(0, STATEMENTS, BATCH)]
        for table in tables:
            copy = f"bench_{table.partition('.')[2]}"
            cursor.execute(f"DROP TABLE IF EXISTS {copy}")
            cursor.execute(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
            order = "stored_at" if "links" in table or "flat" in table else "seq"
            text = io.StringIO()
            cursor.copy_expert(f"COPY (SELECT * FROM {table} ORDER BY {order}) TO STDOUT", text)
            lines = text.getvalue().splitlines(keepends=True)
            size = -(-len(lines) // len(batches))
            for place, batch in enumerate(batches):
                batch.append((copy, "".join(lines[place * size : (place + 1) * size])))
        connection.commit()
        started = time.perf_counter()
        for batch in batches:
            for copy, text_of_batch in batch:
                cursor.copy_expert(f"COPY {copy} FROM STDIN", io.StringIO(text_of_batch))
            connection.commit()
        return STATEMENTS / (time.perf_counter() - started)
