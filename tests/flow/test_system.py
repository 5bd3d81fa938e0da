"""The whole system as `make run` starts it: launcher, embedded stores, API, worker, scheduler, all as processes."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.config import RUNNING_STACK_FILE, Settings
from tests.flow.system import PATIENCE_S, ROOT, System, free_port, start, stop, wait_for
from tests.statements import completed

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="seventaps-flow-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[System]:
    running = start(folder, free_port())
    yield running
    if running.process.poll() is None:
        stop(running)


def test_the_banner_tells_everything_to_paste(system: System) -> None:
    log = system.log.read_text()
    for text_ in (*system.sender, system.admin["Authorization"].removeprefix("Bearer "), "/api/xapi/statements"):
        assert text_ in log


def test_a_sent_statement_has_its_flat_row_within_two_seconds(system: System) -> None:
    statement = completed(email="Flow@Example.org")
    assert system.put(statement).status_code == 204
    query = f"SELECT actor_email FROM statements_flat WHERE statement_id = '{statement['id']}'"
    assert wait_for(lambda: system.sql(query), 2) == [("flow@example.org",)]


def test_a_killed_worker_loses_nothing_and_doubles_nothing(system: System) -> None:
    before = system.pipeline()
    masters = system.children("dramatiq")
    accepted = []
    for batch in range(40):
        statements = [completed(f"p{n}@example.org", n % 7) for n in range(50)]
        answer = system.client.post("/api/xapi/statements", json=statements, auth=system.sender)
        assert answer.status_code == 200
        accepted += answer.json()["ids"]
        if batch in (10, 25):
            for process in system.children("dramatiq"):
                process.kill()
    wait_for(lambda: system.pipeline()["stream_length"] == 0)
    after = system.pipeline()
    assert after["raw_statements"] - before["raw_statements"] == len(accepted) == 2_000
    assert after["flat_statements"] == after["raw_statements"]
    assert after["dead_letters"] == 0
    stored = {str(row[0]) for row in system.sql("SELECT id FROM statements_raw")}
    assert stored >= set(accepted)
    assert "The worker ended with signal SIGKILL; starting it again" in system.log.read_text()
    assert not {p.pid for p in masters} & {p.pid for p in system.children("dramatiq")}


@pytest.mark.parametrize("word", ["valkey-server", "postgres", "uvicorn"])
def test_a_killed_server_comes_back_with_everything_it_had(system: System, word: str) -> None:
    count = system.pipeline()["raw_statements"]
    system.server(word).kill()

    def sent() -> bool:
        try:
            return system.put(statement).status_code == 204
        except httpx.TransportError:
            return False

    statement = completed()
    wait_for(sent)

    def loaded() -> bool:
        try:
            answer = system.client.get("/api/debug/pipeline", headers=system.admin)
            return answer.status_code == 200 and answer.json()["flat_statements"] == count + 1
        except httpx.TransportError:
            return False

    # Longer than the sweep's minute: what the door stored in bronze while Redis was away is flattened by it.
    wait_for(loaded, 150)
    after = system.pipeline()
    assert (after["raw_statements"], after["flat_statements"]) == (count + 1, count + 1)


def test_a_second_launcher_on_the_same_folder_is_refused(system: System) -> None:
    clean = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    environment = {**clean, "DATA_DIR": str(system.folder / "data"), "PORT": str(free_port())}
    second = subprocess.run(
        [sys.executable, "-m", "app", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "in use by process" in second.stdout


def test_a_taken_port_is_refused_before_anything_starts(system: System) -> None:
    clean = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    port = str(system.port)
    environment = {**clean, "DATA_DIR": str(system.folder / "other"), "PORT": port}
    second = subprocess.run(
        [sys.executable, "-m", "app", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"PORT={int(port) + 1} make run" in second.stdout
    assert not (system.folder / "other" / "postgres").exists()


def test_a_killed_launcher_leaves_nothing_that_hinders_the_next_start(system: System, folder: Path) -> None:
    count = system.pipeline()["raw_statements"]
    everybody = psutil.Process(system.process.pid).children(recursive=True)
    system.process.kill()
    system.process.wait()
    again = start(folder, system.port)
    try:
        assert again.pipeline()["raw_statements"] == count
        assert again.sender == system.sender
        statement = completed()
        assert again.put(statement).status_code == 204
        wait_for(lambda: again.pipeline()["flat_statements"] == count + 1)
        _, alive = psutil.wait_procs(everybody, timeout=PATIENCE_S)
        assert alive == []
    finally:
        status = stop(again)
    assert status == 0
    assert not (folder / "data" / RUNNING_STACK_FILE).exists()
