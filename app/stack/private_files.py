"""Small files that only their owner may read, and the lock that gives a folder to one process at a time."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from app.stack.problems import StackError


def write_private(path: Path, text: str) -> None:
    """Replace `path` as a whole with `text`, mode 0600: a reader sees the old file or the new one, never half."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too: half a secret is left to nobody
        Path(temporary).unlink(missing_ok=True)
        raise


def kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
    """The secret in `path`; when there is none yet, a new one that is written there first."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        text = ""
    if not text:
        text = make()
        write_private(path, text + "\n")
    return text


class FolderLock:
    """Gives a folder to one process. The kernel lets go when that process ends, however it ends."""

    def __init__(self, path: Path):
        self.path = path
        self._handle: int | None = None

    def take(self, what: str) -> None:
        """Take the lock or raise StackError naming the holder; `what` is how the message calls the folder."""
        if self._handle is not None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(
                f"{what} cannot be used: {error.strerror} ({self.path}). Choose another folder with DATA_DIR, "
                "or run as the user who owns it."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 200).decode(errors="replace").strip() or "another process"
            os.close(handle)
            raise StackError(
                f"{what} is in use by {holder}. Stop that one first, or choose another DATA_DIR and PORT."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()}\n".encode())
        self._handle = handle

    def release(self) -> None:
        """Give the folder back. The file stays: unlinking it would let two processes lock two files."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.take(str(self.path.parent))
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release()
