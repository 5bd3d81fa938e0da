"""Valid statements with values that break naive storage, and requests that break naive doors."""

import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import func, select

from app.api.xapi_version import VERSION_HEADER
from app.config import get_settings
from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementFlat, User
from app.platform.ids import stable_id
from tests.conftest import Doors
from tests.statements import answered, completed

Drain = Callable[[], int]
STANDARD, PLAIN = "/xapi/statements", "/api/xapi/statements"
EVERY_DOOR = pytest.mark.parametrize("path", [STANDARD, PLAIN])
BOTH_METHODS = pytest.mark.parametrize("method", ["PUT", "POST"])
EXTENSION = "https://x.example/n"
NUL = "a\x00b"
LONG = "https://x.example/" + "y" * 200_000
NOISE = "".join(f"{n * 7_919 % 65_537:x}" for n in range(1, 3_000))
"""More than an index of PostgreSQL holds, and it cannot be compressed much."""
ODD: dict[str, dict[str, Any]] = {
    "NUL in a name": completed(actor={"mbox": "mailto:a@example.org", "name": NUL}),
    "NUL in an account": completed(actor={"account": {"homePage": "https://x.example", "name": NUL}}),
    "NUL in a title": completed(object={"id": "https://x.example/n", "definition": {"name": {"en": NUL}}}),
    "NUL in a response": answered(response=NUL * 1_000),
    "NUL in context": completed(context={"platform": NUL, "extensions": {"https://x.example/card-type": NUL}}),
    "long openid": completed(actor={"openid": LONG}),
    "long address": completed(actor={"mbox": f"mailto:{NOISE}@example.org"}),
    "long address as account": completed(
        actor={"account": {"homePage": "https://x.example", "name": f"{NOISE}@example.org"}}
    ),
    "long name": completed(actor={"mbox": "mailto:a@example.org", "name": NOISE}),
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
def test_an_odd_but_valid_statement_has_its_flat_row(doors: Doors, drain: Drain, name: str) -> None:
    statement = ODD[name]
    assert doors.put(statement, statement["id"]).status_code == 204
    drain()
    with session_scope() as db:
        assert [str(i) for i in db.scalars(select(StatementFlat.statement_id))] == [statement["id"]]
        assert db.scalar(select(func.count()).select_from(DeadLetter)) == 0


def with_value(value: bytes) -> tuple[str, bytes]:
    """A statement whose extension is this JSON text: its id and its own text."""
    statement = completed(result={"extensions": {EXTENSION: "here"}})
    return statement["id"], orjson.dumps(statement).replace(b'"here"', value)


def send(doors: Doors, method: str, path: str, statement_id: str, body: bytes, **headers: str) -> Any:
    """PUT or POST a body as it is at one of the doors for statements."""
    return doors.client.request(
        method,
        path,
        params={"statementId": statement_id} if method == "PUT" else None,
        content=body,
        auth=doors.sender,
        headers={VERSION_HEADER: "1.0.3", "Content-Type": "application/json", **headers},
    )


def letter(answer: Any) -> DeadLetter:
    """The only dead letter there is, which the answer names."""
    with session_scope() as db:
        found = db.scalars(select(DeadLetter)).one()
    assert answer.json()["kept"] == str(found.id)
    return found


IN_EXTENSION = f'result.extensions["{EXTENSION}"]'
REFUSED: dict[str, tuple[bytes, str]] = {
    "a number that is infinite": (b"1e400", IN_EXTENSION),
    "a number of 400 digits": (b"1" + b"0" * 400, IN_EXTENSION),
    "half a surrogate pair": (b'"\\ud800"', IN_EXTENSION),
    "a key that stands twice": (b'{"a":1,"a":1}', f"{IN_EXTENSION}.a"),
    "bytes that are no UTF-8": (b'"\xff"', "$"),
    "half a surrogate pair as bytes": (b'"\xed\xa0\x80"', "$"),
    "a NUL byte": (b'"\x00"', "$"),
    "no number": (b"NaN", "$"),
    "300 levels": (b"[" * 300 + b"]" * 300, "$"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, "$"),
}
KEPT: dict[str, bytes] = {
    "minus zero": b"-0",
    "less than there is": b"-1E-400",
    "the least there is": b"5e-324",
    "the most there is": b"1.7976931348623157e308",
    "beyond 64 bits": b"18446744073709551616",
    "below 64 bits": b"-9223372036854775809",
    "5,000 decimals": b"0." + b"1" * 5_000,
    "a spelling": b"1.500E+0001",
    "NUL": b'"a\\u0000b"',
    "NUL as a key": b'{"\\u0000":{"a\\u0000":1}}',
    "no characters": '"\uffff\ufdd0"'.encode(),
    "escapes": b'"\\u003a\\/\\ud83d\\ude00\\u00e9"',
    "240 levels": b"[" * 240 + b"]" * 240,
    "a megabyte": b'"' + b"x" * 2**20 + b'"',
}


@EVERY_DOOR
@BOTH_METHODS
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_told_by_path_and_the_body_is_kept(
    doors: Doors, drain: Drain, path: str, method: str, name: str
) -> None:
    value, where = REFUSED[name]
    statement_id, body = with_value(value)
    for _ in range(2):  # Whoever comes again is known, and answered in a shorter way.
        answer = send(doors, method, path, statement_id, body)
    error = answer.json()
    assert (answer.status_code, error["code"]) == (400, "invalid_statement")
    [problem] = error["problems"]
    assert problem["path"] == where
    assert problem["message"]
    assert problem["expected"]
    assert bytes(letter(answer).body) == body
    assert drain() == 0


@EVERY_DOOR
@BOTH_METHODS
def test_what_can_be_kept_comes_back_to_the_letter(doors: Doors, drain: Drain, path: str, method: str) -> None:
    sent = {name: with_value(value) for name, value in KEPT.items()}
    for name, (statement_id, body) in sent.items():
        assert send(doors, method, path, statement_id, body).status_code in (200, 204), name
    drain()
    with session_scope() as db:
        assert db.scalar(select(func.count()).select_from(DeadLetter)) == 0
        assert {str(i) for i in db.scalars(select(StatementFlat.statement_id))} == {i for i, _ in sent.values()}
    for name, (statement_id, body) in sent.items():
        assert body[1:-1] in read(doors, statementId=statement_id).content, name
        value = orjson.loads(body)["result"]["extensions"]
        for form in ("ids", "canonical"):
            given = read(doors, statementId=statement_id, format=form).json()
            assert given["result"]["extensions"] == value, (name, form)


def read(doors: Doors, **parameters: str) -> Any:
    answer = doors.client.get(STANDARD, params=parameters, auth=doors.sender, headers={VERSION_HEADER: "1.0.3"})
    assert answer.status_code == 200, answer.text
    return answer


def test_nul_is_kept_in_the_record_and_shown_as_a_replacement_in_columns(doors: Doors, drain: Drain) -> None:
    account = {"homePage": "https://x.example", "name": NUL}
    statement = answered(
        response=NUL, actor={"account": account, "name": NUL}, verb={"id": "https://v.example", "display": {"en": NUL}}
    )
    statement["object"]["definition"]["name"] = {"en": NUL}
    statement["context"] |= {"platform": NUL, "extensions": {"https://x.example/card-type": NUL}}
    assert doors.put(statement, statement["id"]).status_code == 204
    drain()

    shown = "a\ufffdb"
    with session_scope() as db:
        flat, learner = db.scalars(select(StatementFlat)).one(), db.scalars(select(User)).one()
    assert {flat.actor_name, flat.response, flat.object_name, flat.platform, flat.card_type} == {shown}
    assert flat.actor_key.endswith(shown)
    assert learner.name == shown

    agent = orjson.dumps({"account": account}).decode()
    for given in (
        read(doors, statementId=statement["id"]).json(),
        read(doors, statementId=statement["id"], format="canonical").json(),
        read(doors, agent=agent).json()["statements"][0],
    ):
        assert {key: given[key] for key in statement} == statement
    assert read(doors, agent=agent.replace("\\u0000", shown[1])).json()["statements"] == []
    person = doors.client.get(
        "/xapi/agents", params={"agent": agent}, auth=doors.sender, headers={VERSION_HEADER: "1.0.3"}
    ).json()
    assert (person["account"], person["name"]) == ([account], [shown])


def deep(levels: int) -> bytes:
    inside = b'{"a":' * levels + b"1" + b"}" * levels
    return orjson.dumps(completed())[:-1] + b',"result":{"extensions":{"urn:x":' + inside + b"}}}"


def test_what_is_nested_too_deep_is_refused_at_the_door_and_not_after_it(doors: Doors, drain: Drain) -> None:
    post = lambda body: doors.client.post(PLAIN, content=body, auth=doors.sender)  # noqa: E731
    assert post(deep(240)).status_code == 200
    error = post(b"[" + deep(240) + b"," + deep(900) + b"]").json()
    assert (error["status"], error["refused"], error["problems"][0]["path"]) == (400, [1], "[1]")
    assert post(deep(900)).json()["problems"][0]["path"] == "$"
    drain()
    with session_scope() as db:
        assert db.scalar(select(func.count()).select_from(StatementFlat)) == 1
        assert set(db.scalars(select(DeadLetter.source))) == {"door"}


@EVERY_DOOR
@pytest.mark.parametrize("count", [10_000, "one too many"])
def test_too_many_statements_are_refused_and_kept(doors: Doors, drain: Drain, path: str, count: int | str) -> None:
    most = get_settings().max_batch_statements
    body = orjson.dumps([completed() for _ in range(count if isinstance(count, int) else most + 1)])
    answer = send(doors, "POST", path, "", body)
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, "$")
    assert f"at most {most} " in answer.json()["detail"]
    assert bytes(letter(answer).body) == body
    assert drain() == 0


