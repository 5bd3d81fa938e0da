"""Starting processes that cannot outlive us, and ending them for certain.

Every process gets a session of its own, so that Ctrl-C in the terminal reaches only the launcher, which then stops
the others in order. On Linux the kernel also signals them when the launcher dies without having stopped them.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

_PR_SET_PDEATHSIG = 1
_HURRIED_LIMIT_S = 1.0

# Looked up once, here: between fork and exec a child must not load anything.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def never() -> bool:
    """The answer of somebody who is never in a hurry."""
    return False


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user that a process runs as, where that is not the user of this process."""

    name: str
    uid: int
    gid: int


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    output: IO[bytes] | None = None,
    cwd: Path | None = None,
    run_as: RunAs | None = None,
    signal_when_we_die: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session; its output goes to `output`, or where ours goes.

    Linux ties the signal to the thread that spawns, so only the main thread, which lives as long as the process,
    asks for it; a process started from another thread is found as a leftover by the next start instead.
    """
    us = os.getpid()
    prctl = _prctl if threading.current_thread() is threading.main_thread() else None

    def tie_to_us() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(signal_when_we_die), 0, 0, 0)
            if os.getppid() != us:  # We died before the line above took effect.
                os._exit(1)

    return subprocess.Popen(
        list(command),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        preexec_fn=tie_to_us,  # noqa: PLW1509 - it makes two system calls and takes no lock
        user=run_as.uid if run_as else None,
        group=run_as.gid if run_as else None,
        extra_groups=[] if run_as else None,
    )


def end(
    process: subprocess.Popen[bytes],
    steps: Sequence[tuple[signal.Signals, float]],
    hurried: Callable[[], bool] = never,
) -> None:
    """Send each signal and wait up to its seconds, then SIGKILL. Nothing of the process's group is left after it.

    `hurried` is asked all the time; once it says yes, each step is given a second at most.
    """
    for number, limit_s in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        deadline = time.monotonic() + limit_s
        while process.poll() is None and time.monotonic() < deadline:
            if hurried():
                deadline = min(deadline, time.monotonic() + _HURRIED_LIMIT_S)
                hurried = never
            time.sleep(0.02)
    kill_group(process.pid)
    process.wait()


def kill_group(leader: int) -> None:
    """SIGKILL whatever is left of the group that process `leader` started, the leader included."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left. (macOS answers EPERM for a group of which only a dead member remains.)
        return


def end_leftovers(leftovers: Sequence[psutil.Process], first: signal.Signals, limit_s: float) -> None:
    """Ask processes of an earlier run to end with signal `first`, and SIGKILL what is there after `limit_s`."""
    for number, seconds in ((first, limit_s), (signal.SIGKILL, 5.0)):
        for process in leftovers:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        _, leftovers = psutil.wait_procs(leftovers, timeout=seconds)
        if not leftovers:
            return


def servers_in(folder: Path, program: str) -> list[psutil.Process]:
    """The living processes called `program` that work in `folder`, the eldest first.

    Both servers make their data folder the working directory, which tells them from any other process for certain,
    also where a pid file is missing, or its number has meanwhile been given to somebody else.
    """
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != program:
            continue
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append((process.create_time(), process.pid, process))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return [process for _, _, process in sorted(found, key=lambda entry: entry[:2])]


def how_it_ended(returncode: int) -> str:
    """An exit status in words: `exit code 3`, `signal SIGKILL`."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:
        return f"signal {-returncode}"
