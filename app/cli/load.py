"""`python -m app load FILE`: send a file of statements, and account for every one of them."""

import argparse
import math
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.sending import (
    DEFAULT_PATIENCE_SECONDS,
    CannotRun,
    Interrupted,
    Server,
    credentials,
    send_all,
)
from app.cli.statement_files import Refused, Statement, StatementFile, open_statements
from app.config import get_settings
from app.errors import Problem

BATCH_BYTES = 4 * 2**20
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


@dataclass(slots=True)
class BatchResult:
    """What became of one batch."""

    accepted: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class Totals:
    """What became of the file so far. repeated: equal statements within one batch, sent once."""

    read: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    first_refused: list[Refused] = field(default_factory=list)
    new: int | None = None
    seconds: float = 0.0


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


def post_batch(server: Server, batch: list[Statement]) -> BatchResult:
    """Send a batch; if some statements get it refused, send the rest again without those."""
    result, waiting = BatchResult(), [batch]
    while waiting:
        statements = waiting.pop()
        try:
            answer = server.post_statements([one.body for one in statements])
        except Interrupted:
            return result
        if answer.accepted:
            result.accepted += len(statements)
            continue
        told: dict[int, list[Problem]] = {}
        for problem in answer.problems:
            index, path = _split_path(problem.path)
            if index is not None and index < len(statements):
                told.setdefault(index, []).append(Problem(path, problem.message, problem.expected))
        bad = {index for index in answer.refused if index < len(statements)} | told.keys()
        if len(statements) == 1:
            reasons = told.get(0) or list(answer.problems)
            fallback = Problem("$", answer.title or f"The server answered {answer.status}.")
            result.refused.append(_refused(statements[0], tuple(reasons) or (fallback,)))
        elif not bad or answer.status == 413:
            # It does not say which (or there are simply too many): halves find out.
            middle = len(statements) // 2
            waiting += [statements[middle:], statements[:middle]]
        else:
            # A server may cap its list of problems: those it refused without a word are asked about
            # again, by themselves; once none of them gets a word, one by one.
            unexplained = [statements[index] for index in sorted(bad - told.keys())]
            result.refused += [_refused(statements[index], tuple(told[index])) for index in sorted(told)]
            waiting += [unexplained] if told and unexplained else [[one] for one in unexplained]
            good = [one for index, one in enumerate(statements) if index not in bad]
            waiting += [good] if good else []
    return result


def batches(
    statements: Iterator[Statement | Refused], totals: Totals, broken: list[Refused], size: int
) -> Iterator[list[Statement]]:
    """Batches of at most `size` statements and BATCH_BYTES bytes; broken places go aside.

    No batch has an id twice, which a server must refuse: an equal repeat is left out and counted, a
    different statement under the same id starts the next batch, so that the server decides.
    """
    batch: dict[str, Statement] = {}
    taken = 0
    for one in statements:
        totals.read += 1
        if isinstance(one, Refused):
            broken.append(one)
            continue
        if (same := batch.get(one.id)) is not None and same.body == one.body:
            totals.repeated += 1
            continue
        if batch and (same is not None or len(batch) >= size or taken + len(one.body) > BATCH_BYTES):
            yield list(batch.values())
            batch, taken = {}, 0
        batch[one.id] = one
        taken += len(one.body) + 1
    if batch:
        yield list(batch.values())


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


def _split_path(path: str) -> tuple[int | None, str]:
    """`[3].actor.mbox` as 3 and `actor.mbox`; the statement itself is `$`."""
    number, bracket, rest = path.removeprefix("$").partition("]")
    if not bracket or not number.startswith("[") or not number[1:].isdigit():
        return None, path
    return int(number[1:]), rest.lstrip(".") or "$"


def _refused(statement: Statement, problems: tuple[Problem, ...]) -> Refused:
    return Refused(statement.place, statement.source, problems)


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
