"""`python -m app etl` and `python -m app rebuild`: what they say, what they refuse, how they end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import create_engine
from sqlalchemy import text as sql
from sqlalchemy.engine import make_url

from app.cli import rebuild
from app.cli.main import main
from app.config import get_settings
from tests.statements import completed
from tests.warehouse.record import voids
from tests.warehouse.rich import committed_rows, harm, load, rich_record, store

ROOT = Path(__file__).parents[3]
PATIENCE_S = 30.0


@pytest.mark.parametrize(
    ("arguments", "wrong", "right"),
    [
        (["--once", "--window-days", "0"], "'0' is no number of days to look back", "a whole number from 1 to 36500"),
        (["--once", "--window-days", "-3"], "'-3' is no number of days", "from 1"),
        (["--once", "--window-days", "1.5"], "'1.5' is no number of days", "whole number"),
        (["--once", "--window-days", "99999999999"], "is no number of days", "to 36500"),
        (["--watch", "--interval-seconds", "0"], "'0' is no pause in seconds", "above 0"),
        (["--watch", "--interval-seconds", "nan"], "'nan' is no pause in seconds", "86400 at most"),
        (["--watch", "--interval-seconds", "soon"], "'soon' is no pause in seconds", "a number"),
        ([], "--once --watch is required", ""),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    arguments: list[str], wrong: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["etl", *arguments])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert wrong in told
    assert right in told


def test_once_sweeps_and_with_a_window_gives_back_what_was_lost(
    clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The window counts from now back, by when statements were stored."""
    load(kept := completed("kept@example.org"), gone := completed("gone@example.org"), voids(gone))
    harm("UPDATE bronze.statements_raw SET stored_at = now() - interval '49 hours'")
    load(completed("recent@example.org"))
    harm(f"UPDATE bronze.statements_raw SET stored_at = now() WHERE id NOT IN ('{kept['id']}', '{gone['id']}')")
    store(completed("waiting@example.org"))
    harm("DELETE FROM silver.statements_flat")
    assert main(["etl", "--once"]) == 0
    assert main(["etl", "--once", "--window-days", "2"]) == 0
    assert main(["etl", "--once", "--window-days", "2"]) == 0
    assert main(["etl", "--once", "--window-days", "3"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("flattened")] == [
        "flattened 1, buried 0",
        "flattened 0, buried 0, restored 2",
        "flattened 0, buried 0, restored 0",
        "flattened 0, buried 0, restored 1",
    ]
    assert len(committed_rows()["flat"]) == 4


def test_rebuild_says_what_it_put_right(
    clean: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rich_record()
    before = committed_rows(with_moments=False)
    count = len(before["flat"])
    harm("DELETE FROM silver.statements_flat", "DELETE FROM gold.lesson_progress", "DELETE FROM silver.verbs")
    monkeypatch.setattr(rebuild, "LINE_EVERY_SECONDS", 0.0)
    assert main(["rebuild", "silver"]) == 0
    assert main(["rebuild", "gold"]) == 0
    assert committed_rows(with_moments=False) == before
    told = capsys.readouterr().out.splitlines()
    assert any(f"s: statements, {len(before['marks'])} done" in line for line in told)
    (silver,) = [line for line in told if line.startswith("silver rebuilt in ")]
    assert f": {len(before['marks'])} statements; flat rows {count} written, 0 removed;" in silver
    assert f"and {len(before['verbs'])} definitions put right" in silver
    assert told[-1].endswith(f": {len(before['gold'])} pairs of learner and lesson recomputed")


def test_ctrl_c_in_a_rebuild_says_what_stays(
    clean: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    rich_record()
    monkeypatch.setattr(rebuild._Progress, "__call__", pressed)
    assert main(["rebuild", "silver"]) == 130
    assert "Start it again" in capsys.readouterr().out


@contextmanager
def watching(**environment: str) -> Iterator[tuple[subprocess.Popen[str], "Queue[str]"]]:
    """`etl --watch` in a process of its own, and the lines it prints."""
    command = [sys.executable, "-m", "app", "etl", "--watch", "--interval-seconds", "0.1", "--window-days", "1"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: Queue[str] = Queue()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.put(line.strip())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        reader.join(PATIENCE_S)
        assert process.stdout
        process.stdout.close()


def line_with(lines: "Queue[str]", words: str) -> str:
    """The next line that has these words in it."""
    while words not in (line := lines.get(timeout=PATIENCE_S)):
        pass
    return line


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_watching_ends_cleanly(clean: None, how: signal.Signals) -> None:
    store(completed())
    with watching() as (process, lines):
        line_with(lines, "flattened 1, buried 0, restored 0")
        line_with(lines, "flattened 0, buried 0, restored 0")
        process.send_signal(how)
        assert process.wait(PATIENCE_S) == 0
        assert line_with(lines, "stopped") == "stopped"
        assert lines.empty()


def test_watching_outlives_a_database_that_is_away(fresh_database: str) -> None:
    """A database to which nobody may connect any more, and whose connections are cut, is as good as one that is off."""
    name = make_url(fresh_database).database
    maintenance = make_url(get_settings().sqlalchemy_url).set(database="postgres")
    engine = create_engine(maintenance, isolation_level="AUTOCOMMIT")

    def allow(connections: bool) -> None:
        with engine.connect() as connection:
            connection.execute(sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {connections}'))
            if not connections:
                cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                connection.execute(sql(cut))

    with watching(DATABASE_URL=fresh_database) as (process, lines):
        line_with(lines, "flattened 0")
        allow(False)
        told = line_with(lines, "the database does not answer")
        assert "trying again in 0.1 s" in told
        allow(True)
        line_with(lines, "flattened 0")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    engine.dispose()
