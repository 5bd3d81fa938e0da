"""`python -m app migrate`: bring the database to the newest schema, and the analysts' role to what it may read."""

import argparse
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from app.config import Settings, get_settings
from app.database import make_engine
from app.platform.logs import configure_logs, get_logger
from app.warehouse.reader_role import grant_reading

log = get_logger(__name__)

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
    if settings.reader_password:
        _let_analysts_read(settings, settings.reader_password)
    return 0


def _let_analysts_read(settings: Settings, password: str) -> None:
    """Make the analysts' role. Where that is not allowed everything but SQL for analysts works, so it is only told."""
    engine = make_engine(settings, application="7taps-analytics migrations")
    try:
        granted = grant_reading(engine, password, timeout_seconds=settings.sql_timeout_seconds)
    except DBAPIError as error:
        told = str(error.orig).strip().split("\n")[0]
        log.warning("the role for analysts cannot be made; docs/sql.md says how to make it by hand", error=told)
    else:
        if granted.left_open:
            log.warning(
                "free SQL stays off: the analysts' role can do too much", role=granted.role, may=granted.left_open
            )
    finally:
        engine.dispose()
