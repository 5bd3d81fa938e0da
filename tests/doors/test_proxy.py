"""SQLPad behind our server, over real sockets: who comes in, as whom, what passes each way, and what never does."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from app.access.headers import HEADERS
from tests.conftest import Doors
from tests.doors.people import account, token, visitor
from tests.doors.proxied import PAD, PAGE, boss, client, here, pad, running  # noqa: F401
from tests.doors.sqlpad import SqlPad, running_sqlpad
from tests.doors.test_signup import doors_with


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


def test_with_pseudonyms_it_is_for_admins(doors: Doors) -> None:
    with running_sqlpad() as pad, doors_with(sqlpad_url=pad.url, learner_display="pseudonyms") as client:
        asking = token("sql:read", "reports:read")
        assert "pseudonyms" in client.get(f"{PAD}/", headers=asking).json()["detail"]
        assert client.get("/ui/db-terminal?format=json", headers=asking).json()["tools"] == []
        assert client.get(f"{PAD}/", headers=doors.admin).status_code == 200
