"""A collector that decodes what processes export, and several real processes that export to it."""

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
from uuid import uuid4

import httpx
import pytest
import redis
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from tests.flow.test_system import free_port, wait_for
from tests.stores import Stores

ROOT = Path(__file__).parents[2]


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
