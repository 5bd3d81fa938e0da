"""`python -m benchmarks`: starts stores of its own in a temporary directory and prints one JSON line per figure."""

import argparse
import asyncio
import base64
import time
from datetime import date

import orjson

from app.cli.demo_plan import generate
from app.lrs.receiving import receive_one
from app.lrs.validation import validate_statement
from app.platform.logs import configure_logs
from app.stack.ports import remembered_port
from benchmarks import queries
from benchmarks.client import put_request, requests_per_second
from benchmarks.servers import Bench, server, stores
from benchmarks.telling import tell

CONNECTIONS = 16
ROUNDS = 3
FIGURES = ("validation", "door", "queries")


def main() -> None:
    """Every figure, one after the other, or those that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", help=f"some of {', '.join(FIGURES)}; all without any")
    parser.add_argument("--statements", type=int, default=1_000_000, help="how large a record is queried")
    arguments = parser.parse_args()
    wanted = arguments.figures or list(FIGURES)
    if unknown := set(wanted) - set(FIGURES):
        parser.error(f"{', '.join(sorted(unknown))}: only {', '.join(FIGURES)} can be measured")
    configure_logs("WARNING", "console", "bench")
    bodies = _answered_bodies(4_000)
    if "validation" in wanted:
        tell("statement size", bytes=sum(map(len, bodies)) // len(bodies), statements=len(bodies))
        _validation(bodies)
    if "door" in wanted:
        with stores() as bench:
            _door(bodies, bench)
            _drain(len(bodies) * ROUNDS)
    if "queries" in wanted:
        with stores() as bench:
            queries.measure(bench, arguments.statements)


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
    """Microseconds per statement: parsing, validating, and all that the door does to a PUT before it is durable."""
    ids = [orjson.loads(body)["id"] for body in bodies]
    parse, check, receive = [], [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        parsed = [orjson.loads(body) for body in bodies]
        parsed_at = time.perf_counter()
        for statement in parsed:
            validate_statement(statement, "1.0")
        checked_at = time.perf_counter()
        for body, statement_id in zip(bodies, ids, strict=True):
            receive_one(body, statement_id, "1.0.3")
        received_at = time.perf_counter()
        parse.append((parsed_at - started) / len(bodies) * 1e6)
        check.append((checked_at - parsed_at) / len(bodies) * 1e6)
        receive.append((received_at - checked_at) / len(bodies) * 1e6)
    for figure, times in (("validation", check), ("receiving (parse, validate, compare)", receive)):
        tell(
            figure,
            microseconds_per_statement=round(min(times), 1),
            ratio_to_parsing=round(min(times) / min(parse), 2),
        )


def _door(bodies: list[bytes], bench: Bench) -> None:
    """Single PUTs with durable acknowledgement, worker paused, against an empty FastAPI endpoint; rounds in turn."""
    basic = base64.b64encode(f"{bench.user}:{bench.password}".encode()).decode()
    door, empty = remembered_port(bench.folder / "door"), remembered_port(bench.folder / "empty")
    with server("app.main:create_app", door, "--factory"), server("benchmarks.empty:app", empty):
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
    tell(
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
    tell("loader, full stream", statements=statements, per_second=round(statements / seconds))


def _with_id(body: bytes, statement_id: str) -> bytes:
    statement = orjson.loads(body)
    statement["id"] = statement_id
    return orjson.dumps(statement)


if __name__ == "__main__":
    main()
