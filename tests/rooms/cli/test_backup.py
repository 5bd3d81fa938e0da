"""Backup and restore: what comes back is what was there; a file that is not right is refused before it does harm."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Connection, create_engine, text

from app.cli import backup_commands
from app.cli.backup_commands import differences
from app.cli.main import main
from app.config import Settings
from app.platform.dumping import OUR_SCHEMAS
from tests.conftest import Doors
from tests.statements import completed
from tests.stores import Stores

ROOT = Path(__file__).parents[3]
EMPTY = f"seventaps_restored_{os.getpid()}"
OTHER_STREAM = f"restored-{os.getpid()}"
LOAD = """
from app.config import get_settings
from app.consumers.statement_stream import StatementConsumer
from app.etl_streaming import the_stream
consumer = StatementConsumer(the_stream(), get_settings())
consumer.join_group()
while messages := consumer.take():
    consumer.handle(messages)
    if not the_stream().client.xlen(the_stream().name):
        break
"""
"""What a worker does with what waits, in a process that has other stores than this one."""


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m app …` as an operator runs it."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
    )


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Rows and a checksum of each table, by another way than the command's own."""
    engine = create_engine(Settings(database_url=url).sqlalchemy_url)
    found = {}
    with engine.connect() as connection:
        names = connection.execute(
            text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY (:schemas)"),
            {"schemas": list(OUR_SCHEMAS)},
        ).all()
        for schema, name in names:
            found[f"{schema}.{name}"] = tuple(
                connection.execute(
                    text(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {schema}.{name} t")
                ).one()
            )
    engine.dispose()
    return found  # type: ignore[return-value]


@pytest.fixture
def elsewhere(stores: Stores) -> Iterator[dict[str, str]]:
    """The settings of an empty database and an empty stream."""
    url = stores.create_database(EMPTY)
    yield {"DATABASE_URL": url, "STREAM_NAME": OTHER_STREAM}
    stores.drop_database(EMPTY)
    redis.Redis.from_url(stores.redis_url).delete(OTHER_STREAM)


@pytest.fixture
def filled(doors: Doors, drain: Callable[[], int]) -> list[str]:
    """Statements that are loaded, people, a dead letter, and statements that still wait on the stream; all ids."""
    loaded = [completed(f"learner{n}@example.org", n) for n in range(20)]
    waiting = [completed(f"späte{n}@example.org", n) for n in range(5)]
    assert doors.post(loaded).status_code == 200
    assert doors.client.put("/api/cohorts/spring", json={"name": "Früh\nling"}, headers=doors.admin).status_code < 300
    assert doors.put({"actor": "broken"}, loaded[0]["id"]).status_code == 400
    drain()
    assert [doors.put(one, one["id"]).status_code for one in waiting] == [204] * 5
    return [one["id"] for one in (*loaded, *waiting)]


def test_what_was_saved_comes_back_and_what_waited_is_loaded_there(
    filled: list[str], elsewhere: dict[str, str], stores: Stores, tmp_path: Path
) -> None:
    file = tmp_path / "everything.backup"
    saved = command("backup", str(file))
    assert saved.returncode == 0, saved.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    back = command("restore", str(file), **elsewhere)
    assert back.returncode == 0, back.stderr
    before, after = contents(os.environ["DATABASE_URL"]), contents(elsewhere["DATABASE_URL"])
    assert before["bronze.statements_raw"][0] == 20
    assert before["ops.dead_letters"][0] == 1
    assert after == before
    client = redis.Redis.from_url(stores.redis_url)
    assert client.xrange(OTHER_STREAM) == client.xrange("statements")
    assert client.xlen(OTHER_STREAM) == 5
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, env={**os.environ, **elsewhere}, capture_output=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    engine = create_engine(Settings(database_url=elsewhere["DATABASE_URL"]).sqlalchemy_url)
    with engine.connect() as connection:
        there = {str(one) for one in connection.scalars(text("SELECT statement_id FROM silver.statements_flat"))}
    engine.dispose()
    assert there == set(filled)


def test_what_is_loaded_while_the_backup_is_made_is_in_it(
    filled: list[str], drain: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader takes everything off the stream right after the database was read: the copy has it already."""
    real = backup_commands.dump

    def then_the_loader_runs(settings: Settings, connection: Connection, path: Path) -> None:
        real(settings, connection, path)
        assert drain() == 5

    monkeypatch.setattr(backup_commands, "dump", then_the_loader_runs)
    file = tmp_path / "backup"
    assert main(["backup", str(file)]) == 0
    with tarfile.open(file) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert manifest["stream_entries"] == 5
    assert manifest["tables"]["bronze.statements_raw"][0] == 20


def test_it_goes_through_pipes_too(filled: list[str], elsewhere: dict[str, str]) -> None:
    saved = command("backup", "-")
    assert saved.returncode == 0, saved.stderr
    back = subprocess.run(
        [sys.executable, "-m", "app", "restore", "-"],
        cwd=ROOT,
        env={**os.environ, **elsewhere},
        input=saved.stdout,
        capture_output=True,
        check=False,
    )
    assert back.returncode == 0, back.stderr
    assert contents(elsewhere["DATABASE_URL"]) == contents(os.environ["DATABASE_URL"])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda whole: whole[: len(whole) // 2], b"backup"),
        (lambda whole: whole[:5_000] + bytes([whole[5_000] ^ 1]) + whole[5_001:], b"damaged"),
        (lambda _whole: b"no tar at all", b"cannot be read"),
        (lambda _whole: b"", b"cannot be read"),
    ],
    ids=["cut off", "one bit", "something else", "nothing"],
)
def test_a_file_that_is_not_right_is_refused_and_nothing_is_written(
    harm: Callable[[bytes], bytes], told: bytes, filled: list[str], elsewhere: dict[str, str], tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    assert command("backup", str(whole)).returncode == 0
    harmed = tmp_path / "harmed"
    harmed.write_bytes(harm(whole.read_bytes()))
    back = command("restore", str(harmed), **elsewhere)
    assert back.returncode == 2
    assert told in back.stderr
    assert b"Traceback" not in back.stderr
    assert contents(elsewhere["DATABASE_URL"]) == {}


def test_only_empty_stores_are_filled_and_no_backup_is_overwritten(
    filled: list[str], elsewhere: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    assert command("backup", str(file)).returncode == 0
    kept = file.read_bytes()
    again = command("backup", str(file))
    assert again.returncode == 2
    assert b"never overwritten" in again.stderr
    assert file.read_bytes() == kept
    before = contents(os.environ["DATABASE_URL"])
    full_database = command("restore", str(file), STREAM_NAME=OTHER_STREAM)
    assert full_database.returncode == 2
    assert b"empty database only" in full_database.stderr
    full_stream = command("restore", str(file), DATABASE_URL=elsewhere["DATABASE_URL"])
    assert full_stream.returncode == 2
    assert b"not empty" in full_stream.stderr
    assert contents(os.environ["DATABASE_URL"]) == before
    assert contents(elsewhere["DATABASE_URL"]) == {}


def test_differences_are_told_by_table() -> None:
    saved = {"a": (1, "1"), "b": (2, "2"), "c": (3, "3")}
    assert differences(saved, dict(saved)) == []
    assert differences(saved, {"a": (1, "9"), "b": (1, "2"), "d": (0, "0")}) == [
        "a: 1 rows as saved, but other content",
        "b: 1 rows, 2 were saved",
        "c: there is no such table",
        "d: there was no such table",
    ]
