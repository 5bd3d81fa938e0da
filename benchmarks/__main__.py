"""`python -m benchmarks`: starts stores of its own in a temporary directory and prints one JSON line per figure."""

import argparse
import time
from collections.abc import Callable
from datetime import date

import orjson

from app.cli.demo_plan import generate
from app.lrs.receiving import receive_one
from app.lrs.validation import validate_statement
from app.platform.logs import configure_logs
from benchmarks import door, growth, loader, personal, queries, reports, system
from benchmarks.servers import Bench, stores
from benchmarks.telling import tell

ROUNDS = 3
QUICK = ("validation", "door", "worker", "system", "queries", "reports")
LONG = ("memory", "growth", "personal")


def main() -> None:
    """The quick figures, one after the other, or those that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "figures", nargs="*", help=f"some of {', '.join(QUICK + LONG)}, or all; {', '.join(QUICK)} if none"
    )
    parser.add_argument("--statements", type=int, default=1_000_000, help="how large a record is queried")
    parser.add_argument("--seconds", type=int, default=60, help="how long everything together runs (memory: ten times)")
    arguments = parser.parse_args()
    wanted = QUICK + LONG if arguments.figures == ["all"] else arguments.figures or QUICK
    if unknown := set(wanted) - set(QUICK + LONG):
        parser.error(f"{', '.join(sorted(unknown))}: only {', '.join(QUICK + LONG)} can be measured")
    configure_logs("WARNING", "console", "bench")
    bodies = answered_bodies(4_000)
    measures: dict[str, Callable[[Bench], None]] = {
        "door": lambda bench: door.measure(bench, bodies),
        "worker": lambda bench: loader.measure(bench, bodies),
        "system": lambda bench: system.measure(bench, bodies, seconds=arguments.seconds),
        "queries": lambda bench: queries.measure(bench, arguments.statements),
        "reports": lambda bench: reports.measure(bench, arguments.statements),
        "personal": lambda bench: personal.measure(bench, arguments.statements),
        "memory": lambda bench: system.measure_memory(bench, bodies, seconds=arguments.seconds * 10),
    }
    if "validation" in wanted:
        tell("statement size", bytes=sum(map(len, bodies)) // len(bodies), statements=len(bodies))
        _validation(bodies)
    if "growth" in wanted:
        growth.measure(bodies)
    for figure in wanted:
        if figure in measures:
            with stores() as bench:
                measures[figure](bench)


def answered_bodies(count: int) -> list[bytes]:
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
    for figure, times in (("validation", check), ("receiving (parse, repeated keys, validate)", receive)):
        tell(
            figure,
            microseconds_per_statement=round(min(times), 1),
            ratio_to_parsing=round(min(times) / min(parse), 2),
        )


if __name__ == "__main__":
    main()
