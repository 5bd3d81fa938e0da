"""Valid statements with values that break naive storage, and requests that break naive doors."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import func, select

from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementFlat
from tests.conftest import Doors
from tests.statements import answered, completed

NUL = "a\x00b"
LONG = "https://x.example/" + "y" * 200_000
ODD: dict[str, dict[str, Any]] = {
    "NUL in a name": completed(actor={"mbox": "mailto:a@example.org", "name": NUL}),
    "NUL in an account": completed(actor={"account": {"homePage": "https://x.example", "name": NUL}}),
    "NUL in a title": completed(object={"id": "https://x.example/n", "definition": {"name": {"en": NUL}}}),
    "NUL in a response": answered(response=NUL * 1_000),
    "NUL in context": completed(context={"platform": NUL, "extensions": {"https://x.example/card-type": NUL}}),
    "long openid": completed(actor={"openid": LONG}),
    "long address": completed(actor={"mbox": f"mailto:{'a' * 5_000}@example.org"}),
    "long verb": completed(verb={"id": LONG}),
    "long object": completed(object={"id": LONG}),
    "huge numbers": completed(result={"score": {"raw": 1e308, "min": -1e308, "max": 1.7e308}}),
    "beyond 63 bits": completed(result={"score": {"raw": 18446744073709551615}}),
    "first moment": completed(at="0001-01-01T00:00:00Z"),
    "last moment": completed(at="9999-12-31T23:59:59Z"),
    "long duration": completed(result={"duration": "P99999999999Y"}),
    "empty account name": completed(actor={"account": {"homePage": "https://x.example", "name": ""}}),
    "about a statement": completed(object={"objectType": "StatementRef", "id": str(uuid4())}),
    "about an anonymous group": completed(object={"objectType": "Group", "member": [{"mbox": "mailto:x@example.org"}]}),
    "a substatement": completed(
        object={
            "objectType": "SubStatement",
            "actor": {"mbox": "mailto:x@example.org"},
            "verb": {"id": "https://v.example"},
            "object": {"id": "https://o.example"},
        }
    ),
    "by a group": completed(actor={"objectType": "Group", "name": NUL, "mbox": "mailto:g@example.org"}),
    "by an anonymous group": completed(actor={"objectType": "Group", "member": [{"mbox": "mailto:x@example.org"}]}),
    "empty parents": completed(context={"contextActivities": {"parent": []}}),
    "a verb that ends in #": completed(verb={"id": "https://x.example/#"}),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_but_valid_statement_has_its_flat_row(doors: Doors, drain: Callable[[], int], name: str) -> None:
    statement = ODD[name]
    assert doors.put(statement, statement["id"]).status_code == 204
    drain()
    with session_scope() as db:
        assert [str(i) for i in db.scalars(select(StatementFlat.statement_id))] == [statement["id"]]
        assert db.scalar(select(func.count()).select_from(DeadLetter)) == 0


def deep(levels: int) -> bytes:
    inside = b'{"a":' * levels + b"1" + b"}" * levels
    return orjson.dumps(completed())[:-1] + b',"result":{"extensions":{"urn:x":' + inside + b"}}}"


def test_what_is_nested_too_deep_is_refused_at_the_door_and_not_after_it(
    doors: Doors, drain: Callable[[], int]
) -> None:
    post = lambda body: doors.client.post("/api/xapi/statements", content=body, auth=doors.sender)  # noqa: E731
    assert post(deep(240)).status_code == 200
    error = post(b"[" + deep(240) + b"," + deep(900) + b"]").json()
    assert (error["status"], error["refused"], error["problems"][0]["path"]) == (400, [1], "[1]")
    assert post(deep(900)).json()["problems"][0]["path"] == "$"
    drain()
    with session_scope() as db:
        assert db.scalar(select(func.count()).select_from(StatementFlat)) == 1
        assert set(db.scalars(select(DeadLetter.source))) == {"door"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/cohorts/a", b'{"name": "a\\u0000b"}'),
        ("PUT", "/api/cohorts/a", b'{"name": "a\\ud800b"}'),
        ("PUT", "/api/cohorts/a", b'{"name": "A", "learners": [{"name": "\\u0000", "phone": "+4930123456"}]}'),
        ("PUT", "/api/cohorts/a", b"\xff"),
        ("PUT", "/api/cohorts/a", b"[" * 50_000),
        ("PUT", "/api/cohorts/%00", b"{}"),
        ("GET", "/api/reports/cohorts/%00/completions", b""),
        ("GET", "/api/reports/cohorts/5389ed44-e618-4a66-9a43-7a0b282fd837/completions?format=xml", b""),
    ],
)
def test_an_admin_who_sends_nonsense_is_told_so(doors: Doors, method: str, path: str, body: bytes) -> None:
    answer = doors.client.request(method, path, content=body, headers=doors.admin)
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"]


@pytest.mark.parametrize("statement_id", ["\x00", "é", "a" * 5_000])
def test_a_statement_id_of_any_kind_is_a_400(doors: Doors, statement_id: str) -> None:
    assert doors.put(completed(), statement_id).json()["problems"][0]["path"] == "?statementId"


def test_odd_headers_change_nothing(doors: Doors) -> None:
    answer = doors.client.post(
        "/api/xapi/statements",
        content=b'{"a": "\\u0000"}',
        auth=doors.sender,
        headers={"Content-Type": b"x\x80y", "X-Request-ID": b"\xff", "Accept": b"\xfe"},  # type: ignore[dict-item]
    )
    assert answer.status_code == 400
    with session_scope() as db:
        assert (db.scalars(select(DeadLetter.content_type)).one() or "").endswith("\x80y")
