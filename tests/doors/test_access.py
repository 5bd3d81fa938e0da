"""Every route of the application, for everybody who may come: what the table says, and no route without a line."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from app.accounts.scopes import SCOPES
from app.main import create_app
from tests.conftest import Doors
from tests.doors.access_table import ASKING, OPEN, OWN, ROUTES, SENDER, VIEWER_HAS
from tests.doors.people import account, token, visitor

NOBODY = {401}
NOT_ALLOWED = {403}


def served() -> Iterator[tuple[str, str]]:
    """Every method and path that the application serves; of a folder of files only its address."""
    yield from _below(create_app().routes, "")


def _below(routes: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount):
            yield "FILES", prefix + route.path
        elif isinstance(route, APIRoute):
            yield from ((method, prefix + route.path) for method in sorted(route.methods))
        elif isinstance(route, Route):
            yield from ((method, prefix + route.path) for method in sorted((route.methods or set()) - {"HEAD"}))
        else:
            # The framework keeps a router that was included as one entry.
            included = route.original_router
            yield from _below(included.routes, prefix + getattr(route, "prefix", ""))


SERVED = sorted(set(served()))


def test_every_route_has_a_line_and_every_line_a_route() -> None:
    listed = {tuple(line.split(" ", 1)) for line in ROUTES}
    routes = {(method, path) for method, path in SERVED if method != "FILES"}
    folders = [path for method, path in SERVED if method == "FILES"]
    assert routes - listed == set(), "say in access_table.py who may use these"
    beside = {(method, path) for method, path in listed - routes if not any(path.startswith(one) for one in folders)}
    assert beside == set(), "these are not served any more"
    assert all(any(path.startswith(folder) for _, path in listed) for folder in folders)
    assert set(ROUTES.values()) <= {*SCOPES, OPEN, OWN, ASKING, SENDER}


def expected(needed: str, who: str) -> set[int] | None:
    """The statuses that this caller gets; None: none of 401 and 403."""
    if needed == OPEN:
        return None
    if needed == SENDER:
        return None if who == "sender" else NOBODY
    if who in ("nobody", "sender"):
        return NOBODY
    if needed == ASKING:
        return None
    if needed == OWN:
        return None if who in ("viewer", "admin") else NOT_ALLOWED
    allowed = {
        "viewer": needed in VIEWER_HAS,
        "admin": True,
        "admin token": True,
        "token with": True,
        "token without": False,
    }
    return None if allowed[who] else NOT_ALLOWED


@pytest.mark.parametrize("line", ROUTES)
def test_who_may_use_a_route(doors: Doors, line: str) -> None:
    method, path = line.split(" ", 1)
    needed = ROUTES[line]
    address = re.sub(r"\{\w+\}", str(uuid4()), path)
    others = [scope for scope in SCOPES if scope != needed]
    version = {"X-Experience-API-Version": "1.0.3"}
    callers = {
        "nobody": lambda: doors.client.request(method, address, headers=version, follow_redirects=False),
        "sender": lambda: doors.client.request(
            method, address, headers=version, auth=doors.sender, follow_redirects=False
        ),
        "admin token": lambda: doors.client.request(
            method, address, headers=doors.admin | version, follow_redirects=False
        ),
        "token without": lambda: doors.client.request(
            method, address, headers=token(*others, name="without") | version, follow_redirects=False
        ),
        "viewer": lambda: visitor(doors.client, account("viewer", "viewer")).ask(method, address, headers=version),
        "admin": lambda: visitor(doors.client, account("admin", "admin")).ask(method, address, headers=version),
    }
    if needed in SCOPES:
        callers["token with"] = lambda: doors.client.request(
            method, address, headers=token(needed, name="with") | version, follow_redirects=False
        )
    for who, ask in callers.items():
        answer = ask()
        wanted = expected(needed, who)
        if wanted is None and line == "POST /ui/login":
            assert answer.status_code in (403, 415), "anybody may try; without the form nobody comes in"
        elif wanted is None and line == "POST /api/signup":
            assert answer.status_code in (400, 403, 415), who
            assert (answer.status_code == 403) == (who == "token without"), who
        elif wanted is None:
            assert answer.status_code not in (401, 403), (who, answer.text)
            assert answer.status_code < 500, (who, answer.text)
        else:
            assert answer.status_code in wanted, (who, answer.text)
            assert answer.headers["content-type"] == "application/problem+json" or method == "HEAD"
        if wanted == NOT_ALLOWED and needed in SCOPES:
            assert needed in answer.json()["detail"], "a refusal names the scope that is missing"
