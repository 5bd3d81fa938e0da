"""What the two embedded servers have in common: a folder of their own, a port, a password, a log, start and stop."""

import logging
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, ClassVar, Self

from app.stack.ports import is_free, remembered_port
from app.stack.private_files import FolderLock
from app.stack.problems import StackError, StartCancelled
from app.stack.processes import (
    RunAs,
    end,
    end_leftovers,
    how_it_ended,
    never,
    servers_in,
    spawn,
)

log = logging.getLogger("app.stack")

_LOG_LIMIT_BYTES = 8 * 2**20
_PORT_RELEASE_LIMIT_S = 3.0


class EmbeddedServer(ABC):
    """A store that runs as a process of ours, on loopback, with its data in a folder that outlives it.

    One object is one server: stop() and a new start() keep port and password, so that `url` stays right for clients
    that were told it. All methods raise StackError with a message for a person.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    """The process name, by which leftovers of an earlier run are known."""
    log_name: ClassVar[str]
    start_limit_s: ClassVar[float] = 120.0
    """Recovery after a crash reads what was written since the last checkpoint; that may take a while."""
    stop_steps: ClassVar[Sequence[tuple[signal.Signals, float]]]

    def __init__(self, data_dir: Path, *, port: int | None = None, durable: bool = True):
        """`durable=False` trades the promise that a commit survives a power cut for speed; for tests."""
        self.data_dir = data_dir.expanduser().resolve()
        self.durable = durable
        self.cancelled: Callable[[], bool] = never
        """Asked while start() waits; yes makes it raise StartCancelled."""
        self._port = port
        self._password = ""
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = FolderLock(self.data_dir / "server.lock")

    # What each server says about itself.

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients, password included. Known once start() has been called."""

    @property
    @abstractmethod
    def server_dir(self) -> Path:
        """The resolved folder that the server works in."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make everything that has to be there before the process starts, and set the password."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The command line of the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server takes queries now."""

    def _finish(self) -> None:
        """What remains to be done once the server answers."""
        return

    # What is the same for both.

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process. Raises StackError when start() has not been called."""
        if self._process is None:
            raise StackError(f"{self.name} has not been started.")
        return self._process

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1. Raises StackError before the first start() unless it was given."""
        if self._port is None:
            raise StackError(f"{self.name} has not been started, so it has no port yet.")
        return self._port

    @property
    def password_file(self) -> Path:
        """Where the generated password is kept, readable by us alone."""
        return self.data_dir / "password"

    @property
    def log_file(self) -> Path:
        """Where the server writes what it has to say; bounded in size."""
        return self.data_dir / self.log_name

    def start(self) -> str:
        """Start the server, wait until it takes queries, and return its URL. Does nothing when it runs already."""
        if self.poll() is None and self._process is not None:
            return self.url
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._lock.take(f"The {self.name} data folder {self.data_dir}")
            self._end_leftovers()
            self._choose_port()
            self._prepare()
            with self._open_log() as output:
                self._process = self._spawn(self._command(), output)
            self._wait_until_it_answers()
            self._finish()
        except OSError as error:
            self.stop()
            raise StackError(f"{self.name} cannot start in {self.data_dir}: {error}") from error
        except BaseException:  # Ctrl-C too, while the server starts: nobody else knows that it has to be ended
            self.stop()
            raise
        return self.url

    def poll(self) -> int | None:
        """The exit status when the server has ended (0 when it never ran), None while it runs."""
        return 0 if self._process is None else self._process.poll()

    def stop(self, hurried: Callable[[], bool] = never) -> None:
        """End the server cleanly, by force when its time is up. Does nothing when it does not run."""
        if self._process is not None:
            end(self._process, self.stop_steps, hurried)
            if self._process.returncode < 0:
                self._end_leftovers()
            self._process = None
        self._lock.release()

    def discard(self) -> None:
        """Stop the server and delete all its data. For tests."""
        self.stop()
        for folder in {self.server_dir, self.data_dir}:
            shutil.rmtree(folder, ignore_errors=True)

    def trim_log(self) -> None:
        """Keep the log bounded: over the limit it moves to `<name>.1` and begins anew."""
        try:
            if self.log_file.stat().st_size <= _LOG_LIMIT_BYTES:
                return
        except FileNotFoundError:
            return
        # The server keeps its handle open in append mode, so the file is emptied rather than renamed.
        shutil.copyfile(self.log_file, self.log_file.with_suffix(".log.1"))
        os.truncate(self.log_file, 0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _end_leftovers(self) -> None:
        """End what an earlier run left in our folder; the lock proves that nobody else looks after it."""
        folder = self.server_dir
        leftovers = servers_in(folder, self.program)
        if not leftovers:
            return
        log.warning(
            "%s still runs from an earlier start (process %s); stopping it.",
            self.name,
            leftovers[0].pid,
        )
        for number, limit_s in self.stop_steps:
            # The eldest is the server; the others are its own children, which it ends itself.
            end_leftovers(leftovers[:1], number, limit_s)
        end_leftovers(servers_in(folder, self.program), signal.SIGKILL, 5.0)

    def _choose_port(self) -> None:
        if self._port is None:
            self._port = remembered_port(self.data_dir / "port")
            return
        deadline = time.monotonic() + _PORT_RELEASE_LIMIT_S
        while not is_free(self._port):
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} needs port {self._port}, which is in use.")
            time.sleep(0.05)

    def _environment(self) -> Mapping[str, str]:
        """Only what a server needs: our own environment may hold secrets, and PG* variables would change its mind."""
        passed = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        return {"TZ": "UTC"} | {key: os.environ[key] for key in passed if key in os.environ}

    def _run_as(self) -> RunAs | None:
        return None

    def _spawn(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return spawn(
            command,
            env=self._environment(),
            output=output,
            cwd=self.server_dir,
            run_as=self._run_as(),
            signal_when_we_die=self.stop_steps[0][0],
        )

    def _open_log(self) -> IO[bytes]:
        self.trim_log()
        handle = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._log_start = os.fstat(handle).st_size
        return os.fdopen(handle, "ab", buffering=0)

    def _log_tail(self) -> str:
        """The last lines written since this start, for an error message."""
        with self.log_file.open("rb") as file:
            file.seek(max(self._log_start, self.log_file.stat().st_size - 4096))
            return "\n".join(file.read().decode(errors="replace").strip().splitlines()[-20:])

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + self.start_limit_s
        while not self._answers():
            status = self.process.poll()
            if status is not None:
                what = f"ended while starting ({how_it_ended(status)})"
            elif time.monotonic() > deadline:
                what = f"did not answer within {self.start_limit_s:.0f} s"
            elif self.cancelled():
                raise StartCancelled(f"The start of {self.name} was cancelled.")
            else:
                time.sleep(0.02)
                continue
            raise StackError(f"{self.name} {what}. Its log {self.log_file} says:\n{self._log_tail()}")
