"""`python -m app demo`: send a made-up course to the running system, as 7taps would."""

import argparse
import math
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.demo_course import COURSE_NAME
from app.cli.demo_plan import MAX_COHORTS, Plan, generate
from app.cli.demo_statements import Delivery
from app.cli.sending import (
    DEFAULT_PATIENCE_SECONDS,
    Answer,
    CannotRun,
    Interrupted,
    Pipeline,
    Server,
    credentials,
    send_all,
)
from app.config import RUNNING_STACK_FILE, Settings, get_settings

SHOWN_SURPRISES = 5

_TABLE_WIDTH = 110


@dataclass(slots=True)
class Totals:
    """What became of the deliveries. surprises: what went otherwise than planned, one line each."""

    stored: int = 0
    repeated: int = 0
    refused_as_planned: int = 0
    surprises: list[str] = field(default_factory=list)
    quirks: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser the arguments of `run_demo`, under the names of its parameters."""
    parser.description = (
        f"Send a made-up course ({COURSE_NAME}) to the running system, one statement per request as"
        " 7taps does, then print who completed what. The same seed and day make the same"
        " statements, so running it again adds nothing."
    )
    number: dict[str, Any] = {"type": int, "metavar": "N"}
    parser.add_argument("--learners", default=300, help="people (default: %(default)s)", **number)
    parser.add_argument("--days", default=30, help="days it lasts (default: %(default)s)", **number)
    parser.add_argument("--seed", default=7, help="another number, another course", **number)
    parser.add_argument("--cohorts", default=4, help=f"1 to {MAX_COHORTS} (default: %(default)s)", **number)
    parser.add_argument("--url", help="address of the server (default: the one in the settings)")
    parser.add_argument("--in-flight", default=8, help="connections (default: %(default)s)", **number)
    parser.add_argument(
        "--ends-on",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the day before which it all happens (default: today, in UTC)",
    )
    parser.add_argument(
        "--patience-seconds",
        type=float,
        default=DEFAULT_PATIENCE_SECONDS,
        help="how long to try again when the server is away or answers 503 (default: %(default)g)",
    )


def run_demo(
    *,
    learners: int = 300,
    days: int = 30,
    seed: int = 7,
    cohorts: int = 4,
    url: str | None = None,
    in_flight: int = 8,
    ends_on: date | None = None,
    user: str | None = None,
    password: str | None = None,
    admin_token: str | None = None,
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
) -> int:
    """Send the course, print the report on stdout, and answer with the exit code.

    What is None comes from the settings; ends_on is then today in UTC. 0: everything went as
    planned, 1: some deliveries did not, 2: the demo cannot run, 130: stopped with Ctrl-C.
    """
    totals = Totals()
    try:
        if in_flight < 1 or not math.isfinite(patience_seconds) or patience_seconds < 0:
            raise CannotRun("--in-flight is at least 1, --patience-seconds at least 0.")
        settings = get_settings()
        name, secret = credentials(settings, user, password)
        plan = _plan(seed, ends_on or datetime.now(UTC).date(), learners, days, cohorts)
        with Server(
            url or settings.base_url,
            user=name,
            password=secret,
            admin_token=admin_token or settings.admin_token,
            connections=in_flight,
            patience_seconds=patience_seconds,
        ) as server:
            _demo(server, plan, totals, in_flight, settings)
    except CannotRun as error:
        if totals.seconds:
            _print_totals(totals)
        print(f"demo: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _print_totals(totals)
        print("demo: stopped. Run it again to send the rest.", file=sys.stderr)
        return 130
    return 1 if totals.surprises else 0


def _plan(seed: int, ends_on: date, learners: int, days: int, cohorts: int) -> Plan:
    try:
        return generate(seed=seed, ends_on=ends_on, learners=learners, days=days, cohorts=cohorts)
    except ValueError as error:
        raise CannotRun(f"This course cannot be made up: {error}.") from error


def _demo(server: Server, plan: Plan, totals: Totals, in_flight: int, settings: Settings) -> None:
    health = server.check_reachable()
    if health != 200:
        raise CannotRun(f"{server.base_url}/health answers {health}: the system is not well.")
    before = server.wait_until_loaded()
    ids = [str(server.put_cohort(one.slug, one.as_request())["id"]) for one in plan.cohorts]
    _send(server, plan, totals, in_flight)
    after = server.wait_until_loaded()
    if after is None:
        print("demo: still loading; the report below is not complete yet.", file=sys.stderr)
    _print_report([server.completions(one) for one in ids])
    _print_totals(totals)
    _print_change(before, after)
    _print_addresses(server.base_url, ids, settings)


def _send(server: Server, plan: Plan, totals: Totals, in_flight: int) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    started = monotonic()
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Sending", total=len(plan.events))

        def send(one: Delivery) -> tuple[Delivery, Answer | None]:
            with suppress(Interrupted):
                return one, server.put_statement(one.statement_id, one.body)
            return one, None

        def count(sent: tuple[Delivery, Answer | None]) -> None:
            one, answer = sent
            if answer is not None:
                _count(totals, one, answer)
                progress.advance(task)

        try:
            send_all(plan.deliveries(), send, count, server=server, in_flight=in_flight)
        finally:
            totals.seconds = monotonic() - started


def _count(totals: Totals, one: Delivery, answer: Answer) -> None:
    if one.quirk:
        totals.quirks[one.quirk] += 1
    if one.to_be_refused and answer.status == 400:
        totals.refused_as_planned += 1
    elif one.to_be_refused or not answer.accepted:
        told = answer.problems[0].sentence() if answer.problems else answer.title
        totals.surprises.append(f"{one.statement_id} was answered {answer.status} {told}".rstrip())
    elif one.quirk == "repeat":
        totals.repeated += 1
    else:
        totals.stored += 1


def _print_report(reports: list[dict[str, Any]]) -> None:
    table = Table(title=f"{COURSE_NAME}: completed by", title_justify="left")
    table.add_column("Lesson")
    for report in reports:
        table.add_column(str(report["cohort"]["name"]), justify="right")
    for place, lesson in enumerate(reports[0]["lessons"]):
        rates = [_percent(report["lessons"][place]["rate"]) for report in reports]
        table.add_row(str(lesson["title"]), *rates)
    table.add_section()
    table.add_row("All lessons", *[_percent(report["rate"]) for report in reports])
    table.add_row("Learners", *[str(report["learner_count"]) for report in reports])
    # A pipe or a log has no width of its own; the usual 80 characters would squeeze the table.
    console = Console() if sys.stdout.isatty() else Console(width=_TABLE_WIDTH)
    console.print(table)


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.0%}"


def _print_totals(totals: Totals) -> None:
    sent = totals.stored + totals.repeated + totals.refused_as_planned + len(totals.surprises)
    for name, number in (
        ("sent", sent),
        ("repeated", totals.repeated),
        ("late", totals.quirks["late"]),
        ("clock ahead", totals.quirks["future"]),
        ("refused, as planned", totals.refused_as_planned),
        ("not as planned", len(totals.surprises)),
    ):
        print(f"{name:<20}{number:>10,}")
    print(f"{'seconds':<20}{totals.seconds:>10,.1f}")
    print(f"{'per second':<20}{sent / max(totals.seconds, 0.001):>10,.0f}")
    for surprise in totals.surprises[:SHOWN_SURPRISES]:
        print(f"  {surprise}")


def _print_change(before: Pipeline | None, after: Pipeline | None) -> None:
    if before is None or after is None:
        return
    new = after.raw_statements - before.raw_statements
    if new:
        print(f"\n{new:,} statements are new; the system has {after.raw_statements:,}.")
    else:
        print(f"\nNothing is new: all of it was there already ({after.raw_statements:,} in all).")
    print(f"In quarantine: {after.dead_letters:,}; the refused ones can be looked at there.")


def _print_addresses(base_url: str, ids: list[str], settings: Settings) -> None:
    report = f"{base_url}/api/reports/cohorts/{ids[0]}/completions"
    authorization = '-H "Authorization: Bearer $ADMIN_TOKEN"'
    running = settings.data_dir / RUNNING_STACK_FILE
    print(
        f"\nLook at\n  {base_url}/ui (log in with ADMIN_TOKEN)"
        f"\n  curl {authorization} {report}"
        f'\n  curl {authorization} "{report}?format=csv"'
        f"\nADMIN_TOKEN is in your environment, in .env, or in {running} while `make run` runs."
    )
