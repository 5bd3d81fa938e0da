"""WebSockets of SQLPad: both ways, for whom, from where, and until when."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from app.ui import proxy_sockets
from tests.doors.people import account, token, visitor
from tests.doors.proxied import PAD, boss, client, here, join, pad, running  # noqa: F401
from tests.doors.sqlpad import PATIENCE_S, SqlPad


def test_websockets_pass_both_ways(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    headers = {**boss, "Origin": here(client)["Origin"], "X-WEBAUTH-EMAIL": "root@example.org"}
    with join(client, headers, subprotocols=["sql"]) as socket_:  # type: ignore[list-item]
        assert str(socket_.recv(PATIENCE_S)).startswith("account-")
        assert socket_.subprotocol == "sql"
        for message in ("text", "ü" * 100_000, b"\x00\xff" * 100_000):
            socket_.send(message)
            assert socket_.recv(PATIENCE_S) == message
        socket_.send("leave")
        with pytest.raises(ConnectionClosedError) as left:
            socket_.recv(PATIENCE_S)
    assert left.value.rcvd is not None
    assert left.value.rcvd.code == 4000
    got = pad.seen[-1].headers
    assert got["x-webauth-email"].startswith("account-")
    assert not set(got) & {"cookie", "authorization", "origin"}


def test_websockets_refuse_strangers_and_other_sites(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    viewer = {"Cookie": f"7t_session={visitor(client, account('Vera')).cookie}"}
    own = {"Origin": here(client)["Origin"]}
    for headers, status in (
        (own, 401),
        ({**own, **viewer}, 403),
        (boss, 403),
        ({**boss, "Origin": "https://evil.example"}, 403),
        ({**boss, "Origin": "null"}, 403),
        ({**token("sql:read"), "Origin": "https://evil.example"}, 403),
    ):
        with pytest.raises(InvalidStatus) as refused:
            join(client, headers)
        assert refused.value.response.status_code == status
        assert refused.value.response.headers["content-type"] == "application/problem+json"
    assert pad.seen == []
    with pytest.raises(InvalidStatus) as moved:
        join(client, {**boss, **own}, f"{PAD}/elsewhere")
    assert moved.value.response.status_code == 503
    assert [one.target for one in pad.seen] == [f"{PAD}/elsewhere"], "a redirect of the tool is not followed"


def test_a_websocket_ends_with_the_session(
    client: Any, boss: dict[str, str], pad: SqlPad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_sockets, "STILL_IN_SECONDS", 0.05)
    with join(client, {**boss, **here(client)}) as socket_:
        socket_.recv(PATIENCE_S)
        out = client.post("/ui/logout", headers={**boss, **here(client), "X-CSRF-Token": _csrf(boss)})
        assert out.status_code == 303
        with pytest.raises(ConnectionClosedError) as left:
            socket_.recv(PATIENCE_S)
    assert left.value.rcvd is not None
    assert left.value.rcvd.code == 1008


def _csrf(boss: dict[str, str]) -> str:
    from app.access import forgery

    return forgery.masked(forgery.secret_of(boss["Cookie"].partition("=")[2]))
