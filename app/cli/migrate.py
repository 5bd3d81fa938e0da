"""`python -m app migrate`: bring the database to the newest schema."""

import argparse
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

from app.config import get_settings
from app.platform.logs import configure_logs

ALEMBIC_INI = Path(__file__).parents[2] / "alembic.ini"


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("migrate", help="bring the database to the newest schema; safe to run at any time")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Upgrade to head, under an advisory lock: of two deploys at once the second one waits and finds nothing to do."""
    settings = get_settings()
    configure_logs(settings.log_level, settings.log_format, "migrate")
    command.upgrade(Config(str(ALEMBIC_INI)), "head")
    return 0
