"""Traces and counts of several real processes: an API, a worker, and a collector that decodes what they export."""

import contextlib
import os
import subprocess
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import create_engine, text

from app.config import Settings
from app.streaming import StreamEntry
from tests.flow.telemetry import ROOT, Collector, Processes, collector, database, heard, running, traced  # noqa: F401
from tests.flow.test_system import free_port, wait_for
from tests.statements import completed
from tests.stores import Stores

pytestmark = pytest.mark.flow
CONSUMER, SERVER, PRODUCER = 5, 2, 4
"""SpanKind in OTLP."""


def test_a_batch_is_linked_to_each_request_and_belongs_to_none(traced: Processes, heard: Collector) -> None:
    doors = []
    for way in ("long", "short", "short"):  # The first one has to prove its credential.
        traced.put(completed())
        door = heard.wait("PUT /api/xapi/statements")
        assert (door.kind, door.parent, door.service) == (SERVER, "", "7taps-analytics-api"), way
        assert door.attributes["http.route"] == "/api/xapi/statements"
        assert door.attributes["http.response.status_code"] == 204
        assert ("seventaps.short_way" in door.attributes) == (way == "short")
        append = heard.wait("stream.append", trace=door.trace)
        assert (append.kind, append.parent) == (PRODUCER, door.id)
        doors.append((door.trace, door.id))
        heard.forget()
    old = StreamEntry(orjson.dumps(completed()), (uuid4(),), None, "1.0.3", "f" * 64).fields()
    assert b"traceparent" not in old
    traced.redis().xadd(traced.stream, old)  # type: ignore[arg-type]
    traced.redis().xadd(traced.stream, {**old, b"traceparent": b"00-rubbish"})  # type: ignore[arg-type]
    traced.start_worker()
    batch = heard.wait("statements.batch")
    assert (batch.kind, batch.parent, batch.service) == (CONSUMER, "", "7taps-analytics-worker")
    assert batch.links == doors
    assert batch.trace not in {trace for trace, _ in doors}
    assert batch.attributes["messaging.batch.message_count"] == 5
    load = heard.wait("batch.load", trace=batch.trace)
    assert load.parent == batch.id


def test_a_request_that_is_loaded_alone_is_one_trace_with_whoever_sent_it(traced: Processes, heard: Collector) -> None:
    if traced.worker is None:
        traced.start_worker()
    sender_trace, sender_span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    traced.put(completed(), traceparent=f"00-{sender_trace}-{sender_span}-01")
    door = heard.wait("PUT /api/xapi/statements")
    assert (door.trace, door.parent) == (sender_trace, sender_span)
    batch = heard.wait("statements.batch")
    assert (batch.trace, batch.parent, batch.links) == (sender_trace, door.id, [(door.trace, door.id)])
    assert heard.wait("batch.load").parent == batch.id
    # One that nobody wants sampled is not sampled further on either.
    heard.forget()
    traced.put(completed(), traceparent=f"00-{'a' * 32}-{sender_span}-00")
    traced.put(completed(), traceparent=f"00-{'b' * 32}-{sender_span}-01")
    heard.wait("batch.load", trace="b" * 32)
    assert {span.trace for span in heard.spans} == {"b" * 32}


def test_no_span_tells_what_was_asked_for_or_sent(traced: Processes, heard: Collector) -> None:
    agent = '{"mbox":"mailto:private.person@example.org"}'
    headers = {"X-Experience-API-Version": "1.0.3"}
    found = traced.client.get("/xapi/statements", params={"agent": agent, "limit": "1"}, headers=headers)
    assert found.status_code == 200
    span = heard.wait("GET /xapi/statements")
    assert span.attributes["url.query"] == "agent=&limit="
    refused = traced.client.post("/xapi/statements", json={"actor": "private.person"}, headers=headers)
    assert refused.status_code == 400
    assert heard.wait("POST /xapi/statements").attributes["http.response.status_code"] == 400
    traced.client.get("/health/ready")
    traced.put(completed())
    heard.wait("PUT /api/xapi/statements")
    assert "private.person" not in heard.raw
    assert not [span for span in heard.spans if "health" in span.name]


