"""Attachments and the parts of a request that bring their data (xAPI 1.0.3 Communication 1.5, Data 2.4.11)."""

from hashlib import new, sha256

import orjson
import pytest

from app.lrs.attachments import (
    MAX_PROBLEMS_TOLD,
    Part,
    attachments_of,
    check_attachments,
    multipart_response,
    parse_multipart,
)
from app.lrs.receiving import receive_many, receive_one
from tests.rooms.lrs.multipart import IMAGE, JSON, TEXT, Json, Sent, about, body, found, inside, part, read, refused_at
from tests.statements import completed


@pytest.mark.parametrize(
    ("wrong", "header"),
    [
        (part(TEXT, sha2=""), "X-Experience-API-Hash"),
        (part(TEXT, sha2="abc"), "X-Experience-API-Hash"),
        (part(TEXT, sha2="g" * 64), "X-Experience-API-Hash"),
        (part(TEXT, sha2=sha256(IMAGE).hexdigest()), "X-Experience-API-Hash"),
        (part(TEXT, sha2=sha256(TEXT).hexdigest()[:-1] + "\u0660"), "X-Experience-API-Hash"),
        (part(TEXT, sha2=new("sha1", TEXT).hexdigest()), "X-Experience-API-Hash"),
        (part(TEXT, Content_Transfer_Encoding=""), "Content-Transfer-Encoding"),
        (part(TEXT, Content_Transfer_Encoding="base64"), "Content-Transfer-Encoding"),
        (part(TEXT, Content_Transfer_Encoding="8bit"), "Content-Transfer-Encoding"),
        (part(TEXT, Content_Length="18"), "Content-Length"),
        (part(TEXT, Content_Length="+19"), "Content-Length"),
        (part(TEXT, Content_Length="9" * 5_000), "Content-Length"),
        (part(TEXT, Content_Length="\u0661\u0669"), "Content-Length"),
    ],
)
def test_what_a_part_says_about_itself_is_true(wrong: Sent, header: str) -> None:
    """Communication 1.5.2: hash and encoding in each part after the first, matched with nothing but the raw data."""
    assert refused_at(read, body(part(IMAGE), wrong)) == [f"parts[2].{header}"]


def test_every_bad_part_is_told_up_to_a_limit() -> None:
    bad: Sent = ({}, b"no headers")
    both = ("Content-Transfer-Encoding", "X-Experience-API-Hash")
    assert refused_at(read, body(bad, part(TEXT), bad)) == [f"parts[{n}].{header}" for n in (1, 3) for header in both]
    assert len(refused_at(read, body(*[bad] * MAX_PROBLEMS_TOLD))) == MAX_PROBLEMS_TOLD


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_every_sha2_in_any_case(algorithm: str) -> None:
    """Data 2.4.11: sha2 is a SHA-2 hash; hex digits have no case, and the data is kept under the small ones."""
    sha2 = new(algorithm, TEXT).hexdigest()
    sent = part(TEXT, sha2=sha2.upper(), Content_Transfer_Encoding="BINARY", Content_Length="19 ")
    assert read(body(sent))[1] == {sha2: TEXT}
    assert found([completed(attachments=[about(TEXT, sha2=sha2.upper())])], part(TEXT, sha2=sha2)) == []


def test_the_same_data_twice_counts_once() -> None:
    """Communication 1.5.2: one copy should do, more are no mistake."""
    assert read(body(part(TEXT), part(TEXT)))[1] == {sha256(TEXT).hexdigest(): TEXT}


def test_each_part_is_described_and_each_attachment_is_there() -> None:
    """Communication 1.5.2 and Data 2.4.11, attachments of SubStatements included."""
    statements = [completed(attachments=[about(TEXT), about(b"")]), completed(), inside(about(IMAGE))]
    assert found(statements, part(TEXT), part(IMAGE), part(b"")) == []
    assert found(statements, part(TEXT)) == ["[0].attachments[1]", "[2].object.attachments[0]"]
    assert found(statements[2:]) == ["object.attachments[0]"]
    assert found(statements[2:], batch=True) == ["[0].object.attachments[0]"]


def test_attachments_of_tells_where_they_are() -> None:
    """Data 2.4.11; an Activity has none, whatever it is called."""
    both = {**inside(about(IMAGE)), "attachments": [about(TEXT)]}
    assert [path for path, _ in attachments_of(both, "[4]")] == ["[4].attachments[0]", "[4].object.attachments[0]"]
    assert list(attachments_of(completed(object={"id": "x:y", "attachments": [about(TEXT)]}))) == []


def test_two_attachments_of_the_same_data_share_a_part() -> None:
    """Communication 1.5.2: in one statement, and in several that are sent together."""
    statements = [completed(attachments=[about(TEXT), about(TEXT, display={"en": "Again"})]), inside(about(TEXT))]
    assert found(statements, part(TEXT)) == []


