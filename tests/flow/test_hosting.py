"""What a hosting service hands out: addresses of stores with TLS or as postgres://, a port, a network of IPv6."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import TEMPLATE
from tests.flow.certificates import Authority
from tests.flow.system import ROOT, free_port, wait_for
from tests.statements import completed
from tests.stores import Stores

pytestmark = pytest.mark.flow


class TlsRelay:
    """Ends TLS in front of a server that has none, as Redis behind rediss:// does."""

    def __init__(self, target: tuple[str, int], context: ssl.SSLContext):
        self._target, self._context = target, context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.shaken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            near = self._context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.shaken += 1
        far = socket.create_connection(self._target)
        threading.Thread(target=self._copy, args=(far, near), daemon=True).start()
        self._copy(near, far)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while block := source.recv(65_536):
                target.sendall(block)
        except OSError:
            return
        finally:
            for one in (source, target):
                one.close()


@pytest.fixture
def database(stores: Stores) -> Iterator[str]:
    name = f"seventaps_hosted_{os.getpid()}"
    yield stores.create_database(name, TEMPLATE)
    stores.drop_database(name)


@pytest.fixture
def relay(stores: Stores, tmp_path: Path) -> Iterator[tuple[TlsRelay, Path]]:
    authority = Authority.made(tmp_path)
    host, _, port = stores.redis_url.rpartition("@")[2].partition("/")[0].partition(":")
    made = TlsRelay((host, int(port)), authority.server("127.0.0.1"))
    yield made, authority.path
    made.close()


def test_it_runs_with_what_a_hosting_service_sets(
    clean: None, stores: Stores, database: str, relay: tuple[TlsRelay, Path], tmp_path: Path
) -> None:
    tls, authority = relay
    password = stores.redis_url.partition("@")[0].rpartition(":")[2]
    port = free_port()
    environment = {
        **os.environ,
        # sslmode goes through to libpq; `prefer` is as far as a server without TLS can be asked.
        "DATABASE_URL": database.replace("postgresql://", "postgres://") + "?sslmode=prefer",
        "REDIS_URL": f"rediss://:{password}@127.0.0.1:{tls.port}/0?ssl_ca_certs={authority}",
        "PORT": str(port),
        "HOST": "::",
        "DATA_DIR": str(tmp_path),
        "PUBLIC_URL": "https://analytics.example.org",
    }
    log = tmp_path / "log.txt"
    with log.open("wb") as output:
        processes = [
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
            for command in (
                [sys.executable, "-m", "app", "serve"],
                [sys.executable, "-m", "dramatiq", "app.worker", "--processes", "1", "--threads", "2"],
            )
        ]

    def answers(host: str) -> bool:
        assert processes[0].poll() is None, log.read_text()
        try:
            return httpx.get(f"http://{host}:{port}/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        # One socket for both families: the private network is IPv6, the edge may come by IPv4.
        wait_for(lambda: answers("127.0.0.1"))
        if socket.has_dualstack_ipv6():
            assert answers("[::1]")
        statement = completed("hosted@example.org")
        where = f"http://127.0.0.1:{port}"
        sent = httpx.put(
            f"{where}/api/xapi/statements",
            params={"statementId": statement["id"]},
            json=statement,
            auth=(os.environ["PUBLIC_PEM"], os.environ["SECRET_PEM"]),
        )
        assert sent.status_code == 204, log.read_text()
        admin = {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}

        def loaded() -> bool:
            told = httpx.get(f"{where}/api/debug/pipeline", headers=admin).json()
            return bool(told["stream_length"] == 0 and told["flat_statements"] == 1)

        wait_for(loaded)
        assert httpx.get(f"{where}/health/ready").json()["ready"]
        assert tls.shaken > 2, "API, worker and broker each came by TLS"
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        ended = [process.wait(60) for process in processes]
    # Neither was killed: both had stopped in order.
    assert -signal.SIGKILL not in ended
    assert b"Traceback" not in log.read_bytes()


def test_a_store_whose_certificate_nobody_vouches_for_is_not_spoken_to(
    clean: None, stores: Stores, relay: tuple[TlsRelay, Path]
) -> None:
    import redis

    from app.platform.redis import redis_client

    tls, _authority = relay
    with pytest.raises(redis.ConnectionError, match="certificate"):
        redis_client(f"rediss://127.0.0.1:{tls.port}/0").ping()
    assert tls.shaken == 0
