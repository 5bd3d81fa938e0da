"""SQLPad behind our server, each on a port of its own, and somebody who speaks to it over real sockets."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser.serving import api
from tests.doors.people import account, visitor
from tests.doors.sqlpad import PATIENCE_S, SqlPad, running_sqlpad

PAD = "/ui/sqlpad"
PAGE = {"Accept": "text/html"}
MOST_BYTES = 2 * 2**20
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[str, SqlPad]]:
    """Our server and SQLPad, each on a port of its own; what stands for Superset is the same server."""
    with (
        running_sqlpad() as pad,
        api(
            sqlpad_url=f"{pad.url}/", superset_url=pad.url, max_body_bytes=str(MOST_BYTES), tool_silence_seconds="3"
        ) as address,
    ):
        yield address, pad


@pytest.fixture
def pad(running: tuple[str, SqlPad], clean: None) -> SqlPad:
    """SQLPad, which has seen nothing yet."""
    running[1].seen.clear()
    running[1].go_on.clear()
    running[1].ended.clear()
    return running[1]


@pytest.fixture
def client(running: tuple[str, SqlPad], clean: None) -> Iterator[Any]:
    """Somebody who speaks to our server."""
    with httpx.Client(base_url=running[0], trust_env=False, timeout=PATIENCE_S) as made:
        yield made


@pytest.fixture
def boss(client: Any) -> dict[str, str]:
    """The cookie of an admin's session."""
    return {"Cookie": f"7t_session={visitor(client, account('Boss', 'admin')).cookie}"}


def here(client: Any) -> dict[str, str]:
    """What a browser says of a request that a page of our server sends."""
    return {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}


def raw(client: Any, target: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """GET with a request line exactly as written."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=PATIENCE_S)
    connection.putrequest("GET", target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


def join(client: Any, headers: dict[str, str], path: str = f"{PAD}/echo", **more: Any) -> ClientConnection:
    address = f"ws://{client.base_url.host}:{client.base_url.port}{path}"
    return connect(address, additional_headers=headers, proxy=None, compression=None, **more)


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """The address of a server that says this to the first who comes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(words)

        thread = Thread(target=speak, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(PATIENCE_S)
