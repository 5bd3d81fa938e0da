"""What a launcher that was killed left running of the application, found again by the next one.

Linux ends the processes together with their launcher (see processes); other systems do not, and even there a process
may still be busy with its last request. The stores find their own leftovers, by the folder they work in.
"""

import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from app.stack.private_files import write_private
from app.stack.processes import end_leftovers

_STOP_LIMIT_S = 12.0
_CLOCK_TOLERANCE_S = 2.0
"""Start times are computed from the time of boot, which moves a little when the clock is set."""


def record(path: Path, pids: Iterable[int]) -> None:
    """Write down which processes run, with their start times: a number alone may meanwhile be somebody else's."""
    started = {}
    for pid in pids:
        try:
            started[pid] = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            continue
    write_private(path, json.dumps(started) + "\n")


def end_recorded(path: Path, data_dir: Path) -> int:
    """End what is recorded in `path` and still runs, with all that it started; returns how many processes it was."""
    try:
        started = {int(pid): float(seconds) for pid, seconds in json.loads(path.read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return 0
    leftovers = [process for process in psutil.process_iter() if _is_ours(process, started, data_dir)]
    end_leftovers(leftovers, signal.SIGTERM, _STOP_LIMIT_S)
    path.unlink(missing_ok=True)
    return len(leftovers)


def _is_ours(process: psutil.Process, started: dict[int, float], data_dir: Path) -> bool:
    """Whether it is a recorded process, or was started by one: same group, and the DATA_DIR that we gave it."""
    try:
        if os.getpgid(process.pid) not in started:
            return False
        recorded = started.get(process.pid)
        if recorded is not None:
            return bool(abs(process.create_time() - recorded) < _CLOCK_TOLERANCE_S)
        return bool(process.environ().get("DATA_DIR") == str(data_dir))
    except (psutil.Error, OSError):
        return False
