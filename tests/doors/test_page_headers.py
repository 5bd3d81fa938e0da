"""What browsers are told with pages: cookies over http and https, the headers, and none of it at the other doors."""

import re

import pytest
from fastapi.testclient import TestClient

from app.access.headers import HEADERS
from tests.conftest import Doors
from tests.doors.people import ADMIN_TOKEN, account, visitor
from tests.doors.test_login import cookie_of
from tests.doors.test_signup import doors_with


def logged_in(client: TestClient, **headers: str) -> str:
    """The Set-Cookie line of a login."""
    page = client.get("/ui/login", headers=headers)
    field = page.text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    tie = page.headers["set-cookie"].split(";", 1)[0]
    form = {"csrf_token": field, "admin_token": ADMIN_TOKEN}
    answer = client.post("/ui/login", data=form, headers={**headers, "Cookie": tie}, follow_redirects=False)
    assert answer.status_code == 303
    assert ("strict-transport-security" in answer.headers) == ("__Host-" in tie)
    return cookie_of(answer)


def test_the_cookie_over_http(doors: Doors) -> None:
    line = logged_in(doors.client)
    assert re.fullmatch(r"7t_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", line)


@pytest.mark.parametrize(
    ("settings", "base", "headers"),
    [
        ({}, "https://testserver", {}),
        ({"signup_trusted_proxies": "1"}, "http://testserver", {"X-Forwarded-Proto": "https"}),
        ({"public_url": "https://testserver"}, "http://testserver", {}),
    ],
)
def test_the_cookie_under_tls(doors: Doors, settings: dict[str, str], base: str, headers: dict[str, str]) -> None:
    with doors_with(**settings) as client:
        client.base_url = base
        line = logged_in(client, **headers)
        assert re.fullmatch(r"__Host-7t_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", line)
        cookie = line.split(";", 1)[0]
        client.cookies.clear()
        assert client.get("/api/session", headers={**headers, "Cookie": cookie}).status_code == 200
        plain = cookie.removeprefix("__Host-")
        assert client.get("/api/session", headers={**headers, "Cookie": plain}).status_code == 401


def test_a_forwarded_scheme_is_not_believed_unless_there_is_a_proxy(doors: Doors) -> None:
    assert "Secure" not in logged_in(doors.client, **{"X-Forwarded-Proto": "https"})


def test_pages_carry_the_headers_refusals_and_redirects_too(doors: Doors) -> None:
    page = {"Accept": "text/html"}
    ann = visitor(doors.client, account())
    for answer in (
        doors.client.get("/ui/login"),
        doors.client.get("/ui/account", headers=page, follow_redirects=False),
        doors.client.get("/ui/account"),
        doors.client.get("/ui/nothing-here"),
        ann.ask("GET", "/ui/account"),
        ann.ask("GET", "/ui/admin/accounts"),
        doors.client.get("/docs"),
    ):
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
    assert "unsafe-inline" not in HEADERS["Content-Security-Policy"]
    files = doors.client.get("/docs-files/swagger-ui.css")
    assert files.headers["x-content-type-options"] == "nosniff"
    assert "cache-control" not in files.headers


def test_an_unexpected_error_of_a_page_carries_them_too(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.login.page", lambda *_, **__: 1 / 0)
    answer = doors.client.get("/ui/login")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_the_other_doors_are_as_they_were(doors: Doors) -> None:
    for answer in (doors.client.get("/health"), doors.post([]), doors.client.get("/api/cohorts", headers=doors.admin)):
        assert "content-security-policy" not in answer.headers


def test_pages_hold_nothing_that_the_policy_forbids(doors: Doors) -> None:
    boss = visitor(doors.client, account("Boss", "admin"))
    paths = ("/ui/login", "/ui/account", "/ui/admin/accounts", "/docs")
    for text in (boss.ask("GET", path).text for path in paths if path != "/ui/login"):
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?://", text)
    text = doors.client.get("/ui/login").text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?://", text)
