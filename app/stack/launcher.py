"""The whole system in the foreground: stores, migrations, then the application's processes, watched until told to stop.

Order of starting: PostgreSQL, Redis, migrations, worker, API, scheduler. Order of stopping: the opposite.
"""

import http.client
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app.config import RUNNING_STACK_FILE, Settings
from app.stack.banner import banner
from app.stack.children import Child, ChildSpec, Pause, application_children
from app.stack.first_start import Credentials, credentials_for
from app.stack.leftovers import end_recorded, record
from app.stack.ports import is_free, reachable
from app.stack.postgres import EmbeddedPostgres
from app.stack.private_files import FolderLock, write_private
from app.stack.problems import StackError, StartCancelled
from app.stack.processes import end, how_it_ended, spawn
from app.stack.redis import EmbeddedRedis
from app.stack.server import EmbeddedServer

log = logging.getLogger("app.stack")

ANSWER_LIMIT_S = 60.0
PORT_PATIENCE_S = 5.0
TICK_S = 0.2

CHILDREN_FILE = "children.json"

ROOT = Path(__file__).parents[2]
"""Where the application's code is; its processes run from there."""


def run_stack(
    settings: Settings,
    *,
    children: Sequence[ChildSpec] | None = None,
    migrate: Sequence[str] = (sys.executable, "-m", "app", "migrate"),
) -> int:
    """Run everything until SIGINT or SIGTERM. 0 after a clean stop, 1 when something keeps it from running.

    children, migrate: what to run in place of the application, for tests of the launcher itself.
    """
    specs = children if children is not None else application_children(settings.host, settings.port)
    return _Stack(settings, specs, migrate).run()


@dataclass
class _ServerWatch:
    """What is known about the life of one store."""

    pause: Pause = field(default_factory=Pause)
    started_at: float = field(default_factory=time.monotonic)
    start_again_at: float | None = None


