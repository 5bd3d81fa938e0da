"""SQLPad behind our server, over real sockets: who comes in, as whom, what passes each way, and what never does."""

import http.client
import re
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from starlette.testclient import WebSocketDenialResponse
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.access.headers import HEADERS
from app.ui import proxy_sockets
from tests.browser.serving import api
from tests.conftest import Doors
from tests.doors.people import account, token, visitor
from tests.doors.sqlpad import DOWNLOAD_PIECES, PATIENCE_S, PIECE, SqlPad, running_sqlpad
from tests.doors.test_signup import doors_with

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


def test_strangers_are_sent_to_the_login_and_viewers_refused(client: Any, pad: SqlPad) -> None:
    assert client.get(f"{PAD}/").status_code == 401
    login = client.get(f"{PAD}/queries?a=1", headers=PAGE)
    assert login.status_code == 303
    assert login.headers["location"] == f"/ui/login?next={quote(f'{PAD}/queries?a=1', safe='')}"
    viewer = {"Cookie": f"7t_session={visitor(client, account('Vera')).cookie}"}
    refused = client.get(f"{PAD}/", headers=viewer)
    assert (refused.status_code, "sql:read" in refused.json()["detail"]) == (403, True)
    assert client.get(f"{PAD}/", headers=token("reports:read")).status_code == 403
    assert pad.seen == []


