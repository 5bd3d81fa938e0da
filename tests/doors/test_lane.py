"""The short way answers exactly as the long way does, and takes only what there is nothing to say about."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.api import lane
from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementRaw
from tests.conftest import Doors
from tests.statements import completed

PATHS = ("/api/xapi/statements", "/xapi/statements")
TOLD_ANEW = {"x-request-id", "date", "content-length", "x-experience-api-consistent-through"}


@pytest.fixture
def ways(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[bool]]:
    """Open or close the short way; the list tells of each request whether it went the short way to its end."""
    went: list[bool] = []
    answer, ordinary = lane.ShortWay._answer, lane.ShortWay._ordinary

    async def noted(self: Any, *given: Any) -> None:
        went.append(True)
        await answer(self, *given)

    def choose(short: bool) -> list[bool]:
        went.clear()
        monkeypatch.setattr(lane.ShortWay, "_answer", noted)
        monkeypatch.setattr(lane.ShortWay, "_ordinary", ordinary if short else lambda *_: None)
        return went

    doors.get()  # somebody who was never here is proven on the long way
    return choose


def send(doors: Doors, method: str, path: str, body: bytes, **more: Any) -> Any:
    headers = {"Content-Type": "application/json", "X-Experience-API-Version": "1.0.3", **more.pop("headers", {})}
    wanted = {name: value for name, value in headers.items() if value is not None}
    return doors.client.request(method, path, content=body, headers=wanted, auth=doors.sender, **more)


def valid(**more: Any) -> bytes:
    return orjson.dumps(completed(**more))


GOOD: list[tuple[str, bytes]] = [
    ("PUT", valid()),
    ("POST", valid()),
    ("POST", b"[%s,%s]" % (valid(), valid())),
    ("POST", b"[]"),
]
BAD: list[tuple[str, bytes, dict[str, Any]]] = [
    ("PUT", b"{", {}),
    ("PUT", valid(actor={}), {}),
    ("POST", b"[%s,{}]" % valid(), {}),
    ("POST", valid(), {"params": {"statementId": str(uuid4())}}),
    ("PUT", valid(), {"params": {"statementId": "7"}}),
    ("PUT", valid(), {"params": {}}),
    ("POST", valid(), {"headers": {"X-Experience-API-Version": "3.0"}}),
    ("POST", valid(), {"headers": {"Content-Type": "text/plain"}}),
    ("POST", valid(), {"headers": {"Content-Encoding": "gzip"}}),
]


def alike(one: Any, other: Any) -> None:
    assert one.status_code == other.status_code
    assert {k: v for k, v in one.headers.items() if k not in TOLD_ANEW} == {
        k: v for k, v in other.headers.items() if k not in TOLD_ANEW
    }
    assert one.headers.keys() == other.headers.keys()
    if one.headers.get("content-type") == "application/problem+json":
        told, also = one.json(), other.json()
        told.pop("request_id"), also.pop("request_id")
        assert told == also
    else:
        assert one.content == other.content


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("method", "body"), GOOD)
def test_what_is_right_is_answered_alike(
    doors: Doors, ways: Callable[[bool], list[bool]], path: str, method: str, body: bytes
) -> None:
    parsed = orjson.loads(body)
    more = {"params": {"statementId": parsed["id"]}} if method == "PUT" else {}
    went = ways(True)
    short = send(doors, method, path, body, **more)
    assert went == [True]
    went = ways(False)
    long = send(doors, method, path, body, **more)
    assert (went, short.status_code) == ([], 204 if method == "PUT" else 200)
    alike(short, long)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wrong", BAD)
def test_what_is_wrong_goes_the_long_way_with_the_same_body(
    doors: Doors, ways: Callable[[bool], list[bool]], path: str, wrong: tuple[str, bytes, dict[str, Any]]
) -> None:
    method, body, more = wrong
    if method == "PUT" and "params" not in more:
        more = {**more, "params": {"statementId": str(uuid4())}}
    went = ways(True)
    short = send(doors, method, path, body, **more)
    ways(False)
    long = send(doors, method, path, body, **more)
    alike(short, long)
    assert went == []


def test_a_large_body_in_many_parts_is_bounded_and_told(doors: Doors, ways: Callable[[bool], list[bool]]) -> None:
    limit = doors.client.app.state.settings.max_body_bytes  # type: ignore[attr-defined]
    ways(True)
    answer = doors.client.post(
        PATHS[0],
        content=(b" " * 65_536 for _ in range(limit // 65_536 + 2)),
        headers={"Content-Type": "application/json"},
        auth=doors.sender,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_different_statement_under_a_known_id_is_a_conflict_at_once_and_later(
    doors: Doors, ways: Callable[[bool], list[bool]], drain: Callable[[], int]
) -> None:
    """xAPI 1.0.3 Communication 2.1.1: while the first one waits on the stream, and after it is stored."""
    ways(True)
    first = completed()
    other = {**first, "object": {"id": "https://app.7taps.com/lessons/2"}}
    respelt = dict(reversed([*first.items(), ("version", "1.0.0")]))
    assert doors.post(first).status_code == 200
    for when in ("queued", "stored"):
        assert doors.post(respelt).status_code == 200, when
        refused = doors.post(other)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), when
        batch = doors.post([completed(), other])
        assert (batch.status_code, batch.json()["problems"][0]["path"]) == (409, "[1].id"), when
        drain()
    with session_scope() as db:
        assert db.query(StatementRaw).filter_by(id=first["id"]).one().payload["object"]["id"] == first["object"]["id"]
        assert {letter.code for letter in db.query(DeadLetter)} == {"conflict"}