@pytest.mark.parametrize("module", ["app.main; app.main.create_app()", "app.worker"])
def test_without_a_collector_no_exporter_is_loaded(database: str, module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "sys.exit(sorted({'opentelemetry.exporter', 'opentelemetry.sdk.trace', 'requests'} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "DATABASE_URL": database}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, b"")


def test_a_collector_that_is_away_harms_nobody(database: str) -> None:
    """Both processes work, and end within their time (`running` waits for that)."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running(database, OTEL_EXPORTER_OTLP_ENDPOINT=nowhere) as processes:
        processes.start_worker()
        for _ in range(3):
            processes.put(completed())
        assert wait_for(lambda: processes.counted("statements_loaded_total", outcome="new") == 3)


def test_an_ending_process_tells_its_last_spans(database: str, heard: Collector) -> None:
    patient = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_EXPORTER_OTLP_ENDPOINT": heard.address}
    with running(database, **patient) as processes:
        processes.start_worker()
        processes.put(completed())
        wait_for(lambda: processes.redis().xlen(processes.stream) == 0)
        assert heard.spans == []
    assert {span.service for span in heard.spans} == {"7taps-analytics-api", "7taps-analytics-worker"}


def test_one_address_tells_the_counts_of_all_processes_whoever_dies(database: str) -> None:
    """Each count once: after a clean end, after a kill, and after the counts of the dead were added to the past."""
    with running(database) as processes:
        sent = 0
        for killed in (False, True, True):
            processes.start_worker()
            for _ in range(5):
                processes.put(completed())
            sent += 5
            wait_for(lambda: processes.counted("statements_loaded_total", outcome="new") == sent)  # noqa: B023
            assert processes.counted("processes", kind="worker") >= 1
            processes.end_worker(killed=killed)
            if not killed:
                assert processes.counted("processes", kind="worker") == 0
            assert processes.counted("statements_loaded_total", outcome="new") == sent
        client = processes.redis()
        words = f"{processes.stream}:metrics:last-words"
        for name in client.zrange(words, 0, -1):
            if name.startswith(b"worker"):
                client.zadd(words, {name: 0})
        for _ in range(2):
            assert processes.counted("statements_loaded_total", outcome="new") == sent == 15
        assert processes.counted("statements_accepted_total", door="plain") == sent
        assert processes.counted("processes", kind="worker") == 0
        assert processes.counted("processes", kind="api") == 1


def test_jobs_are_counted_by_outcome_and_the_sweep_by_what_it_did(stores: Stores, fresh_database: str) -> None:
    from app.jobs.reconcile import JOB

    # Job queues have no stream's name in theirs: a database of Redis for this test alone, or another worker takes them.
    own_queues = urlsplit(stores.redis_url)._replace(path="/7").geturl()

    def sweep() -> None:
        code = "from app.jobs.reconcile import reconcile; reconcile.send()"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=processes.environment, check=True)

    with running(fresh_database, ETL_MODE="incremental", REDIS_URL=own_queues) as processes:
        processes.put(completed())
        assert processes.counted("requests_queued_total", store="bronze") == 1
        processes.start_worker()
        sweep()
        wait_for(lambda: processes.counted("statements_swept_total", outcome="new") == 1)
        engine = create_engine(Settings(database_url=fresh_database).sqlalchemy_url)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE ops.job_runs RENAME TO no_runs"))
        engine.dispose()
        sweep()
        wait_for(lambda: _runs(processes, JOB) == {"done": 1, "failed": 1})


def _runs(processes: Processes, job: str) -> dict[str, float]:
    runs = {}
    for outcome in ("done", "failed"):
        with contextlib.suppress(StopIteration):
            runs[outcome] = processes.counted("job_runs_total", job=job, outcome=outcome)
    return runs
