"""A server that is told to end ends, though browsers hold streams open."""

import signal
import socket
from http.client import HTTPConnection

import pytest

from benchmarks.servers import server
from tests.browser.serving import api
from tests.conftest import Doors

pytestmark = pytest.mark.flow

PATIENCE_SECONDS = 20
"""Far more than it takes, far less than a stream that nobody ends."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_do_not_keep_the_server(doors: Doors, number: signal.Signals) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with server("app.main:create_app", port, "--factory") as process:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/ui/live", headers=doors.admin)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.readline().startswith(b"retry:")
        process.send_signal(number)
        rest = answer.read()
        assert b"event: pipeline" in rest or rest.strip() == b""
        process.wait(PATIENCE_SECONDS)


def test_nor_where_the_server_runs_in_a_thread(doors: Doors) -> None:
    with api() as address:
        connection = HTTPConnection(address.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        connection.request("GET", "/ui/live", headers=doors.admin)
        answer = connection.getresponse()
        assert answer.readline().startswith(b"retry:")
        # Leaving this block asserts that the server has ended.
    connection.close()
