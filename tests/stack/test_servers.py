"""The embedded servers: real ones, started, killed, found again."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from app.stack.postgres import EmbeddedPostgres
from app.stack.problems import StackError
from app.stack.redis import EmbeddedRedis


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of the server can get into, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="seventaps-stack-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def sql(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def test_postgres_keeps_what_was_committed_through_kill_9(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    url = server.start()
    try:
        sql(url, "CREATE TABLE kept (n int)")
        sql(url, "INSERT INTO kept VALUES (1)")
        os.kill(server.pid, 9)
        server.process.wait()
        server.stop()
        again = EmbeddedPostgres(folder)
        assert again.start() == url
        assert sql(url, "SELECT n FROM kept") == [(1,)]
        assert sql(url, "SHOW data_checksums") == [("on",)]
        assert sql(url, "SHOW fsync") == [("on",)]
        again.stop()
    finally:
        server.discard()


def test_redis_keeps_what_was_acknowledged_through_kill_9(folder: Path) -> None:
    server = EmbeddedRedis(folder)
    url = server.start()
    try:
        client = redis.Redis.from_url(url)
        client.xadd("s", {b"a": b"1"})
        assert client.config_get("appendfsync") in ({"appendfsync": "always"}, {b"appendfsync": b"always"})
        os.kill(server.pid, 9)
        server.process.wait()
        server.stop()
        again = EmbeddedRedis(folder)
        assert again.start() == url
        assert redis.Redis.from_url(url).xlen("s") == 1
        again.stop()
    finally:
        server.discard()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_nobody_gets_in_without_the_password(folder: Path, kind: type[EmbeddedPostgres | EmbeddedRedis]) -> None:
    with kind(folder, durable=False) as server:
        wrong = server.url.replace(server.password_file.read_text().strip(), "wrong")
        assert wrong != server.url
        knock = (lambda: sql(wrong, "SELECT 1")) if kind is EmbeddedPostgres else redis.Redis.from_url(wrong).ping
        with pytest.raises((psycopg2.OperationalError, redis.AuthenticationError)):
            knock()
        assert server.password_file.stat().st_mode & 0o077 == 0
        server.discard()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_two_run_side_by_side_and_one_folder_has_one_server(
    folder: Path, kind: type[EmbeddedPostgres | EmbeddedRedis]
) -> None:
    first, second = kind(folder / "a", durable=False), kind(folder / "b", durable=False)
    try:
        assert first.start() != second.start()
        with pytest.raises(StackError, match="in use by process"):
            kind(folder / "a", durable=False).start()
    finally:
        first.discard()
        second.discard()


LEAVE_BEHIND = """
import os, sys
from pathlib import Path
from app.stack import postgres, processes, redis
processes._prctl = None  # as where no kernel ends a process with its parent
server = getattr({"EmbeddedPostgres": postgres, "EmbeddedRedis": redis}[sys.argv[1]], sys.argv[1])(Path(sys.argv[2]))
print(server.start(), server.pid, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_what_a_killed_launcher_left_running_does_not_hinder_the_next_start(
    folder: Path, kind: type[EmbeddedPostgres | EmbeddedRedis]
) -> None:
    left = subprocess.run(
        [sys.executable, "-c", LEAVE_BEHIND, kind.__name__, str(folder)], capture_output=True, text=True, check=False
    )
    url, pid = left.stdout.split()
    server = kind(folder)
    try:
        assert server.start() == url
        assert server.pid != int(pid)
        assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE
    finally:
        server.discard()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give its data to somebody else")
def test_as_root_data_under_a_closed_folder_is_kept_elsewhere_and_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data", durable=False)
    try:
        assert sql(server.start(), "SELECT 1") == [(1,)]
        assert closed not in server.server_dir.parents
        assert str(server.server_dir) in caplog.text
        assert str(closed) in caplog.text
    finally:
        server.discard()
    assert not server.server_dir.exists()


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / "file").write_text("in the way")
    with pytest.raises(StackError, match="file"):
        EmbeddedRedis(folder / "file" / "redis").start()
