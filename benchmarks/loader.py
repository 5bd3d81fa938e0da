"""The loader alone on a full stream, against a bare COPY of the rows that it wrote into equal tables."""

import io
import time
from uuid import UUID

import psycopg2

from app.config import get_settings
from app.consumers.statement_stream import StatementConsumer
from app.etl_streaming import stream_state, the_stream
from app.streaming import publish_statement
from benchmarks.servers import Bench
from benchmarks.telling import tell

STATEMENTS = 12_000
BATCH = 500
_TABLES = ("bronze.statements_raw", "silver.statements_flat", "silver.statement_links")


def measure(bench: Bench, bodies: list[bytes]) -> None:
    """Fill the stream with single statements, drain it in this process, then copy the same rows."""
    for number in range(STATEMENTS):
        body = bodies[number % len(bodies)]
        publish_statement(the_stream(), body, ids=[UUID(int=number + 1)], credential_id="f" * 64)
    consumer = StatementConsumer(the_stream(), get_settings())
    consumer.join_group()
    started = time.perf_counter()
    while stream_state().length:
        consumer.handle(consumer.take())
    drained = STATEMENTS / (time.perf_counter() - started)
    rows = _copied(bench, _TABLES[:2])
    all_rows = _copied(bench, _TABLES)
    tell(
        "loader, full stream",
        per_second=round(drained),
        bare_copy_of_raw_and_flat_per_second=round(rows),
        ratio=round(drained / rows, 2),
        bare_copy_with_links_per_second=round(all_rows),
        ratio_with_links=round(drained / all_rows, 2),
    )


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
