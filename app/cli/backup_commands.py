"""`python -m app backup | restore`: everything that was accepted, in one file, and back."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app import __version__
from app.cli import migrate
from app.config import Settings, get_settings
from app.errors import Conflict, Unreadable
from app.platform import clock
from app.platform.archive import read_archive, write_archive
from app.platform.dumping import Figures, dump, figures, patient_connection, restore, tables
from app.platform.redis import redis_client
from app.platform.stream_copy import copy_stream, put_back

DATABASE, STREAM = "database.dump", "stream.jsonl"
SCRIPTS = ScriptDirectory.from_config(Config(str(migrate.ALEMBIC_INI)))


def add_command(subparsers: Any) -> None:
    """Declare the commands."""
    out = subparsers.add_parser("backup", help="write database and stream into one file, while everything goes on")
    out.add_argument("file", metavar="FILE", help='where to; it must not exist yet. "-": to standard output')
    out.set_defaults(run=_backup)
    back = subparsers.add_parser("restore", help="put a backup into an empty database and an empty stream")
    back.add_argument("file", metavar="FILE", help='a file that `backup` wrote; "-": from standard input')
    back.set_defaults(run=_restore)


def _backup(arguments: argparse.Namespace) -> int:
    """Everything that was answered 2xx before this began is in the file: in the database's dump or the stream's copy.

    The parts are made beside the file first, so there has to be room for all of it twice.
    """
    settings = get_settings()
    with _work_folder(settings, arguments.file) as folder, _target(arguments.file) as target:
        # In this order: an entry leaves the stream when it is in the database, never the other way round.
        entries = copy_stream(redis_client(settings.required_redis_url), settings.stream_name, folder / STREAM)
        with patient_connection(settings) as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            revision = _revision(connection)
            dump(settings, connection, folder / DATABASE)
            seen = figures(connection)
            connection.rollback()
        told = {
            "made_at": clock.iso(clock.now()),
            "release": __version__,
            "revision": revision,
            "stream_entries": entries,
            "tables": seen,
        }
        write_archive(target, [folder / DATABASE, folder / STREAM], told)
        target.flush()
        if arguments.file != "-":
            os.fsync(target.fileno())
    rows = sum(count for count, _ in seen.values())
    print(f"{rows} rows of {len(seen)} tables and {entries} entries of the stream are saved.", file=sys.stderr)
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    """Check the file, fill the stores, compare, migrate. 1 when what is there afterwards is not what was saved."""
    settings = get_settings()
    client = redis_client(settings.required_redis_url)
    with _work_folder(settings, arguments.file) as folder:
        with _source(arguments.file) as source:
            manifest = read_archive(source, folder, (DATABASE, STREAM))
        _refuse_newer(manifest["revision"])
        if client.exists(settings.stream_name) and client.xlen(settings.stream_name):
            raise Conflict(f"The stream {settings.stream_name} is not empty: a backup goes into empty stores only.")
        with patient_connection(settings) as connection:
            if found := tables(connection):
                raise Conflict(f"The database has tables ({found[0]} …): a backup goes into an empty database only.")
            connection.commit()
            restore(settings, connection, folder / DATABASE)
            now = figures(connection)
        entries = put_back(client, settings.stream_name, folder / STREAM)
    wrong = differences({name: (rows, checksum) for name, (rows, checksum) in manifest["tables"].items()}, now)
    if entries != manifest["stream_entries"]:
        wrong.append(f"the stream has {entries} entries, {manifest['stream_entries']} were saved")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        return 1
    migrate.run(arguments)
    rows = sum(count for count, _ in now.values())
    print(f"{rows} rows of {len(now)} tables and {entries} entries of the stream are back, each checksum as saved.")
    return 0


def differences(saved: Figures, now: Figures) -> list[str]:
    """What is not as it was, in words; empty when everything is."""
    found = []
    for name in sorted({*saved, *now}):
        before, after = saved.get(name), now.get(name)
        if before is None or after is None:
            found.append(f"{name}: {'there was' if before is None else 'there is'} no such table")
        elif before[0] != after[0]:
            found.append(f"{name}: {after[0]} rows, {before[0]} were saved")
        elif before[1] != after[1]:
            found.append(f"{name}: {after[0]} rows as saved, but other content")
    return found


def _revision(connection: Connection) -> str:
    if "public.alembic_version" not in tables(connection):
        raise Conflict("The database has no tables yet; there is nothing to save.")
    return str(connection.scalar(text("SELECT version_num FROM public.alembic_version")))


def _refuse_newer(revision: str) -> None:
    if revision not in {script.revision for script in SCRIPTS.walk_revisions()}:
        raise Unreadable(f"The backup has revision {revision}, which this release does not know: use a newer release.")


@contextmanager
def _work_folder(settings: Settings, file: str) -> Iterator[Path]:
    """A folder for the parts: beside the file, where there is room for them, or in DATA_DIR."""
    beside = settings.data_dir.expanduser() if file == "-" else Path(file).resolve().parent
    if file == "-":
        beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=beside) as name:
        yield Path(name)


@contextmanager
def _target(file: str) -> Iterator[IO[bytes]]:
    """The file, for its owner alone; taken away again when it did not become whole."""
    if file == "-":
        yield sys.stdout.buffer
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(f"{file} is there already; a backup is never overwritten.") from error
    with os.fdopen(descriptor, "wb") as target, ExitStack() as unfinished:
        unfinished.callback(os.unlink, file)
        yield target
        unfinished.pop_all()


@contextmanager
def _source(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with open(file, "rb") as source:
            yield source
    except FileNotFoundError as error:
        raise Unreadable(f"There is no file {file}.") from error
