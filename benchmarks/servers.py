"""Stores and servers that only live for one measurement."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.platform import keys
from app.stack.postgres import EmbeddedPostgres
from app.stack.redis import EmbeddedRedis


@dataclass(frozen=True, slots=True)
class Bench:
    """A migrated database, an empty Redis, a folder; the key pair that may do everything."""

    folder: Path
    database_url: str
    redis_url: str
    user: str
    password: str

    def use(self) -> None:
        """Set the environment of this process, and so of those that it starts, to these stores."""
        os.environ |= {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.folder),
            "PUBLIC_PEM": self.user,
            "ADMIN_TOKEN": "bench",
            "LOG_LEVEL": "WARNING",
        }


@contextmanager
def stores() -> Iterator[Bench]:
    """Start stores of their own in a temporary directory, and set the environment of this process to them."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="seventaps-bench-"))
        folder.chmod(0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
        stack.callback(postgres.discard)
        stack.callback(redis.discard)
        pair = keys.new_key_pair()
        bench = Bench(
            folder, postgres.start(), redis.start(), keys.one_line(pair.public_pem), keys.one_line(pair.secret_pem)
        )
        bench.use()
        subprocess.run([sys.executable, "-m", "app", "migrate"], check=True)
        yield bench


@contextmanager
def server(app: str, port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """An ASGI application under uvicorn, one process, until the block ends."""
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen([*command, *more])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{app} does not answer") from None
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()
