"""The gate: whatever is killed, every statement that was acknowledged is in the record, once, and flat.

One system goes through all of it, under a sender at full speed; nobody helps it back on its feet, except that a
launcher that was killed is started again on the same folder.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from tests.flow.sender import Sender
from tests.flow.system import System, free_port, start, stop, wait_for

pytestmark = pytest.mark.flow

ENOUGH = 1_500
"""Statements acknowledged before the kill, and again after the system has recovered from it."""
SWEEP_S = 150.0
"""What the door put into bronze while Redis was away waits for the next minute's sweep."""


class Running:
    """The system that is running now; after its launcher was killed, another one on the same folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.system = start(folder, self.port)

    def start_again(self) -> None:
        self.system.client.close()
        self.system = start(self.folder, self.port)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    folder = Path(tempfile.mkdtemp(prefix="seventaps-gate-"))
    folder.chmod(0o755)
    made = Running(folder)
    yield made
    if made.system.process.poll() is None:
        stop(made.system)
    shutil.rmtree(folder, ignore_errors=True)


def kill_worker(running: Running) -> None:
    """In the middle of a large batch: held back until there is one, let go on, and killed once it has taken it."""
    victims = running.system.children("dramatiq")
    stream = redis.Redis.from_url(running.system.redis_url)
    for process in victims:
        process.suspend()
    length = wait_for(lambda: (found := stream.xlen("statements")) > ENOUGH and found)
    for process in victims:
        process.resume()
    wait_for(lambda: stream.xpending("statements", "loader")["pending"] or stream.xlen("statements") < length)
    for process in victims:
        process.kill()
    stream.close()
    _wait_for_successor(running, "dramatiq", victims)


def kill_api(running: Running) -> None:
    _kill_server(running, "uvicorn")


def kill_redis(running: Running) -> None:
    _kill_server(running, "valkey-server")


def kill_postgresql(running: Running) -> None:
    _kill_server(running, "postgres")


def kill_launcher(running: Running) -> None:
    running.system.process.kill()
    running.system.process.wait()
    running.start_again()


def _kill_server(running: Running, word: str) -> None:
    victim = running.system.server(word)
    victim.kill()
    _wait_for_successor(running, word, [victim])


def _wait_for_successor(running: Running, word: str, victims: list[psutil.Process]) -> None:
    wait_for(lambda: set(running.system.children(word)) - set(victims))


def everything_is_loaded(system: System) -> bool:
    """Whether nothing waits any more, on the stream or in bronze."""
    try:
        answer = system.client.get("/api/debug/pipeline", headers=system.admin)
    except httpx.TransportError:
        return False
    if answer.status_code != 200:
        return False
    told = answer.json()
    return told["stream_length"] == 0 and told["unflattened_statements"] == 0


@pytest.mark.parametrize("kill", [kill_worker, kill_api, kill_redis, kill_postgresql, kill_launcher])
def test_a_kill_loses_nothing_and_doubles_nothing(running: Running, kill: Callable[[Running], None]) -> None:
    before = {str(row[0]) for row in running.system.sql("SELECT id FROM bronze.statements_raw")}
    sender = Sender(running.port, running.system.sender)
    sender.start()
    try:
        wait_for(lambda: len(sender.acknowledged) >= ENOUGH)
        kill(running)
        recovered = len(sender.acknowledged)
        wait_for(lambda: len(sender.acknowledged) >= recovered + ENOUGH)
    finally:
        sender.stop()
    assert sender.surprises == []
    assert sender.acknowledged == sender.sent
    wait_for(lambda: everything_is_loaded(running.system), SWEEP_S)
    raw = [str(row[0]) for row in running.system.sql("SELECT id FROM bronze.statements_raw")]
    flat = [str(row[0]) for row in running.system.sql("SELECT statement_id FROM silver.statements_flat")]
    assert len(raw) == len(set(raw))
    assert len(flat) == len(set(flat))
    assert set(raw) - before == sender.acknowledged
    assert set(flat) == set(raw)
    assert running.system.sql("SELECT code, reason FROM ops.dead_letters") == []


def test_after_all_of_it_the_system_stops_cleanly(running: Running) -> None:
    assert running.system.server("uvicorn").is_running()
    assert stop(running.system) == 0
