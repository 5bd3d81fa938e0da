"""`python -m app up`: the whole system in the foreground."""

import argparse
from typing import Any

from app.config import load_settings
from app.platform.logs import configure_logs
from app.stack.launcher import run_stack


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "up",
        help="run everything: stores (embedded unless DATABASE_URL and REDIS_URL are set), API, worker, scheduler",
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; 0 after a clean stop, 1 when something keeps it from starting."""
    settings = load_settings(running_stack=False)
    configure_logs(settings.log_level, settings.log_format, "launcher")
    return run_stack(settings)
