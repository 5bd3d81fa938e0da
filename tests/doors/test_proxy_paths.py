"""Where a request to SQLPad leads: never out of its folder or to another host, nor do its redirects."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doors.proxied import PAD, boss, client, pad, raw, running  # noqa: F401
from tests.doors.sqlpad import SqlPad


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