def test_as_many_as_the_setting_allows_are_taken(doors: Doors, drain: Drain) -> None:
    most = get_settings().max_batch_statements
    answer = send(doors, "POST", STANDARD, "", orjson.dumps([completed() for _ in range(most)]))
    assert len(answer.json()) == most
    drain()
    with session_scope() as db:
        assert db.scalar(select(func.count()).select_from(StatementFlat)) == most


@EVERY_DOOR
@BOTH_METHODS
@pytest.mark.parametrize("damage", ["short", "flipped", "no gzip", "more after it"])
def test_what_cannot_be_decompressed_is_kept_as_it_came(
    doors: Doors, drain: Drain, path: str, method: str, damage: str
) -> None:
    statement_id, plain = with_value(b"1")
    whole = gzip.compress(plain)
    body = {
        "short": whole[:-9],
        "flipped": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        "no gzip": plain,
        "more after it": whole + plain,
    }[damage]
    answer = send(doors, method, path, statement_id, body, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, "damaged_encoding")
    found = letter(answer)
    assert bytes(found.body) == body
    assert "gzip" in found.reason
    assert drain() == 0
    assert send(doors, method, path, statement_id, whole, **{"Content-Encoding": "gzip"}).status_code in (200, 204)
    assert drain() == 1


def test_a_conflict_names_what_was_kept(doors: Doors) -> None:
    statement = completed()
    assert doors.put(statement, statement["id"]).status_code == 204
    answer = doors.put({**statement, "actor": {"mbox": "mailto:kim@example.org"}}, statement["id"])
    assert answer.status_code == 409
    assert b"kim@example.org" in bytes(letter(answer).body)


def test_what_long_texts_are_made_into_is_not_remembered_with_them() -> None:
    texts = [f"https://x.example/{n}/" + "y" * 100_000 for n in range(50)]
    tracemalloc.start()
    for text in texts:
        assert stable_id("activity", f"{text}z").version == 5
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 10 * len(texts[0])
