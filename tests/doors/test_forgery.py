"""Requests that another site makes a browser send: none that changes something comes through with a cookie alone."""

import re
from typing import Any
from uuid import uuid4

import pytest

from app.access import forgery
from tests.conftest import Doors
from tests.doors.access_table import OPEN, ROUTES, SENDER
from tests.doors.people import ADMIN_TOKEN, Visitor, account, log_in, visitor

COHORT = {"name": "Spring"}


@pytest.fixture
def boss(doors: Doors) -> Visitor:
    """An admin who is logged in."""
    return visitor(doors.client, account("Boss", "admin"))


def code(answer: Any) -> str:
    """What a refusal is called."""
    return str(answer.json()["code"])


def test_no_route_forgets_to_ask_for_the_token(boss: Visitor) -> None:
    asked = 0
    for line, needed in ROUTES.items():
        method, path = line.split(" ", 1)
        # Sockets show where they come from by their Origin; test_proxy.py sees strangers refused.
        if needed in (OPEN, SENDER) or method in (*forgery.SAFE_METHODS, "WEBSOCKET"):
            continue
        bare = boss.bare(method, re.sub(r"\{\w+\}", str(uuid4()), path), json={})
        assert (bare.status_code, code(bare)) == (403, "csrf"), line
        asked += 1
    assert asked > 20
    assert boss.ask("GET", "/api/session").status_code == 200, "and the session goes on"


def test_a_token_of_this_session_in_header_or_form(doors: Doors, boss: Visitor) -> None:
    eve = visitor(doors.client, account("Eve", "admin"))
    for wrong in (eve.csrf, "", "x", boss.csrf[:-4], forgery.masked(b"\0" * 32), "ü" * 88):
        answer = boss.bare("PUT", "/api/cohorts/spring", json=COHORT, headers={"X-CSRF-Token": wrong.encode()})
        assert (answer.status_code, code(answer)) == (403, "csrf"), wrong
    assert boss.bare("PUT", "/api/cohorts/spring", json=COHORT, headers={"X-CSRF-Token": boss.csrf}).status_code == 200
    fields = {"name": "Ann", "password": "seven wooden spoons sing"}
    assert boss.bare("POST", "/ui/admin/accounts", data=fields).status_code == 403
    assert boss.bare("POST", "/ui/admin/accounts", data={**fields, "csrf_token": boss.csrf}).status_code == 303


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://testserver.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 200),
        ({"Origin": "http://testserver"}, 200),
        ({}, 200),
    ],
)
def test_even_with_a_token_not_from_another_site(boss: Visitor, told: dict[str, str], status: int) -> None:
    assert boss.ask("PUT", "/api/cohorts/spring", json=COHORT, headers=told).status_code == status


def test_bearer_requests_need_none_and_a_cookie_beside_does_not_help(doors: Doors, boss: Visitor) -> None:
    assert doors.client.put("/api/cohorts/spring", json=COHORT, headers=doors.admin).status_code == 200
    cross = doors.admin | {"Origin": "https://evil.example"}
    assert doors.client.put("/api/cohorts/spring", json=COHORT, headers=cross).status_code == 200
    both = boss.ask("PUT", "/api/cohorts/spring", json=COHORT, headers={"Authorization": "Bearer wrong"})
    assert both.status_code == 401


def test_the_login_form_is_tied_to_the_browser_that_asked_for_it(doors: Doors) -> None:
    fields = {"admin_token": ADMIN_TOKEN}
    without = doors.client.post("/ui/login", data=fields, follow_redirects=False)
    assert without.status_code == 403
    assert "This form was out of date." in without.text
    mine = doors.client.get("/ui/login").text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    doors.client.cookies.clear()
    elsewhere = doors.client.post("/ui/login", data={**fields, "csrf_token": mine}, follow_redirects=False)
    assert elsewhere.status_code == 403
    cross = log_in(doors.client, fields, {"Origin": "https://evil.example"})
    assert cross.status_code == 403
    assert "7t_session" not in str(cross.headers)
    assert log_in(doors.client, fields).status_code == 303


def test_the_token_is_another_one_on_each_page(boss: Visitor) -> None:
    def tokens() -> set[str]:
        return {one.split('"', 1)[0] for one in boss.ask("GET", "/ui/account").text.split('csrf_token" value="')[1:]}

    first, second = tokens(), tokens()
    assert len(first) == len(second) == 1
    assert first != second
    for one in first | second:
        assert boss.bare("PUT", "/api/cohorts/spring", json=COHORT, headers={"X-CSRF-Token": one}).status_code == 200
