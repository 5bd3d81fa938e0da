"""Every route of the application, for everybody who may come: what the table says, and no route without a line."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse

from app.accounts.access_models import Account
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
        elif isinstance(route, WebSocketRoute):
            yield "WEBSOCKET", prefix + route.path
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


def ask(doors: Doors, who: str, whose: Account | None, line: str) -> Any:
    """What a route answers to this caller; its ids stand for nothing that is there."""
    method, path = line.split(" ", 1)
    address = re.sub(r"\{\w+(:path)?\}", str(uuid4()), path)
    headers = {"X-Experience-API-Version": "1.0.3"}
    if path == "/ui/live":
        doors.client.app.state.live.end()  # type: ignore[attr-defined]  # Nobody listens for ever to be counted.
    if whose is not None:
        browser = visitor(doors.client, whose)
        if method == "WEBSOCKET":
            return knock(doors, address, {"Cookie": f"7t_session={browser.cookie}", "X-CSRF-Token": browser.csrf})
        return browser.ask(method, address, headers=headers)
    if who == "admin token":
        headers |= doors.admin
    elif who.startswith("token"):
        needed = ROUTES[line]
        scopes = [scope for scope in SCOPES if (scope == needed) == (who == "token with")]
        headers |= token(*(scopes or SCOPES), name=line)
    auth = doors.sender if who == "sender" else None
    if method == "WEBSOCKET":
        return knock(doors, address, headers, auth=auth)
    return doors.client.request(method, address, headers=headers, auth=auth, follow_redirects=False)


def knock(doors: Doors, address: str, headers: dict[str, str], **more: Any) -> Any:
    """What somebody is told in place of a WebSocket; nothing stands behind us here to open one with."""
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        doors.client.websocket_connect(address, headers=headers, **more),
    ):
        pass
    return refused.value


def wrong(answer: Any, line: str, who: str) -> str:
    """What is not as the table says; empty when all is well."""
    wanted = expected(ROUTES[line], who)
    status = answer.status_code
    if wanted is None:
        # Anybody may try to log in; without the form that we gave out nobody comes in.
        refused = status in (401, 403) and line != "POST /ui/login"
        broken = status >= 500 and line != "GET /ui/live"  # Which was told to end, see `ask`.
        return f"{who}: {line}: {status} {answer.text}" if refused or broken else ""
    if status not in wanted:
        return f"{who}: {line}: {status}, not {wanted}"
    has_words = not line.startswith("HEAD")
    if ROUTES[line] in SCOPES and status == 403 and has_words and ROUTES[line] not in answer.json()["detail"]:
        return f"{who}: {line}: the refusal does not name the scope: {answer.text}"
    is_problem = not has_words or answer.headers["content-type"] == "application/problem+json"
    return "" if is_problem else f"{who}: {line}: {answer.headers['content-type']}"


CALLERS = ("nobody", "sender", "viewer", "admin", "admin token", "token without", "token with")


@pytest.mark.parametrize("who", CALLERS)
def test_who_may_use_which_route(doors: Doors, who: str) -> None:
    whose = account(who, who) if who in ("viewer", "admin") else None
    assert [told for line in ROUTES if (told := wrong(ask(doors, who, whose, line), line, who))] == []
