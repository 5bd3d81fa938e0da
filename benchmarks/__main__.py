"""`python -m benchmarks`: starts stores of its own in a temporary directory and prints one JSON line per figure."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import orjson

from app.cli.demo_plan import generate
from app.lrs.validation import validate_statement
from app.platform import keys
from app.platform.logs import configure_logs
from app.stack.ports import remembered_port
from app.stack.postgres import EmbeddedPostgres
from app.stack.redis import EmbeddedRedis
from benchmarks.client import put_request, requests_per_second

CONNECTIONS = 16
ROUNDS = 3


def main() -> None:
    """Every figure, one after the other."""
    configure_logs("WARNING", "console", "bench")
    bodies = _answered_bodies(4_000)
    _tell("statement size", bytes=sum(map(len, bodies)) // len(bodies), statements=len(bodies))
    _validation(bodies)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="seventaps-bench-"))
        folder.chmod(0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
        stack.callback(postgres.discard)
        stack.callback(redis.discard)
        pair = keys.new_key_pair()
        user, password = keys.one_line(pair.public_pem), keys.one_line(pair.secret_pem)
        os.environ |= {
            "DATABASE_URL": postgres.start(),
            "REDIS_URL": redis.start(),
            "DATA_DIR": str(folder),
            "PUBLIC_PEM": user,
            "ADMIN_TOKEN": "bench",
            "LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "-m", "app", "migrate"], check=True)
        _door(bodies, folder, base64.b64encode(f"{user}:{password}".encode()).decode())
        _drain(len(bodies) * ROUNDS)


def _answered_bodies(count: int) -> list[bytes]:
    """Answers of the demo course, the largest kind of statement 7taps sends."""
    plan = generate(seed=7, ends_on=date(2026, 3, 1))
    found = [d.body for d in plan.deliveries() if b"/verbs/answered" in d.body and validate(d.body)]
    return (found * (count // len(found) + 1))[:count]


def validate(body: bytes) -> bool:
    """Whether the body is a valid statement."""
    try:
        return not validate_statement(orjson.loads(body), "1.0")
    except orjson.JSONDecodeError:
        return False


def _validation(bodies: list[bytes]) -> None:
    """The cost of validating, against the cost of parsing the same bytes."""
    parse, check = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        parsed = [orjson.loads(body) for body in bodies]
        middle = time.perf_counter()
        for statement in parsed:
            validate_statement(statement, "1.0")
        parse.append((middle - started) / len(bodies) * 1e6)
        check.append((time.perf_counter() - middle) / len(bodies) * 1e6)
    _tell("validation", microseconds=round(min(check), 1), ratio_to_parsing=round(min(check) / min(parse), 2))


def _door(bodies: list[bytes], folder: Path, basic: str) -> None:
    """Single PUTs with durable acknowledgement, worker paused, against an empty FastAPI endpoint; rounds in turn."""
    door, empty = remembered_port(folder / "door"), remembered_port(folder / "empty")
    with _server("app.main:create_app", door, "--factory"), _server("benchmarks.empty:app", empty):
        limit, got = [], []
        for number in range(ROUNDS):
            limit.append(
                asyncio.run(requests_per_second(empty, [put_request("/empty", b) for b in bodies], CONNECTIONS))
            )
            requests = [
                put_request(
                    f"/api/xapi/statements?statementId=00000000-0000-4000-8000-{number:04x}{n:08x}",
                    _with_id(body, f"00000000-0000-4000-8000-{number:04x}{n:08x}"),
                    f"Authorization: Basic {basic}\r\n",
                )
                for n, body in enumerate(bodies)
            ]
            got.append(asyncio.run(requests_per_second(door, requests, CONNECTIONS)))
    _tell(
        "door, single PUT, one process",
        per_second=round(max(got)),
        empty_endpoint_per_second=round(max(limit)),
        ratio=round(max(got) / max(limit), 2),
    )


def _drain(statements: int) -> None:
    """The loader alone on a full stream, in this process, until nothing waits."""
    from app.config import get_settings  # noqa: PLC0415  (after the environment is set)
    from app.consumers.statement_stream import StatementConsumer  # noqa: PLC0415
    from app.etl_streaming import stream_state, the_stream  # noqa: PLC0415

    consumer = StatementConsumer(the_stream(), get_settings())
    consumer.join_group()
    started = time.perf_counter()
    while stream_state().length:
        consumer.handle(consumer.take())
    seconds = time.perf_counter() - started
    _tell("loader, full stream", statements=statements, per_second=round(statements / seconds))


def _with_id(body: bytes, statement_id: str) -> bytes:
    statement = orjson.loads(body)
    statement["id"] = statement_id
    return orjson.dumps(statement)


@contextmanager
def _server(app: str, port: int, *more: str) -> Iterator[None]:
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen([*command, *more])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{app} does not answer") from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def _tell(figure: str, **values: float) -> None:
    told = {"figure": figure, **values, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