def test_the_terminal_frames_it_for_who_may(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    page = client.get("/ui/db-terminal", headers={**PAGE, **boss})
    assert f'src="{PAD}/"' in page.text
    assert "/ui/superset/sqllab/" in page.text
    assert page.headers["content-security-policy"] == f"{HEADERS['Content-Security-Policy']}; frame-src 'self'"
    twin = client.get("/ui/db-terminal?format=json", headers=boss).json()
    assert [(one["path"], one["framed"]) for one in twin["tools"]] == [
        (f"{PAD}/", True),
        ("/ui/superset/sqllab/", False),
    ]
    viewer = {"Cookie": f"7t_session={visitor(client, account('Vera')).cookie}"}
    theirs = client.get("/ui/db-terminal", headers={**PAGE, **viewer})
    assert "sqlpad" not in theirs.text
    assert "frame-src" not in theirs.headers["content-security-policy"]


def test_a_batch_runs_as_the_caller(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    info = client.get(f"{PAD}/api/app", headers=boss).json()
    email = info["currentUser"]["email"]
    assert re.fullmatch(r"account-[0-9a-f-]{36}@analytics\.invalid", email)
    batch = {"connectionId": "seventaps", "batchText": "SELECT 1", "selectedText": ""}
    begun = client.post(f"{PAD}/api/batches", json=batch, headers={**boss, **here(client)}).json()
    assert client.get(f"{PAD}/api/batches/{begun['id']}", headers=boss).json()["status"] == "finished"
    statement = begun["statements"][0]["id"]
    assert client.get(f"{PAD}/api/statements/{statement}/results", headers=boss).json() == [["SELECT 1", 1]]
    assert {one.headers["x-webauth-email"] for one in pad.seen} == {email}
    assert {one.headers["x-webauth-name"] for one in pad.seen} == {"Boss"}
    assert client.get(f"{PAD}/api/app", headers=token("sql:read")).json()["currentUser"]["email"] != email
    assert client.get("/ui/superset/api/v1/me/?q=1", headers=boss).text == "anything"
    assert (pad.seen[-1].target, pad.seen[-1].headers["x-webauth-email"]) == ("/ui/superset/api/v1/me/?q=1", email)


def test_nobody_signs_in_as_somebody_else(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    forged = {
        "X-WEBAUTH-EMAIL": "root@example.org",
        "x-webauth-role": "admin",
        "X_WEBAUTH_EMAIL": "root@example.org",
        "Remote-User": "root",
        "X-Remote-User": "root",
        "X-Forwarded-User": "root",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=10.0.0.1",
        "X-CSRF-Token": "ours",
        "X-Per-Hop": "1",
        "Referer": f"{client.base_url}ui/db-terminal",
        "TE": "trailers",
        "Proxy-Authorization": "Basic eA==",
    }
    cookies = f"{boss['Cookie']}; theme=dark; sqlpad.sid=somebody; __Host-7t_session=x"
    assert client.get(f"{PAD}/api/app", headers={**forged, "Cookie": cookies}).status_code == 200
    got = pad.seen[-1].headers
    assert got["x-webauth-email"].startswith("account-")
    assert not {name.lower() for name in forged} - {"x-webauth-email"} & set(got) - {"x-webauth-email"}
    assert not set(got) & {"authorization", "cookie", "origin"}
    assert client.get(f"{PAD}/api/app", headers={**forged, **token("sql:read")}).status_code == 200
    assert "authorization" not in pad.seen[-1].headers
    assert pad.seen[-1].headers["x-webauth-email"].startswith("token-")


def test_what_comes_back_concerns_the_tool_alone(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    answer = client.get(f"{PAD}/", headers=boss)
    assert answer.text.startswith("SQLPad of account-")
    policy = answer.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "frame-ancestors 'self'" in policy[0]
    assert "default-src 'self'" in policy[0]
    assert answer.headers.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert answer.headers["x-of-the-tool"] == "1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    gone = {"x-powered-by", "strict-transport-security", "clear-site-data", "access-control-allow-origin", "x-per-hop"}
    assert not gone & set(answer.headers)
    batch = client.post(f"{PAD}/api/batches", json={"batchText": "x"}, headers=here(client) | boss)
    assert "www-authenticate" not in batch.headers
    # An answer that calls itself an error of ours is not made into a page of ours.
    odd = client.get(f"{PAD}/problem", headers={**boss, **PAGE})
    assert (odd.status_code, odd.text, odd.headers["content-type"]) == (
        500,
        "no JSON",
        "application/json",
    )


def test_its_cookies_are_its_own_and_of_one_login(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    first, tossed = client.get(f"{PAD}/", headers=boss).headers.get_list("set-cookie")
    found = re.fullmatch(
        rf"(tool-[0-9a-f]{{16}}-)sqlpad\.sid=([^;]+); Max-Age=3600; Path={PAD}; HttpOnly; SameSite=Lax", first
    ) or re.fullmatch(
        rf"(tool-[0-9a-f]{{16}}-)sqlpad\.sid=([^;]+); Path={PAD}; Max-Age=3600; HttpOnly; SameSite=Lax", first
    )
    assert found, first
    assert tossed.startswith(f"{found[1]}7t_session=")
    assert f"Path={PAD};" in tossed
    pair = first.partition(";")[0]
    client.cookies.clear()
    client.get(f"{PAD}/api/app", headers={"Cookie": f"{boss['Cookie']}; {pair}"})
    assert pad.seen[-1].headers["cookie"] == f"sqlpad.sid={found[2]}"
    # The next one at the same browser does not go on with that session, and our server keeps none for anybody.
    other = visitor(client, account("Other", "admin")).cookie
    client.get(f"{PAD}/api/app", headers={"Cookie": f"7t_session={other}; {pair}"})
    assert "cookie" not in pad.seen[-1].headers
    assert pad.seen[-1].headers["x-webauth-email"] != pad.seen[-2].headers["x-webauth-email"]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_other_sites_change_nothing(client: Any, boss: dict[str, str], pad: SqlPad, said: dict[str, str]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"{PAD}/api/batches", json={"batchText": "x"}, headers={**boss, **said})
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert pad.seen == []


@pytest.mark.parametrize("one", ["Origin", "Sec-Fetch-Site"])
def test_our_own_pages_do(client: Any, boss: dict[str, str], pad: SqlPad, one: str) -> None:
    said = {one: here(client)[one]}
    answer = client.post(f"{PAD}/api/batches", json={"batchText": "x"}, headers={**boss, **said})
    assert answer.status_code == 200
    assert client.delete(f"{PAD}/api/queries/1", headers={**boss, **said}).text == "anything"


def test_a_large_download_passes_piece_by_piece(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    plain = {**boss, "Accept-Encoding": "identity"}
    with client.stream("GET", f"{PAD}/statement-results/big.csv?held=1", headers=plain) as answer:
        pieces = answer.iter_raw()
        got = 0
        while got < len(PIECE) * DOWNLOAD_PIECES // 2:
            got += len(next(pieces))
        assert not pad.ended.is_set(), "the first half is here while the second is not made yet"
        pad.go_on.set()
        assert got + sum(map(len, pieces)) == len(PIECE) * DOWNLOAD_PIECES
    tracemalloc.start()
    try:
        with client.stream("GET", f"{PAD}/statement-results/big.csv", headers=plain) as answer:
            assert answer.headers["content-type"].startswith("text/csv")
            assert sum(map(len, answer.iter_raw())) == len(PIECE) * DOWNLOAD_PIECES > 50 * MEGABYTE
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_who_leaves_ends_the_download(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    with client.stream("GET", f"{PAD}/statement-results/big.csv?held=1", headers=boss) as answer:
        next(answer.iter_raw())
    assert pad.ended.wait(PATIENCE_S)


def test_uploads_pass_up_to_the_limit(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    headers = {**boss, **here(client)}
    answer = client.post(f"{PAD}/upload", content=b"x" * MEGABYTE, headers=headers)
    assert answer.json() == {"bytes": MEGABYTE}
    assert pad.seen[-1].headers["content-length"] == str(MEGABYTE)
    unknown = client.put(f"{PAD}/upload", content=iter([b"x" * 1_000] * 100), headers=headers)
    assert unknown.json() == {"bytes": 100_000}
    for content in (b"x" * (MOST_BYTES + 1), iter([b"x" * MEGABYTE] * 3)):
        refused = client.post(f"{PAD}/upload", content=content, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert pad.seen[-1].body_bytes <= MOST_BYTES


@pytest.mark.parametrize(
    "rest",
    [
        "../login",
        "../../api/tokens",
        "a/../../login",
        "%2e%2e/login",
        "%2E./login",
        ".%2e/login",
        "%252e%252e/login",
        "..%2flogin",
        "a%2fb",
        "a%252fb",
        "a%5cb",
        "..\\login",
        "a%00b",
        "a%0d%0aX-WEBAUTH-EMAIL:%20root",
        "%25252525252e",
    ],
)
def test_no_path_leads_out(client: Any, boss: dict[str, str], pad: SqlPad, rest: str) -> None:
    status, body = raw(client, f"{PAD}/{rest}", boss)
    assert status in (400, 404), body
    assert pad.seen == []


@pytest.mark.parametrize(
    "rest",
    ["/evil.example/x", "//evil.example", "@evil.example/", "http://evil.example/", "?to=//evil.example", "a:b@c"],
)
def test_other_hosts_in_the_path_are_only_paths(client: Any, boss: dict[str, str], pad: SqlPad, rest: str) -> None:
    status, _ = raw(client, f"{PAD}/{rest}", boss)
    assert status == 200
    assert pad.seen[-1].target == f"{PAD}/{rest}"
    assert pad.seen[-1].headers["host"] == urlsplit(pad.url).netloc


def test_the_request_line_names_no_other_host(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    for target in (f"http://evil.example{PAD}/a", f"//evil.example{PAD}/a"):
        raw(client, target, boss)
    assert {one.headers["host"] for one in pad.seen} <= {urlsplit(pad.url).netloc}


def test_redirects_stay_inside(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    def to(where: str) -> Any:
        return client.get(f"{PAD}/redirect", params={"to": where}, headers=boss, follow_redirects=False)

    for where, there in {
        f"{PAD}/signin?a=1#b": f"{PAD}/signin?a=1#b",
        "/signin": f"{PAD}/signin",
        "signin": f"{PAD}/signin",
        f"{pad.url}{PAD}/x": f"{PAD}/x",
        f"{str(client.base_url).rstrip('/')}/ui/logout": f"{PAD}/ui/logout",
        "/": f"{PAD}/",
    }.items():
        assert (to(where).status_code, to(where).headers["location"]) == (302, there)
    for where in ("https://evil.example/", "//evil.example/x", "/\\evil.example", "javascript:alert(1)"):
        assert (to(where).status_code, to(where).json()["code"]) == (502, "tool_failed")


def test_silence_is_told_in_words(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    answer = client.get(f"{PAD}/silent", headers=boss)
    assert (answer.status_code, answer.json()["code"]) == (502, "tool_failed")
    assert "said nothing for 3 seconds" in answer.json()["detail"]


def test_a_tool_that_is_away_is_told_in_words(doors: Doors) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with doors_with(superset_url="", sqlpad_url=f"http://127.0.0.1:{nobody.getsockname()[1]}") as client:
            answer = client.get(f"{PAD}/", headers=doors.admin)
            assert (answer.status_code, answer.json()["code"]) == (503, "tool_away")
            page = client.get(f"{PAD}/", headers={**doors.admin, **PAGE})
            assert page.status_code == 503
            assert page.headers["content-type"].startswith("text/html")
            assert "SQLPad does not answer right now" in page.text
            assert "SQLPAD_URL" in page.text
            # In the frame of our page people read this, and not that the browser refuses to show it.
            assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
            assert page.headers["x-frame-options"] == "SAMEORIGIN"
            with (
                pytest.raises(WebSocketDenialResponse) as refused,
                client.websocket_connect(f"{PAD}/echo", headers=doors.admin),
            ):
                pass
            assert refused.value.status_code == 503
            missing = client.get("/ui/superset/", headers=doors.admin)
            assert (missing.status_code, "SUPERSET_URL" in missing.json()["detail"]) == (404, True)


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


def test_what_is_no_http_is_told_in_words(doors: Doors) -> None:
    with saying(b"220 mail.example ESMTP\r\n") as odd, doors_with(sqlpad_url=odd) as client:
        answer = client.get(f"{PAD}/", headers=doors.admin)
    assert (answer.status_code, answer.json()["code"]) == (502, "tool_failed")


def test_half_an_answer_does_not_look_whole(doors: Doors) -> None:
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1,Ann\r\n"
    with saying(begun) as odd, api(sqlpad_url=odd) as address, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{address}{PAD}/statement-results/a.csv", headers=doors.admin, trust_env=False, timeout=PATIENCE_S)


def test_with_pseudonyms_it_is_for_admins(doors: Doors) -> None:
    with running_sqlpad() as pad, doors_with(sqlpad_url=pad.url, learner_display="pseudonyms") as client:
        asking = token("sql:read", "reports:read")
        assert "pseudonyms" in client.get(f"{PAD}/", headers=asking).json()["detail"]
        assert client.get("/ui/db-terminal?format=json", headers=asking).json()["tools"] == []
        assert client.get(f"{PAD}/", headers=doors.admin).status_code == 200


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