def test_a_part_that_no_statement_describes_is_refused() -> None:
    """Communication 1.5.2: each part after the first belongs to a statement."""
    assert found([completed()], part(TEXT)) == ["X-Experience-API-Hash"]
    assert found([completed(attachments=[about(TEXT)])], part(TEXT), part(IMAGE)) == ["X-Experience-API-Hash"]
    other_hash = about(TEXT, sha2=new("sha512", TEXT).hexdigest())
    assert found([completed(attachments=[other_hash])], part(TEXT)) == ["attachments[0]", "X-Experience-API-Hash"]


def test_a_file_url_is_enough() -> None:
    """Communication 1.5.1 and 1.5.2: the data may be elsewhere, it may come along as well."""
    statement = completed(attachments=[about(TEXT, fileUrl="https://files.example/1")])
    assert found([statement]) == []
    assert found([statement], part(TEXT)) == []
    assert check_attachments([statement], {}, multipart=False) == []


@pytest.mark.parametrize(
    "statement", [completed(attachments=[about(TEXT)]), inside(about(TEXT))], ids=["own", "inside"]
)
def test_json_alone_brings_no_data(statement: Json) -> None:
    """Communication 1.5.1: outside multipart/mixed every attachment has a fileUrl."""
    text = orjson.dumps(statement)
    paths = refused_at(receive_one, text, statement["id"], "1.0.3")
    assert paths == refused_at(receive_many, text, "1.0.3", 10)
    assert paths == [path for path, _ in attachments_of(statement)]
    assert "application/json" in check_attachments([statement], {}, multipart=False)[0].message
    assert refused_at(receive_many, b"[" + text + b"]", "1.0.3", 10) == [f"[0].{paths[0]}"]


def test_a_multipart_request_needs_no_attachments() -> None:
    """Communication 1.5.2: statements without attachments may come so too."""
    text, parts = read(body(statements=orjson.dumps([completed(), completed()])))
    assert len(receive_many(text, "1.0.3", 10, parts).ids) == 2


@pytest.mark.parametrize(
    ("described", "said", "wrong"),
    [
        ({"contentType": "text/plain"}, "text/plain", None),
        ({"contentType": "Text/Plain"}, "TEXT/plain ", None),
        ({"contentType": "text/plain; charset=ascii"}, "text/plain", None),  # the clause's own example
        ({"contentType": "text/plain"}, None, None),
        ({"contentType": "text/html"}, "text/plain", "contentType"),
        ({"contentType": "application/pdf; a=text/plain"}, "text/plain", "contentType"),
    ],
)
def test_the_content_type_of_a_part_is_that_of_its_attachment(described: Json, said: str | None, wrong: str) -> None:
    """Communication 1.5.2: where both the header and the property are given, they match."""
    statement = completed(attachments=[about(TEXT, **described)])
    assert found([statement], part(TEXT, said)) == ([f"attachments[0].{wrong}"] if wrong else [])


def test_the_content_length_of_a_part_is_that_of_its_attachment() -> None:
    """Communication 1.5.2, as above; a part that does not tell its length is not measured."""
    statement = completed(attachments=[about(TEXT, length=20)])
    assert found([statement], part(TEXT)) == []
    assert found([statement], part(TEXT, Content_Length="19")) == ["attachments[0].length"]
    assert found([statement], part(TEXT), part(TEXT, Content_Length="19")) == ["attachments[0].length"]
    assert found([completed(attachments=[about(TEXT)])], part(TEXT, Content_Length="19")) == []


def test_data_of_two_types_comes_once_as_each() -> None:
    """Communication 1.5.2: one part could not match both of its attachments."""
    statement = completed(attachments=[about(TEXT), about(TEXT, contentType="text/html")])
    assert found([statement], part(TEXT), part(TEXT, "text/html")) == []
    assert found([statement], part(TEXT)) == ["attachments[1].contentType"]
    [(_, kept)] = read(body(part(TEXT), part(TEXT, "text/html")))[1].items()
    assert isinstance(kept, Part)
    assert kept.declared_types == {"text/plain", "text/html"}


def test_of_many_problems_the_first_are_told() -> None:
    many = range(MAX_PROBLEMS_TOLD + 9)
    statements = [completed(attachments=[about(b"%d" % n)]) for n in many]
    assert found(statements, part(TEXT)) == [f"[{n}].attachments[0]" for n in range(MAX_PROBLEMS_TOLD)]
    strays = ["X-Experience-API-Hash"] * (MAX_PROBLEMS_TOLD - 1)
    assert found(statements[:1], *(part(b"x%d" % n) for n in many)) == ["attachments[0]", *strays]


def test_an_answer_sends_the_same_data_once() -> None:
    """Communication 1.5.2: once for all attachments that describe it alike, once more for another type."""
    again = about(IMAGE, sha2=sha256(IMAGE).hexdigest().upper(), contentType="Text/Plain; charset=utf-8")
    assert multipart_response(JSON, [(about(IMAGE), IMAGE), (again, IMAGE)])[1].count(IMAGE) == 1
    types = [about(IMAGE), about(IMAGE, contentType="image/png")]
    kind, text = multipart_response(JSON, [(each, IMAGE) for each in types])
    assert text.count(IMAGE) == 2
    assert check_attachments([completed(attachments=types)], parse_multipart(kind, text)[1], multipart=True) == []
