"""Statements at the door: what is taken, under which id, and what a refusal says."""

from uuid import UUID, uuid4

import orjson
import pytest

from app.errors import Unreadable
from app.lrs.comparison import comparison_hash
from app.lrs.receiving import receive_many, receive_one
from app.lrs.statements import Refused, split
from tests.statements import completed


def body(*statements: object) -> bytes:
    return orjson.dumps(statements[0] if len(statements) == 1 else list(statements))


def refusal(call, *arguments) -> Refused:  # type: ignore[no-untyped-def]
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


def test_put_takes_the_id_of_the_address() -> None:
    statement = completed()
    wanted = statement.pop("id")
    assert receive_one(body(statement), wanted.upper(), "1.0.3").ids == (UUID(wanted),)


def test_put_with_another_id_in_the_body_is_refused() -> None:
    error = refusal(receive_one, body(completed()), str(uuid4()), "1.0.3")
    assert error.problems[0].path == "id"


@pytest.mark.parametrize("given", [None, "", "17", "{5389ed44-e618-4a66-9a43-7a0b282fd837}"])
def test_put_needs_a_uuid(given: str | None) -> None:
    assert refusal(receive_one, body(completed()), given, "1.0.3").problems[0].path == "?statementId"


def test_put_takes_no_array() -> None:
    assert refusal(receive_one, b"[]", str(uuid4()), "1.0.3").problems[0].path == "$"


def test_post_makes_the_ids_that_are_missing() -> None:
    without = completed()
    del without["id"]
    given = completed()
    ids = receive_many(body(given, without), "1.0.3", 10).ids
    assert ids[0] == UUID(given["id"])
    assert ids[1].version == 4


def test_a_batch_is_refused_whole_and_every_bad_statement_is_named() -> None:
    bad = completed()
    bad["object"]["definition"]["name"] = "a string"
    error = refusal(receive_many, body(completed(), bad, completed(), {}), "1.0.3", 10)
    assert error.refused == (1, 3)
    assert error.problems[0].path == "[1].object.definition.name"
    assert {p.path.split(".")[0] for p in error.problems} == {"[1]", "[3]"}


def test_two_statements_of_a_batch_may_not_share_an_id() -> None:
    one = completed()
    error = refusal(receive_many, body(one, completed(), {**completed(), "id": one["id"].upper()}), "1.0.3", 10)
    assert (error.refused, error.problems[0].path) == ((2,), "[2].id")


def test_too_many_statements_are_refused_with_the_limit() -> None:
    assert "At most 2" in refusal(receive_many, body(*[completed()] * 3), "1.0.3", 2).problems[0].expected


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": NaN}', b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 5_000])
def test_what_is_not_json_is_refused_with_its_place(text: bytes) -> None:
    error = refusal(receive_many, text, "1.0.3", 10)
    assert error.problems[0].path == "$"
    assert "not JSON" in error.problems[0].message


def test_splitting_keeps_each_statement_to_the_letter() -> None:
    first, second = b'{"a": 1.10, "b":"\\u00e9"}', b'{ "n" : 123456789012345678901234567890 }'
    assert split(b" [" + first + b" ,\n" + second + b"] ") == [first, second]
    assert split(b"\n" + first) == [first]
    with pytest.raises(Unreadable):
        split(b"[1,")


def test_comparison_ignores_what_the_lrs_assigns_and_the_order_of_keys() -> None:
    one = completed()
    same = {**dict(reversed(one.items())), "stored": "2026-01-01T00:00:00Z", "version": "1.0.0"}
    assert comparison_hash(one) == comparison_hash(same)
    assert comparison_hash(one) != comparison_hash({**one, "timestamp": "2026-03-02T08:00:01Z"})
