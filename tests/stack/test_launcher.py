"""The launcher as a process of its own, with small stand-ins for the application's processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from dotenv import dotenv_values

ROOT = Path(__file__).parents[2]

LAUNCH = """
import json, logging, sys
from pathlib import Path
from app.config import Settings
from app.stack import processes
from app.stack.children import ChildSpec
from app.stack.launcher import run_stack

API = '''
import http.server, os
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
'''
WORKER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])"

options = json.loads(sys.argv[1])
if options.pop("like_macos", False):
    processes._prctl = None  # There, nothing tells a process that its parent has died.
migrate = options.pop("migrate", "pass")
logging.basicConfig(level=logging.INFO, format="%(message)s")
python = sys.executable
children = (ChildSpec("worker", (python, "-c", WORKER), 5.0), ChildSpec("api", (python, "-c", API), 5.0))
settings = Settings(_env_file=None, **options)
sys.exit(run_stack(settings, children=children, migrate=(python, "-c", migrate)))
"""


def soon(answer: Callable[[], object], limit_s: float = 15.0) -> object:
    """What `answer` gives as soon as that is true of anything."""
    deadline = time.monotonic() + limit_s
    while not (found := answer()):
        assert time.monotonic() < deadline, "the time is up"
        time.sleep(0.05)
    return found


class Launcher:
    """A launcher with its folder (whose name has a space) and port."""

    def __init__(self, folder: Path, **options: object):
        self.data_dir = folder / "the data"
        self.output = folder / "output"
        self.options = {"data_dir": str(self.data_dir), "port": free_port(), "public_pem": None, **options}
        self.environment = {"PATH": os.environ["PATH"]}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Launcher":
        """Start it and return at once."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, json.dumps(self.options)],
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait_for_banner(self) -> "Launcher":
        """Wait until it says that everything runs."""
        soon(lambda: "Ctrl-C stops everything" in self.said() or self.ended())
        assert not self.ended(), self.said()
        return self

    def ended(self) -> bool:
        """Whether the launcher itself has ended."""
        return self.process is None or self.process.poll() is not None

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the launcher alone and wait for its end; the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def said(self) -> str:
        """Its output so far."""
        return self.output.read_text(errors="replace")

    def running(self) -> list[psutil.Process]:
        """Every living process of this launcher but itself, known by the folder they work in or were given."""
        return [p for p in psutil.process_iter() if self._is_one(p)]

    def _is_one(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or (self.process and process.pid == self.process.pid):
                return False
            given = process.environ().get("DATA_DIR") == str(self.data_dir)
            return given or self.data_dir in Path(process.cwd()).parents
        except psutil.Error:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of the server can get into, unlike pytest's own; nothing of it runs afterwards."""
    made = Path(tempfile.mkdtemp(prefix="seventaps-launcher-"))
    made.chmod(0o755)
    yield made
    # The launchers of a failed test first: they would start the others again.
    rest = [p for p in psutil.process_iter() if _works_in(p, made)]
    for process in sorted(rest, key=lambda p: p.create_time()):
        process.kill()
    psutil.wait_procs(rest, timeout=5)
    shutil.rmtree(made, ignore_errors=True)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in " ".join(process.cmdline()) or str(folder) in process.environ().get("DATA_DIR", "")
    except psutil.Error:
        return False


def test_a_crash_is_repaired_and_a_stop_leaves_nothing(folder: Path) -> None:
    launcher = Launcher(folder, admin_token="a ${PATH} 'token'")
    # A terminal that lacks the lines of the banner must not stop anything either.
    launcher.environment["PYTHONIOENCODING"] = "ascii"
    launcher.start().wait_for_banner()
    known = dotenv_values(launcher.data_dir / "running.env")
    assert known["ADMIN_TOKEN"] == "a ${PATH} 'token'"
    assert (launcher.data_dir / "running.env").stat().st_mode & 0o077 == 0
    sleeper = next(p for p in launcher.running() if "time.sleep(300)" in p.cmdline()[-1] and p.parent())
    worker = next(p for p in launcher.running() if "subprocess.run" in p.cmdline()[-1])
    redis = next(p for p in launcher.running() if p.name() == "valkey-server")
    worker.kill()
    redis.kill()
    soon(lambda: "The worker ended with signal SIGKILL" in launcher.said())
    soon(lambda: "Redis is running again" in launcher.said())
    soon(lambda: not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE)
    address = f"http://127.0.0.1:{launcher.options['port']}/health"
    assert urllib.request.urlopen(address).status == 200
    assert launcher.end(signal.SIGTERM) == 0
    assert launcher.running() == []
    assert not (launcher.data_dir / "running.env").exists()
    assert not (launcher.data_dir / "children.json").exists()


def test_two_run_side_by_side_one_folder_has_one_and_a_taken_port_is_told(folder: Path) -> None:
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
    one, two = Launcher(folder / "a").start(), Launcher(folder / "b").start()
    one.wait_for_banner()
    two.wait_for_banner()
    again = Launcher(folder / "c", data_dir=str(one.data_dir)).start()
    taken = Launcher(folder / "c", port=one.options["port"])
    taken.start()
    assert again.process is not None
    assert again.process.wait(timeout=10) == 1
    assert f"in use by process {one.process.pid}" in again.said()  # type: ignore[union-attr]
    assert (one.data_dir / "running.env").exists()
    assert taken.process is not None
    assert taken.process.wait(timeout=15) == 1
    assert f"PORT={int(str(one.options['port'])) + 1} make run" in taken.said()
    assert not (taken.data_dir / "postgres").exists()
    assert (one.end(signal.SIGINT), two.end(signal.SIGHUP)) == (0, 0)
    assert one.running() == two.running() == []


@pytest.mark.parametrize("like_macos", [False, True])
def test_a_killed_launcher_does_not_hinder_the_next_start(folder: Path, like_macos: bool) -> None:
    launcher = Launcher(folder, like_macos=like_macos).start().wait_for_banner()
    before = launcher.running()
    launcher.end(signal.SIGKILL)
    if not like_macos:
        # All but the one that the worker started: it has no tie to the launcher, and the next start finds it.
        soon(lambda: len(launcher.running()) <= 1)
    launcher.start().wait_for_banner()
    assert not any(p in before for p in launcher.running())
    assert launcher.end(signal.SIGTERM) == 0
    assert launcher.running() == []


def test_failed_migrations_stop_everything(folder: Path) -> None:
    launcher = Launcher(folder, migrate="raise SystemExit('no such column')").start()
    assert launcher.process is not None
    assert launcher.process.wait(timeout=20) == 1
    assert "no such column" in launcher.said()
    assert "The migrations failed with exit code 1" in launcher.said()
    assert launcher.running() == []


def test_with_stores_of_ones_own_a_failed_start_leaves_no_file_with_secrets(folder: Path) -> None:
    stores = {"database_url": "postgresql://u:p@127.0.0.1:1/d", "redis_url": "redis://127.0.0.1:1/0"}
    launcher = Launcher(folder, migrate="raise SystemExit(3)", **stores).start()
    assert launcher.process is not None
    assert launcher.process.wait(timeout=20) == 1
    assert not (launcher.data_dir / "running.env").exists()
