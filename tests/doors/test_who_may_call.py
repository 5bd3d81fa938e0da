"""Who may call which door: every one of them that is described, so that a new one cannot be left open by mistake."""

import re
from collections.abc import Iterator

import orjson
import pytest

from tests.conftest import Doors

OPEN = {
    ("get", "/health"),
    ("get", "/health/ready"),
    ("get", "/xapi/about"),
    ("post", "/api/signup"),
    ("get", "/unsubscribe/{token}"),
    ("post", "/unsubscribe/{token}"),
}
SENDERS = re.compile(r"/(api/)?xapi/")
ANN = orjson.dumps({"mbox": "mailto:ann@example.org"}).decode()
VERSION = {"X-Experience-API-Version": "1.0.3"}


def closed(doors: Doors) -> Iterator[tuple[str, str, str]]:
    """Method, path as it is described, and a path that can be asked for, of each door that is not open to everybody."""
    for path, methods in doors.client.get("/openapi.json").json()["paths"].items():
        for method in methods.keys() & {"get", "head", "put", "post", "patch", "delete"}:
            if (method, path) not in OPEN:
                yield method, path, re.sub(r"\{[^}]*\}", "00000000-0000-4000-8000-000000000000", path)


def test_nobody_comes_in_without_credentials_but_where_everybody_may(doors: Doors) -> None:
    refused = [
        (path, doors.client.request(method, asked, headers=VERSION).status_code)
        for method, path, asked in closed(doors)
    ]
    assert len(refused) > 50
    assert [one for one in refused if one[1] != 401] == []


def test_a_sender_comes_in_at_the_doors_of_xapi_only(doors: Doors) -> None:
    """Even one whose key carries the scope `all`: that is all of xAPI, and no more."""
    answers = [
        (path, doors.client.request(method, asked, headers=VERSION, auth=doors.sender).status_code)
        for method, path, asked in closed(doors)
        if not SENDERS.match(path)
    ]
    assert len(answers) > 30
    assert [one for one in answers if one[1] != 401] == []


def test_an_admin_is_no_sender(doors: Doors) -> None:
    answers = [
        (path, doors.client.request(method, asked, headers=VERSION | doors.admin).status_code)
        for method, path, asked in closed(doors)
        if SENDERS.match(path)
    ]
    assert [one for one in answers if one[1] != 401] == []


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (("statements/write", "define"), 403),
        (("statements/read/mine", "state"), 403),
        (("statements/read",), 200),
        (("profile",), 200),
        (("all/read",), 200),
    ],
)
def test_who_else_somebody_is_learns_only_who_may_read_of_everybody(
    doors: Doors, scopes: tuple[str, ...], status: int
) -> None:
    sender = doors.holding(*scopes)
    assert sender.get("/xapi/agents", agent=ANN).status_code == status
    assert sender.get("/xapi/activities", activityId="https://example.org/1").status_code == 200
