"""The whole system as `make run` starts it, for tests: started, asked, stopped, and its processes found."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from dotenv import dotenv_values
from sqlalchemy import create_engine, text

from app.config import RUNNING_STACK_FILE, Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180.0
"""Nothing takes this long by itself; a busy machine with a browser and a second system beside it may."""


@dataclass
class System:
    """A running system."""

    process: subprocess.Popen[str]
    folder: Path
    log: Path
    client: httpx.Client
    sender: tuple[str, str]
    admin: dict[str, str]
    database_url: str
    redis_url: str

    @property
    def port(self) -> int:
        """Of the API."""
        return int(self.client.base_url.port or 0)

    def put(self, statement: dict[str, Any]) -> httpx.Response:
        """Send one statement."""
        return self.client.put(
            "/api/xapi/statements", params={"statementId": statement["id"]}, json=statement, auth=self.sender
        )

    def pipeline(self) -> dict[str, Any]:
        """What waits and what is stored."""
        return self.client.get("/api/debug/pipeline", headers=self.admin).json()  # type: ignore[no-any-return]

    def sql(self, query: str) -> list[Any]:
        """The rows of a query, asked of the database itself."""
        engine = create_engine(Settings(database_url=self.database_url).sqlalchemy_url)
        with engine.connect() as connection:
            rows = list(connection.execute(text(query)))
        engine.dispose()
        return rows

    def server(self, word: str) -> psutil.Process:
        """The eldest of them: the server itself, where the others are its sessions or workers."""
        return min(self.children(word), key=lambda process: process.create_time())

    def children(self, word: str) -> list[psutil.Process]:
        """The living processes of this system whose command line has the word in it."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if process.status() != psutil.STATUS_ZOMBIE and word in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found


def wait_for(what: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """What it gives as soon as that is true of anything; fails when the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s in vain")


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int, settings: Mapping[str, str] | None = None) -> System:
    """`python -m app up` on this folder's data, as soon as its banner is there. settings: of the environment."""
    clean = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    log = folder / "log.txt"
    with log.open("a") as output:
        before = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "up"],
            cwd=ROOT,
            env={**clean, "DATA_DIR": str(folder / "data"), "PORT": str(port), **(settings or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def banner() -> bool:
        assert process.poll() is None, log.read_text()
        return "is running\n" in log.read_text()[before:] and "Statement URL" in log.read_text()[before:]

    wait_for(banner)
    known = dotenv_values(folder / "data" / RUNNING_STACK_FILE)
    return System(
        process,
        folder,
        log,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10),
        (str(known["PUBLIC_PEM"]), str(known["SECRET_PEM"])),
        {"Authorization": f"Bearer {known['ADMIN_TOKEN']}"},
        str(known["DATABASE_URL"]),
        str(known["REDIS_URL"]),
    )


def stop(system: System) -> int:
    """SIGTERM to the launcher; its exit status, once nothing of the system is left."""
    everybody = [system.process.pid, *(p.pid for p in psutil.Process(system.process.pid).children(recursive=True))]
    system.process.send_signal(signal.SIGTERM)
    status = system.process.wait(PATIENCE_S)
    left = [pid for pid in everybody if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    assert left == []
    return status
