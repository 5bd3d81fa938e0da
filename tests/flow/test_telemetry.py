"""Traces and counts of several real processes: an API, a worker, and a collector that decodes what they export."""

import contextlib
import gzip
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson
import pytest
import redis
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text

from app.config import Settings
from app.streaming import StreamEntry
from tests.flow.test_system import free_port, wait_for
from tests.statements import completed
from tests.stores import Stores

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
CONSUMER, SERVER, PRODUCER = 5, 2, 4
"""SpanKind in OTLP."""


@dataclass
class Span:
    """A span as the collector got it."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: list[tuple[str, str]]
    attributes: dict[str, Any]


@dataclass
class Collector:
    """Takes OTLP over HTTP, as any collector does. raw: the decoded bodies as text, to look for what must not leave."""

    address: str = ""
    spans: list[Span] = field(default_factory=list)
    raw: str = ""

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        self.raw += str(request)
        for resource in request.resource_spans:
            service = {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"]
            for one in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans.append(
                    Span(
                        service,
                        one.name,
                        one.kind,
                        one.trace_id.hex(),
                        one.span_id.hex(),
                        one.parent_span_id.hex(),
                        [(link.trace_id.hex(), link.span_id.hex()) for link in one.links],
                        {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in one.attributes},
                    )
                )

    def wait(self, name: str, **wanted: Any) -> Span:
        """The first span of this name with these properties, as soon as it has come."""

        def found() -> list[Span]:
            return [s for s in self.spans if s.name == name and all(getattr(s, k) == v for k, v in wanted.items())]

        span: Span = wait_for(found)[0]
        return span

    def forget(self) -> None:
        self.spans.clear()
        self.raw = ""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collecting = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collecting.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    collecting.address = f"http://127.0.0.1:{server.server_port}"
    yield collecting
    server.shutdown()


@dataclass
class Processes:
    """An API and its workers, with a database and a stream of their own."""

    environment: dict[str, str]
    client: httpx.Client
    stream: str
    worker: "subprocess.Popen[bytes] | None" = None

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "dramatiq", "app.worker", "--processes", "1", "--threads", "2"]
        self.worker = subprocess.Popen(command, cwd=ROOT, env=self.environment, start_new_session=True)

    def end_worker(self, *, killed: bool = False) -> None:
        """Stop it with its last words, or kill it and everything that it started."""
        if self.worker is not None:
            if killed:
                os.killpg(self.worker.pid, 9)
            else:
                self.worker.terminate()
            self.worker.wait(30)
            self.worker = None

    def put(self, statement: dict[str, Any], **headers: str) -> None:
        parameters = {"statementId": statement["id"]}
        answer = self.client.put("/api/xapi/statements", params=parameters, json=statement, headers=headers)
        assert answer.status_code == 204, answer.text

    def counted(self, name: str, **labels: str) -> float:
        admin = {"Authorization": f"Bearer {self.environment['ADMIN_TOKEN']}"}
        page = self.client.get("/metrics", headers=admin, auth=None).text
        samples = (s for family in text_string_to_metric_families(page) for s in family.samples)
        return next(s.value for s in samples if (s.name, s.labels) == (f"seventaps_{name}", labels))

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.environment["REDIS_URL"])


@contextmanager
def running(database_url: str, **more: str) -> Iterator[Processes]:
    port, stream = free_port(), f"telemetry-{uuid4().hex[:8]}"
    fast = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
    environment = {**os.environ, "DATABASE_URL": database_url, "STREAM_NAME": stream, **fast, **more}
    command = [sys.executable, "-m", "uvicorn", "app.main:create_app", "--factory", "--port", str(port)]
    api = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    auth = (environment["PUBLIC_PEM"], environment["SECRET_PEM"])
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=auth, timeout=30)
    made = Processes(environment, client, stream)

    def alive() -> bool:
        assert api.poll() is None
        try:
            return client.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(alive)
        yield made
    finally:
        made.end_worker()
        api.terminate()
        api.wait(30)


@pytest.fixture(scope="module")
def database(stores: Stores) -> Iterator[str]:
    from tests.conftest import TEMPLATE

    name = f"seventaps_telemetry_{os.getpid()}"
    yield stores.create_database(name, TEMPLATE)
    stores.drop_database(name)


@pytest.fixture(scope="module")
def traced(database: str, collector: Collector) -> Iterator[Processes]:
    with running(database, OTEL_EXPORTER_OTLP_ENDPOINT=collector.address) as processes:
        yield processes


@pytest.fixture
def heard(collector: Collector) -> Collector:
    collector.forget()
    return collector


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
        wait_for(lambda: processes.counted("statements_loaded_total", outcome="new") == 3)


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
