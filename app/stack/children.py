"""A child process of the launcher: started, watched, started again with growing pauses, ended with its whole group."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.stack.processes import end, how_it_ended, kill_group, never, spawn

log = logging.getLogger("app.stack")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HEALTHY_AFTER_S = 60.0
"""A child that has lived so long has got over whatever made it crash; the next pause is short again."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run and how long it may take to stop after SIGTERM."""

    name: str
    command: Sequence[str]
    stop_limit_s: float


def application_children(host: str, port: int) -> tuple[ChildSpec, ...]:
    """The processes of the application, in the order of starting. They are stopped in the opposite order."""
    python = sys.executable
    return (
        ChildSpec(
            "worker",
            (python, "-m", "dramatiq", "app.worker", "--processes", "1", "--threads", "4"),
            stop_limit_s=40.0,
        ),
        ChildSpec(
            "api",
            (
                *(python, "-m", "uvicorn", "app.main:create_app", "--factory", "--no-access-log", "--no-proxy-headers"),
                *("--host", host, "--port", str(port), "--timeout-graceful-shutdown", "10"),
            ),
            stop_limit_s=15.0,
        ),
        # periodiq has a console script and no __main__; this works wherever the interpreter is, without a PATH.
        ChildSpec(
            "scheduler",
            (python, "-c", "from periodiq import entrypoint; entrypoint()", "app.worker"),
            stop_limit_s=5.0,
        ),
    )


class Pause:
    """How long to wait before the next try: doubling from half a second to half a minute, short again after health."""

    def __init__(self) -> None:
        self._next_s = FIRST_PAUSE_S

    def after(self, lived_s: float) -> float:
        """The pause after a life of so many seconds."""
        if lived_s >= HEALTHY_AFTER_S:
            self._next_s = FIRST_PAUSE_S
        pause, self._next_s = self._next_s, min(LONGEST_PAUSE_S, self._next_s * 2)
        return pause


class Child:
    """One process of the application under supervision."""

    def __init__(self, spec: ChildSpec, environment: Mapping[str, str], folder: Path):
        self.spec = spec
        self._environment = environment
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = Pause()
        self._started_at = 0.0
        self._start_again_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process."""
        self._process = spawn(self.spec.command, env=self._environment, cwd=self._folder)
        self._started_at = time.monotonic()

    def watch(self) -> None:
        """Notice a crash, say so, and start again when the pause is over. To be called again and again."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_again_at:
                self.start()
            return
        status = self._process.poll()
        if status is None:
            return
        # A master that was killed leaves its workers behind; they must not work beside the new ones.
        kill_group(self._process.pid)
        pause = self._pause.after(now - self._started_at)
        log.warning("The %s ended with %s; starting it again in %g s.", self.spec.name, how_it_ended(status), pause)
        self._process, self._start_again_at = None, now + pause

    def stop(self, hurried: Callable[[], bool] = never) -> None:
        """End the process and its group: SIGTERM, time to finish, SIGKILL."""
        if self._process is not None:
            end(self._process, ((signal.SIGTERM, self.spec.stop_limit_s),), hurried)
            self._process = None
