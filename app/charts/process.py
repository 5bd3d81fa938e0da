"""One helper process per process, started when first needed: asked under a lock, stopped when it takes too long.

vl-convert runs V8. It holds Python's lock while it draws, cannot be interrupted, and keeps 75 to 140 MiB: none of that
belongs beside a door that has to answer within milliseconds (docs/decisions/0012-charts.md has the figures).
"""

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

HELPER = Path(__file__).parent / "helper.py"
TIMEOUT_S = 10.0
"""For one picture. A helper that takes longer is stopped; the next picture gets a new one."""
WAIT_S = 20.0
"""For the helper to have time for us."""
MOST_DRAWINGS = 1_000
"""Then the helper makes way for a new one, so that whatever it keeps is given back."""
MOST_ANSWER_MIB = 16


class DrawingFailedError(Exception):
    """The chart could not be drawn, and why. Its table can still be shown."""


class Helper:
    """The helper process and the pipe to it. Safe to use from many threads; a fork gets one of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._drawn = 0

    def ask(self, message: dict[str, Any], timeout_s: float = TIMEOUT_S) -> bytes:
        """Send a message, return the answer. DrawingFailedError when it refuses, dies or takes too long."""
        body = json.dumps(message).encode()
        if not self._lock.acquire(timeout=WAIT_S):
            raise DrawingFailedError(f"Too many charts at once: none was drawn within {WAIT_S:g} s.")
        try:
            return self._exchange(self._running(), body, timeout_s)
        finally:
            self._lock.release()

    @property
    def pid(self) -> int | None:
        """Of the helper that runs, if one does."""
        return self._process.pid if self._process and self._owner == os.getpid() else None

    def close(self) -> None:
        """End the helper. The next question starts another one."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # What was not yet sent need not be.
                    continue
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():
            self._process, self._owner = None, os.getpid()
        if self._drawn >= MOST_DRAWINGS or (self._process and self._process.poll() is not None):
            self.close()
        if self._process is None:
            self._drawn = 0
            # -P: the folder of the file is no place to import from. No proxy and no home are handed on.
            self._process = subprocess.Popen(  # noqa: S603  (our own file, by our own Python)
                [sys.executable, "-P", str(HELPER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if key in os.environ},
            )
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], body: bytes, timeout_s: float) -> bytes:
        if process.stdin is None or process.stdout is None:
            raise DrawingFailedError("The drawing process has no pipe.")
        # Killed, it closes the pipe, and the read below ends: the same on every system.
        alarm = threading.Timer(timeout_s, process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            process.stdin.write(struct.pack(">I", len(body)) + body)
            process.stdin.flush()
            head = process.stdout.read(5)
            if len(head) < 5:
                raise OSError("nothing came")
            length, status = struct.unpack(">IB", head)
            if length > MOST_ANSWER_MIB * 2**20:
                raise OSError(f"more than {MOST_ANSWER_MIB} MiB came")
            content = process.stdout.read(length)
            if len(content) < length:
                raise OSError("only a part came")
        except OSError as problem:
            self.close()
            raise DrawingFailedError(f"The chart was not drawn within {timeout_s:g} s: {problem}.") from problem
        finally:
            alarm.cancel()
        self._drawn += 1
        if status:
            raise DrawingFailedError(content.decode(errors="replace"))
        return content


helper = Helper()
"""The one of this process."""
atexit.register(helper.close)
