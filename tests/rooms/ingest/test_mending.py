"""From a letter to statements, pure: which id, which edition, which attachments, what advice."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from app.ingest.mending import Fix, advice, glance, receive, text_and_parts, version_of
from app.ingest.models import DeadLetter
from app.ingest.replay import UNCHANGED
from app.lrs.receiving import Received
from app.lrs.statements import Refused
from tests.statements import completed

NAMELESS = {key: value for key, value in completed().items() if key != "id"}
OWN, PUT, ASKED = uuid4(), uuid4(), uuid4()


def a_letter(body: Any = b"{}", **more: Any) -> DeadLetter:
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"id": UUID(int=1), "source": "door", "code": "invalid_statement", "reason": "Why.", "problems": []} | more
    return DeadLetter(body=text, status=given.pop("status", "open"), **given)


def received(letter: DeadLetter, fix: Fix = UNCHANGED, most: int = 10) -> Received:
    text, parts, together = text_and_parts(letter, fix)
    given = parts if together else None
    return receive(letter, fix, text, own=glance(text).own_id, parts=given, max_statements=most)


@pytest.mark.parametrize(
    ("put", "own", "fixed", "asked", "expected"),
    [
        (PUT, None, False, None, PUT),
        (PUT, PUT, False, None, PUT),
        (PUT, OWN, False, None, "id"),
        (PUT, OWN, True, None, OWN),
        (PUT, None, True, None, PUT),
        (PUT, None, True, ASKED, ASKED),
        (PUT, OWN, True, ASKED, "id"),
        (PUT, OWN, False, OWN, OWN),
        (None, OWN, False, None, OWN),
        (None, OWN, True, None, OWN),
        (None, None, False, ASKED, ASKED),
    ],
)
def test_under_which_id_one_statement_goes_in(
    put: UUID | None, own: UUID | None, fixed: bool, asked: UUID | None, expected: UUID | str
) -> None:
    statement = NAMELESS | ({"id": str(own)} if own else {})
    letter = a_letter(b"{}" if fixed else statement, statement_id=put)
    fix = Fix(orjson.dumps(statement) if fixed else None, statement_id=asked)
    if isinstance(expected, UUID):
        found = received(letter, fix)
        assert (found.ids, found.held) == ((expected,), (expected,))
    else:
        with pytest.raises(Refused) as refused:
            received(letter, fix)
        assert [problem.path for problem in refused.value.problems] == [expected]


def test_what_came_as_one_is_no_array_and_what_came_as_many_may_be() -> None:
    for letter in (a_letter([NAMELESS], statement_id=PUT), a_letter([NAMELESS], path="?statementId")):
        with pytest.raises(Refused):
            received(letter, Fix(statement_id=PUT))
    assert len(received(a_letter([NAMELESS, NAMELESS])).ids) == 2
    with pytest.raises(Refused, match="at most 1"):
        received(a_letter([NAMELESS, NAMELESS]), most=1)
    with pytest.raises(Refused, match="no statements"):
        received(a_letter([]))


def test_ids_are_the_same_each_time_and_of_each_letter_different() -> None:
    own = completed()
    body = [NAMELESS, own, NAMELESS]
    first = received(a_letter(body))
    assert received(a_letter(b"{}"), Fix(orjson.dumps(body))).ids == first.ids == first.held
    assert len(set(first.ids)) == 3
    assert str(first.ids[1]) == own["id"]
    assert not set(first.ids) & (set(received(a_letter(body, id=UUID(int=2))).ids) - {UUID(own["id"])})


def test_the_ids_that_were_told_are_kept_where_they_fit() -> None:
    told = [uuid4(), uuid4()]
    own = completed()
    assert list(received(a_letter([NAMELESS, NAMELESS], statement_ids=told)).ids) == told
    assert list(received(a_letter([NAMELESS, own], statement_ids=told)).ids) == [told[0], UUID(own["id"])]
    of_another_number = received(a_letter([NAMELESS], statement_ids=told)).ids
    assert of_another_number == received(a_letter([NAMELESS])).ids
    twice = received(a_letter([NAMELESS, {**NAMELESS, "id": str(told[0])}], statement_ids=told)).ids
    assert len(set(twice)) == 2
    assert twice[1] == told[0]
    [only] = received(a_letter(NAMELESS, path="?statementId", statement_ids=told[:1])).ids
    assert only == told[0]


@pytest.mark.parametrize(
    ("letter", "fix", "expected"),
    [
        (None, None, "1.0.3"),
        ("2.0.0", None, "2.0.0"),
        (None, "2.0.0", "2.0.0"),
        ("2.0.0", "1.0.0", "1.0.0"),
        ("\ufffd", None, "1.0.3"),
    ],
)
def test_the_edition(letter: str | None, fix: str | None, expected: str) -> None:
    assert version_of(a_letter(xapi_version=letter), Fix(xapi_version=fix)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1", set()),
        (b"[1, null, [], {}]", set()),
        (b'{"attachments": 1, "object": 2}', set()),
        (b'{"attachments": {"sha2": "a"}}', set()),
        (b'[{"attachments": [1, {}, {"sha2": 1}, {"sha2": "AB"}]}]', {"ab"}),
        (b'{"attachments": [{"sha2": "ab", "fileUrl": "https://x.example"}]}', set()),
        (b'{"object": {"objectType": "SubStatement", "attachments": [{"sha2": "cd"}]}}', {"cd"}),
        (b'{"object": {"objectType": "SubStatement", "attachments": 7}}', set()),
        (b'{"object": {"objectType": "Activity", "attachments": [{"sha2": "cd"}]}}', set()),
    ],
)
def test_which_attachments_are_looked_for(text: bytes, expected: set[str]) -> None:
    assert glance(text).hashes == expected


@pytest.mark.parametrize(
    "text", [b"", b"[" * 5_000, b"\xff", b'{"id": 1, "id": 2}', b"[" + b"[]," * 2_000_000 + b"[]]"]
)
def test_what_the_door_would_not_read_is_not_read_here(text: bytes) -> None:
    with pytest.raises(Refused):
        glance(text)


def test_a_new_body_of_multipart_is_read_by_the_content_type_of_the_letter() -> None:
    head = b"--cut\r\nContent-Type: application/json\r\n\r\n"
    letter = a_letter(head + b"{}\r\n--cut--", content_type="Multipart/Mixed; boundary=cut")
    assert text_and_parts(letter, Fix())[0] == b"{}"
    assert text_and_parts(letter, Fix(head + b"[]\r\n--cut--"))[0] == b"[]"
    assert text_and_parts(letter, Fix(b" [1]"))[0] == b" [1]"
    assert text_and_parts(letter, Fix(b"--x", "application/json"))[0] == b"--x"
    with pytest.raises(Refused):
        text_and_parts(letter, Fix(b"--x"))


def test_a_multipart_body_that_nobody_can_read_has_no_attachments_to_keep() -> None:
    letter = a_letter(b"--cut", content_type="multipart/mixed; boundary=cut")
    assert text_and_parts(letter, Fix(b"{}")) == (b"{}", {}, False)


@pytest.mark.parametrize(
    ("letter", "word"),
    [
        ({"code": "conflict"}, "another id"),
        ({"code": "conflict", "source": "loader"}, "another id"),
        ({"code": "damaged_encoding"}, "compressed"),
        ({"source": "sweep", "code": "unreadable"}, "sweep"),
        ({"source": "stream", "code": "failed"}, "cause"),
        ({"code": "invalid_statement"}, "problems"),
        ({"status": "replayed"}, "has been stored"),
        ({"status": "discarded"}, "still be replayed"),
    ],
)
def test_the_advice_fits_the_letter(letter: dict[str, str], word: str) -> None:
    assert word in advice(a_letter(**letter))