class _Stack:
    def __init__(self, settings: Settings, specs: Sequence[ChildSpec], migrate: Sequence[str]):
        self._settings = settings
        self._specs = specs
        self._migrate = migrate
        self._data_dir = settings.data_dir.expanduser().resolve()
        self._servers: list[EmbeddedServer] = []
        self._server_watches: dict[str, _ServerWatch] = {}
        self._children: list[Child] = []
        self._recorded: list[int] = []
        self._stop_signals = 0

    def run(self) -> int:
        lock = FolderLock(self._data_dir / "launcher.lock")
        # SIGHUP: the terminal was closed.
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            lock.take(f"DATA_DIR {self._data_dir}")
            try:
                self._start()
                self._watch()
            finally:
                self._stop()
        except StartCancelled:
            pass
        except (StackError, OSError) as error:
            log.error("%s", error)
            return 1
        finally:
            lock.release()
            for number, handler in before.items():
                signal.signal(number, handler)
        log.info("Everything has stopped.")
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    def _told_to_stop(self) -> bool:
        return self._stop_signals > 0

    def _hurried(self) -> bool:
        return self._stop_signals > 1

    def _start(self) -> None:
        left = end_recorded(self._data_dir / CHILDREN_FILE, self._data_dir)
        if left:
            log.warning("%s processes of an earlier start were still running; stopped them.", left)
        self._check_port()
        # Made before anything runs: a wrong key in the settings is told in the first second.
        credentials = credentials_for(self._settings, self._data_dir)
        environment = self._start_stores(credentials)
        self._run_migrations(environment)
        for spec in self._specs:
            child = Child(spec, environment, ROOT)
            self._children.append(child)
            child.start()
        self._record_children()
        self._wait_for_answer()
        _show(banner(self._settings.base_url, credentials, self._data_dir))

    def _check_port(self) -> None:
        """The API of a launcher that was killed a moment ago may still be draining, so a taken port gets some time."""
        host, port = self._settings.host, self._settings.port
        deadline = time.monotonic() + PORT_PATIENCE_S
        while not is_free(port, host):
            if time.monotonic() > deadline or self._told_to_stop():
                raise StackError(
                    f"Port {port} on {host} is in use by another program. Choose another one, for example: "
                    f"PORT={port + 1} make run"
                )
            time.sleep(TICK_S)

    def _start_stores(self, credentials: Credentials) -> dict[str, str]:
        """Start the stores that the settings leave to us; returns the environment of the application's processes."""
        urls = {"DATABASE_URL": self._settings.database_url, "REDIS_URL": self._settings.redis_url}
        embedded: dict[str, EmbeddedServer] = {}
        if urls["DATABASE_URL"] is None:
            embedded["DATABASE_URL"] = EmbeddedPostgres(self._data_dir / "postgres")
        if urls["REDIS_URL"] is None:
            embedded["REDIS_URL"] = EmbeddedRedis(self._data_dir / "redis")
        for name, server in embedded.items():
            server.cancelled = self._told_to_stop
            self._servers.append(server)
            urls[name] = server.start()
            log.info("%s is running; its data is in %s.", server.name, server.server_dir)
        known = {
            **{name: str(url) for name, url in urls.items()},
            "PUBLIC_PEM": credentials.user,
            "SECRET_PEM": credentials.password or "",
            "ADMIN_TOKEN": credentials.admin_token,
            "READER_PASSWORD": credentials.reader_password,
            "HOST": self._settings.host,
            "PORT": str(self._settings.port),
            "PUBLIC_URL": self._settings.public_url or "",
        }
        quoted = (f"{name}='{_escaped(value)}'" for name, value in known.items())
        write_private(self._data_dir / RUNNING_STACK_FILE, "\n".join(quoted) + "\n")
        return {**os.environ, **known, "DATA_DIR": str(self._data_dir), "PYTHONUNBUFFERED": "1"}

    def _run_migrations(self, environment: dict[str, str]) -> None:
        process = spawn(self._migrate, env=environment, cwd=ROOT)
        try:
            while process.poll() is None:
                self._stop_if_told()
                time.sleep(0.05)
        finally:
            end(process, ((signal.SIGTERM, 10.0),), self._hurried)
        if process.returncode:
            raise StackError(f"The migrations failed with {how_it_ended(process.returncode)}; see the lines above.")

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + ANSWER_LIMIT_S
        while not _answers(reachable(self._settings.host), self._settings.port):
            self._stop_if_told()
            self._watch_once()
            if time.monotonic() > deadline:
                raise StackError(f"The API did not answer within {ANSWER_LIMIT_S:g} s; see the lines above.")
            time.sleep(0.1)

    def _watch(self) -> None:
        while not self._told_to_stop():
            self._watch_once()
            time.sleep(TICK_S)

    def _watch_once(self) -> None:
        for server in self._servers:
            self._watch_server(server)
        for child in self._children:
            try:
                child.watch()
            except OSError as error:
                # The machine is out of processes or memory for a moment; the next round tries again.
                log.error("The %s cannot be started: %s", child.spec.name, error)
        self._record_children()

    def _record_children(self) -> None:
        pids = [child.pid for child in self._children if child.pid is not None]
        if pids != self._recorded:
            record(self._data_dir / CHILDREN_FILE, pids)
            self._recorded = pids

    def _watch_server(self, server: EmbeddedServer) -> None:
        """Start a store again that has ended. It keeps its port and password, so whoever uses it finds it again."""
        watch = self._server_watches.setdefault(server.name, _ServerWatch())
        now = time.monotonic()
        if watch.start_again_at is None:
            status = server.poll()
            if status is None:
                server.trim_log()
                return
            seconds = watch.pause.after(now - watch.started_at)
            log.warning("%s ended with %s; starting it again in %g s.", server.name, how_it_ended(status), seconds)
            watch.start_again_at = now + seconds
        elif now >= watch.start_again_at:
            server.stop()
            try:
                server.start()
            except StartCancelled:
                return
            except StackError as error:
                seconds = watch.pause.after(0.0)
                log.error("%s Trying again in %g s.", error, seconds)
                watch.start_again_at = time.monotonic() + seconds
            else:
                log.info("%s is running again.", server.name)
                watch.started_at, watch.start_again_at = time.monotonic(), None

    def _stop_if_told(self) -> None:
        if self._told_to_stop():
            raise StartCancelled()

    def _stop(self) -> None:
        if self._children or self._servers:
            log.info("Stopping …")
        steps: list[Callable[[Callable[[], bool]], None]] = [
            *(child.stop for child in reversed(self._children)),
            *(server.stop for server in reversed(self._servers)),
        ]
        for stop in steps:
            try:
                stop(self._hurried)
            except (OSError, StackError, subprocess.SubprocessError) as error:
                log.error("Something did not stop as it should: %s", error)
        for name in (RUNNING_STACK_FILE, CHILDREN_FILE):
            (self._data_dir / name).unlink(missing_ok=True)


def _escaped(value: str) -> str:
    """The value as it may stand between single quotes in a .env file."""
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    # The reader puts variables in, between single quotes too, and knows no escape: a nameless variable stands for `$`.
    return quoted.replace("${", "${:-$}{")


def _show(text: str) -> None:
    """Print, whatever the terminal's encoding: a character that it lacks must not stop everything."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)  # noqa: T201


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
