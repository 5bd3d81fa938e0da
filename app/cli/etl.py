"""`python -m app etl`: the sweep, by hand."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.config import get_settings
from app.database import is_passing
from app.etl_rebuild import restore_missing
from app.jobs.reconcile import sweep
from app.platform import clock
from app.platform.logs import configure_logs

MOST_DAYS = 36_500
MOST_SECONDS = 86_400.0


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("etl", help="flatten raw statements that have no flat row")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--once", action="store_true", help="until nothing is waiting, then end")
    how.add_argument("--watch", action="store_true", help="again and again until Ctrl-C")
    parser.add_argument(
        "--interval-seconds", type=_seconds, default=60, metavar="N", help="pause between two sweeps (default 60)"
    )
    parser.add_argument(
        "--window-days",
        type=_days,
        metavar="N",
        help="look again at everything stored in the last N days: what has lost its flat row gets it back",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sweep once, or until Ctrl-C or SIGTERM; prints what was flattened. Watching outlives a database that is away."""
    settings = get_settings()
    configure_logs(settings.log_level, settings.log_format, "etl")
    if arguments.once:
        print(_turn(settings.etl_batch_statements, arguments.window_days), flush=True)
        return 0
    with _sigterm_as_ctrl_c():
        try:
            while True:
                _try_turn(settings.etl_batch_statements, arguments.window_days, arguments.interval_seconds)
                time.sleep(arguments.interval_seconds)
        except KeyboardInterrupt:
            print("stopped", flush=True)
            return 0


def _try_turn(batch_statements: int, window_days: int | None, interval_seconds: float) -> None:
    try:
        print(_turn(batch_statements, window_days), flush=True)
    except (DBAPIError, PoolTimeout) as error:
        if not is_passing(error):
            raise
        told = str(getattr(error, "orig", None) or error).strip()
        print(
            f"the database does not answer; trying again in {interval_seconds:g} s: {told}", file=sys.stderr, flush=True
        )


def _turn(batch_statements: int, window_days: int | None) -> str:
    done = sweep(batch_statements)
    told = f"flattened {done.new}, buried {done.buried}"
    if window_days is None:
        return told
    since = clock.now() - timedelta(days=window_days)
    return f"{told}, restored {restore_missing(since, batch_statements=batch_statements).flat_written}"


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM, by which services are stopped, end the watch as Ctrl-C does: the batch in hand is rolled back."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no number of days to look back; a whole number from 1 to {MOST_DAYS}."
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= MOST_SECONDS:
        return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no pause in seconds; a number above 0, {MOST_SECONDS:.0f} at most.")
