"""`python -m app etl`: the sweep, by hand."""

import argparse
import time
from typing import Any

from app.config import get_settings
from app.jobs.reconcile import sweep
from app.platform.logs import configure_logs


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("etl", help="flatten raw statements that have no flat row")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--once", action="store_true", help="until nothing is waiting, then end")
    how.add_argument("--watch", action="store_true", help="again and again until Ctrl-C")
    parser.add_argument("--interval-seconds", type=float, default=60, help="pause between two sweeps (default 60)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sweep once, or until Ctrl-C; prints how many statements were flattened."""
    settings = get_settings()
    configure_logs(settings.log_level, settings.log_format, "etl")
    while True:
        done = sweep(settings.etl_batch_statements)
        print(f"flattened {done.new}, buried {done.buried}", flush=True)
        if arguments.once:
            return 0
        time.sleep(arguments.interval_seconds)
