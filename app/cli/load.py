"""`python -m app load FILE`: send a file of statements, and account for every one of them."""

import argparse
import math
import sys
import unicodedata
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.load_batches import BatchResult, Totals, batches, post_batch
from app.cli.sending import (
    DEFAULT_PATIENCE_SECONDS,
    CannotRun,
    Server,
    credentials,
    send_all,
)
from app.cli.statement_files import Refused, StatementFile, open_statements
from app.config import get_settings

SHOWN_REFUSALS = 20

_DESCRIPTION = """\
Send xAPI statements from FILE ("-": the standard input) to POST /xapi/statements, in batches.

FILE holds a JSON array of statements, one statement, statements one after another, or one
statement per line; gzip or not. What it is, its content tells. It is read as a stream, so it may
be larger than memory.

A load is resumable by being run again: a statement without an id gets one that follows from its
content, and a server that has a statement already takes an equal one quietly, so nothing is stored
twice. (Two statements without an id and with the same content therefore count as one.)

When the server refuses a batch because of some statements, the others in it are sent again
without those.
"""
_EPILOG = """\
Exit code: 0 every statement was accepted, 1 some were refused, 2 the load cannot run or could not
go on (no server, wrong credentials, unreadable file), 130 stopped with Ctrl-C.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser the arguments of `run_load`, under the names of its parameters."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", metavar="FILE", help='a file of statements, or "-"')
    parser.add_argument("--url", help="address of the server (default: the one in the settings)")
    parser.add_argument("--user", help="user name, or the path of a PEM file (default: PUBLIC_PEM)")
    parser.add_argument(
        "--password",
        help="password, or the path of a PEM file (default: SECRET_PEM, which no ps shows)",
    )
    parser.add_argument("--batch", type=int, default=500, help="statements per request (default: %(default)s)")
    parser.add_argument("--in-flight", type=int, default=4, help="requests at the same time (default: %(default)s)")
    parser.add_argument(
        "--version-header",
        default="1.0.3",
        help="X-Experience-API-Version to send (default: %(default)s)",
    )
    parser.add_argument(
        "--patience-seconds",
        type=float,
        default=DEFAULT_PATIENCE_SECONDS,
        help="how long to try again when the server is away or answers 503 (default: %(default)g)",
    )
    parser.add_argument(
        "--refused",
        metavar="FILE.jsonl",
        help="write every refused statement here, with its problems",
    )
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="wait until all is loaded and tell new from already there; needs ADMIN_TOKEN"
        " (default: on for the server in the settings when ADMIN_TOKEN is set)",
    )


def run_load(
    *,
    file: str,
    url: str | None = None,
    user: str | None = None,
    password: str | None = None,
    admin_token: str | None = None,
    batch: int = 500,
    in_flight: int = 4,
    version_header: str = "1.0.3",
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
    refused: str | None = None,
    wait: bool | None = None,
) -> int:
    """Send the statements of `file`, account for them on stdout, and answer with the exit code.

    What is None comes from the settings. wait: True and False say so, None waits if we may: the
    ADMIN_TOKEN in the settings is for the server in the settings, so it is not shown to another
    `url` unless asked to.
    """
    totals, started = Totals(), monotonic()
    try:
        if batch < 1 or in_flight < 1 or not math.isfinite(patience_seconds) or patience_seconds < 0:
            raise CannotRun("--batch and --in-flight are at least 1, --patience-seconds at least 0.")
        settings = get_settings()
        name, secret = credentials(settings, user, password)
        base_url = url or settings.base_url
        own = base_url.rstrip("/") == settings.base_url or admin_token is not None
        token = (admin_token or settings.admin_token) if wait or own else None
        with ExitStack() as stack:
            statements = stack.enter_context(open_statements(file))
            report = stack.enter_context(_opened_report(refused, file)) if refused else None
            server = stack.enter_context(
                Server(
                    base_url,
                    user=name,
                    password=secret,
                    admin_token=token,
                    version=version_header,
                    connections=in_flight,
                    patience_seconds=patience_seconds,
                )
            )
            server.check_reachable()
            before = _stored(server, needed=bool(wait)) if wait or (wait is None and token) else None
            try:
                _send(statements, server, totals, report, batch=batch, in_flight=in_flight)
            finally:
                totals.seconds = monotonic() - started
            if before is not None:
                after = _stored(server, needed=bool(wait))
                # Others may be sending too; then more is new on the server than we brought.
                totals.new = None if after is None else max(0, min(after - before, totals.accepted))
    except CannotRun as error:
        if totals.read:
            _print_summary(totals)
        print(f"load: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _print_summary(totals)
        print("load: stopped. Run it again to send the rest.", file=sys.stderr)
        return 130
    _print_summary(totals)
    return 1 if totals.refused else 0


def _send(
    statements: StatementFile,
    server: Server,
    totals: Totals,
    report: BinaryIO | None,
    *,
    batch: int,
    in_flight: int,
) -> None:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("0 statements", total=statements.size)
        broken: list[Refused] = []

        def refuse(one: Refused) -> None:
            totals.refused += 1
            if len(totals.first_refused) < SHOWN_REFUSALS:
                totals.first_refused.append(one)
            if report:
                try:
                    report.write(one.as_json_line())
                except OSError as error:
                    raise CannotRun(f"--refused cannot be written: {error.strerror}") from error

        def count_broken() -> None:
            for one in broken:
                refuse(one)
            broken.clear()

        def count(result: BatchResult) -> None:
            totals.accepted += result.accepted
            for one in result.refused:
                refuse(one)
            count_broken()
            told = f"{totals.accepted:,} statements" + (f", {totals.refused:,} refused" if totals.refused else "")
            progress.update(task, description=told, completed=statements.position)

        try:
            send_all(
                batches(iter(statements), totals, broken, batch),
                lambda one: post_batch(server, one),
                count,
                server=server,
                in_flight=in_flight,
            )
        finally:
            count_broken()


def _stored(server: Server, *, needed: bool) -> int | None:
    """How many statements are stored once nothing is queued; None when it cannot be told."""
    try:
        loaded = server.wait_until_loaded()
    except CannotRun:
        if needed:
            raise
        return None
    if loaded is None:
        print("load: the server is still loading what it accepted.", file=sys.stderr)
        return None
    return loaded.raw_statements


def _opened_report(refused: str, file: str) -> BinaryIO:
    if file != "-" and Path(refused).resolve() == Path(file).resolve():
        raise CannotRun("--refused would overwrite the file that is being loaded.")
    try:
        return Path(refused).open("wb")
    except OSError as error:
        raise CannotRun(f"{refused} cannot be written: {error.strerror or error}") from error


def _print_summary(totals: Totals) -> None:
    lines = [("read", totals.read)]
    if totals.new is None:
        lines += [("accepted", totals.accepted)]
    else:
        lines += [("new", totals.new), ("already there", totals.accepted - totals.new)]
    if totals.repeated:
        lines += [("repeated", totals.repeated)]
    lines += [("refused", totals.refused)]
    for name, number in lines:
        print(f"{name:<14}{number:>12,}")
    print(f"{'seconds':<14}{totals.seconds:>12,.1f}")
    print(f"{'per second':<14}{totals.accepted / max(totals.seconds, 0.001):>12,.0f}")
    if totals.first_refused:
        shown = len(totals.first_refused)
        of = f", {shown} of {totals.refused:,}" if totals.refused > shown else ""
        print(f"\nRefused{of}:")
        for one in totals.first_refused:
            for problem in one.problems:
                print(_printable(f"  {one.place}: {problem.sentence()}"))


def _printable(text: str) -> str:
    """Without control characters: what a statement contains must not steer the terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(one)[0] == "C" else one for one in text)
