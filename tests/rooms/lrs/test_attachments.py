"""Attachments: multipart/mixed taken apart and put together (xAPI 1.0.3 Communication 1.5, Data 2.4.11)."""

from hashlib import new, sha256
from typing import Any

import orjson
import pytest

from app.lrs.attachments import (
    MAX_PART_HEADERS_BYTES,
    MAX_PARTS,
    MAX_PROBLEMS_TOLD,
    Part,
    attachments_of,
    check_attachments,
    multipart_response,
    parse_multipart,
)
from app.lrs.receiving import receive_many, receive_one
from app.lrs.statements import Refused
from tests.statements import completed

TEXT, IMAGE = b"an essay about milk", b"\x89PNG\r\n\r\n\x00--cut\r\n--cut here\n--cut--x\r\n"
JSON = b'{"actor": {}}'
EVERY_CHARACTER = "abcABC0123'()+_,-./:=?"

Json = dict[str, Any]
Sent = tuple[dict[str, str], bytes]


def part(data: bytes, kind: str | None = "text/plain", sha2: str | None = None, **more: str) -> Sent:
    """A part as it should be: its headers, of which `more` replaces some (an empty one goes), and its data."""
    headers = {
        "Content-Type": kind or "",
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": sha256(data).hexdigest() if sha2 is None else sha2,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return {name: value for name, value in headers.items() if value}, data


def body(
    *parts: Sent,
    statements: bytes = JSON,
    first: str | None = "application/json",
    boundary: str = "cut",
    newline: bytes = b"\r\n",
    before: bytes = b"",
    after: bytes = b"\r\n",
) -> bytes:
    """The text of a multipart/mixed request."""
    delimiter = b"--" + boundary.encode()
    chunks = [before]
    for headers, data in [({"Content-Type": first} if first else {}, statements), *parts]:
        lines = [f"{name}:{value}".encode() for name, value in headers.items()]
        chunks += [newline.join([delimiter, *lines, b"", data]), newline]
    return b"".join(chunks) + delimiter + b"--" + after


def read(text: bytes, boundary: str = "cut") -> tuple[bytes, dict[str, bytes]]:
    return parse_multipart(f"multipart/mixed; boundary={boundary}", text)


def refused_at(call: Any, *arguments: Any, **named: Any) -> list[str]:
    """The paths of the problems for which this is refused."""
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    assert all(problem.message and problem.expected for problem in caught.value.problems)
    return [problem.path for problem in caught.value.problems]


def about(data: bytes, **more: Any) -> Json:
    """What a statement says about an attachment."""
    return {
        "usageType": "https://usage.example/essay",
        "display": {"en": "Essay"},
        "contentType": "text/plain",
        "length": len(data),
        "sha2": sha256(data).hexdigest(),
        **more,
    }


def inside(*described: Json) -> Json:
    """A statement whose SubStatement has these attachments."""
    sub = {key: value for key, value in completed().items() if key != "id"}
    return completed(object={"objectType": "SubStatement", **sub, "attachments": list(described)})


def found(statements: list[Json], *parts: Sent, batch: bool | None = None) -> list[str]:
    """The paths of what is wrong between these statements and these parts."""
    _, read_parts = read(body(*parts))
    return [problem.path for problem in check_attachments(statements, read_parts, multipart=True, batch=batch)]


# Taken apart


@pytest.mark.parametrize(
    "data", [TEXT, IMAGE, b"", b"\r\n", b"\n\n", b"--cu", b"\r\n--cutter", bytes(range(256)) * 300]
)
def test_data_arrives_to_the_byte(data: bytes) -> None:
    """RFC 2046 5.1.1: the line break before a delimiter is the delimiter's; any other byte is the sender's."""
    statements, parts = read(body(part(data), part(TEXT)))
    assert statements == JSON
    assert parts == {sha256(data).hexdigest(): data, sha256(TEXT).hexdigest(): TEXT}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cut", "cut"),
        ('"cut"', "cut"),
        ('"a \\"b\\" c"', 'a "b" c'),
        (f'"{EVERY_CHARACTER}"', EVERY_CHARACTER),
        (EVERY_CHARACTER, EVERY_CHARACTER),
        ("-" * 70, "-" * 70),
        ("cut; charset=utf-8", "cut"),
        (' "cut" ; x="; boundary=other"', "cut"),
        ("cut; boundary=other", "cut"),
        ("( .*[", "( .*["),
    ],
)
def test_a_boundary_may_be_quoted_and_anything_printable(written: str, meant: str) -> None:
    """Communication 1.5.2, example; RFC 2045 5.1, RFC 2046 5.1.1."""
    assert read(body(part(IMAGE), boundary=meant), written)[1] == {sha256(IMAGE).hexdigest(): IMAGE}


@pytest.mark.parametrize(
    "header", ["Multipart/Mixed;BOUNDARY=cut", 'multipart/mixed ; a="; boundary=b"; boundary = "cut"']
)
def test_names_have_no_case(header: str) -> None:
    """RFC 2045 5.1."""
    text = body().replace(b"Content-Type:application/json", b"content-TYPE : \tApplication/JSON; charset=UTF-8")
    assert parse_multipart(header, text) == (JSON, {})


@pytest.mark.parametrize(
    "header",
    [
        "multipart/form-data; boundary=cut",
        "multipart/mixed",
        "multipart/mixed;",
        "multipart/mixed; boundary=",
        'multipart/mixed; boundary=""',
        "multipart/mixed; boundary=" + "c" * 71,
        "multipart/mixed; boundary=c\u00fct",
        "multipart/mixed; boundary=c\tut",
        "multipart/mixed; xboundary=cut",
        "multipart/mixed; boundary*=cut; boundary*0=cut",
        f"multipart/mixed; boundary*{'9' * 5_000}=cut",
        "boundary=cut",
        "",
    ],
)
def test_a_request_without_a_usable_boundary_is_refused(header: str) -> None:
    """Communication 1.5.2, RFC 2046 5.1.1; whatever stands in the header, the answer is a refusal."""
    assert refused_at(parse_multipart, header, body()) == ["Content-Type"]


@pytest.mark.parametrize("before", [b"", b"\r\n", b"Dear reader,\r\n--cutter\r\n x--cut\r\n\r\n"])
@pytest.mark.parametrize("after", [b"", b"\r\n", b" \t\r\n", b"\r\nBye.\r\n--cut\r\nContent-Type: text/plain\r\n\r\nx"])
def test_preamble_and_epilogue_are_passed_over(before: bytes, after: bytes) -> None:
    """RFC 2046 5.1.1."""
    assert read(body(part(IMAGE), before=before, after=after))[1] == {sha256(IMAGE).hexdigest(): IMAGE}


def test_line_feeds_alone_will_do() -> None:
    """Not by RFC 2046; some senders write so. Where lines end in both, a line feed alone is data."""
    data = b"first\nsecond\r\nthird\r"
    text = body(part(data), part(b""), newline=b"\n", before=b"Hello\n", after=b"\n")
    assert read(text) == (JSON, {sha256(data).hexdigest(): data, sha256(b"").hexdigest(): b""})
    mixed = b"one\n--cut\nContent-Type: text/plain\n\ntwo\n--cut--\nthree"
    assert read(body(part(mixed)))[1] == {sha256(mixed).hexdigest(): mixed}


def test_delimiters_may_be_followed_by_blanks() -> None:
    """RFC 2046 5.1.1, transport padding."""
    assert read(body(part(TEXT)).replace(b"--cut\r\n", b"--cut \t\r\n"))[1] == {sha256(TEXT).hexdigest(): TEXT}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"--cut",
        b"--cut--",
        b"--cut\r\n",
        JSON,
        body(boundary="other"),
        body(part(TEXT))[:-4],
        body(part(TEXT)).replace(b"\r\n--cut--", b" --cut--"),
        b"x" + body(part(TEXT)).replace(b"\r\n--cut", b"\r\n --cut"),
    ],
)
def test_a_body_that_was_cut_off_is_refused(text: bytes) -> None:
    """RFC 2046 5.1.1: without its closing delimiter nobody knows what is missing."""
    assert refused_at(read, text) == ["$"]


def test_a_closing_delimiter_without_a_part_before_it_is_refused() -> None:
    assert refused_at(read, b"--cut--\r\n" + body()) == ["$"]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/json+x", "application/octet-stream", "json"])
def test_the_first_part_is_json(kind: str | None) -> None:
    """Communication 1.5.2: the statements come first, with type application/json."""
    assert refused_at(read, body(part(TEXT), first=kind)) == ["parts[0].Content-Type"]


def test_as_many_parts_as_may_be() -> None:
    """Nothing is unbounded; the statements are a part too."""
    parts = [part(b"%d" % n) for n in range(MAX_PARTS)]
    assert len(read(body(*parts[1:]))[1]) == MAX_PARTS - 1
    assert refused_at(read, body(*parts)) == ["$"]


def test_headers_are_no_longer_than_they_may_be() -> None:
    many = part(TEXT, X_Long="x" * MAX_PART_HEADERS_BYTES)
    assert refused_at(read, body(part(TEXT), many)) == ["parts[2]"]


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


def test_folded_and_repeated_headers() -> None:
    """RFC 2822 2.2.3: a line that begins with a blank goes on. Of a header that comes twice the first one counts."""
    sha2 = sha256(TEXT).hexdigest()
    sent = part(TEXT, sha2=f"\r\n {sha2}\r\nX-Experience-API-Hash: {sha256(IMAGE).hexdigest()}")
    assert read(body(sent))[1] == {sha2: TEXT}


def test_a_part_may_end_with_its_headers() -> None:
    """No blank line, no data; what is no UTF-8 in a header is nobody's hash."""
    sha2 = sha256(b"").hexdigest()
    text = body(part(b"", Content_Length="0")).replace(b"\r\n\r\n\r\n--cut--", b"\r\n--cut--")
    assert read(text)[1] == {sha2: b""}
    assert read(text.replace(b"binary", b"binary\r\nX: \xff"))[1] == {sha2: b""}
    assert refused_at(read, text.replace(b"binary", b"\xff")) == ["parts[1].Content-Transfer-Encoding"]


def test_the_same_data_twice_counts_once() -> None:
    """Communication 1.5.2: one copy should do, more are no mistake."""
    assert read(body(part(TEXT), part(TEXT)))[1] == {sha256(TEXT).hexdigest(): TEXT}


# Statements and parts


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


# Put together


def test_an_answer_is_read_as_it_was_written() -> None:
    """Communication 1.5.2: what leaves here is what any store would take."""
    odd = about(b"", contentType="text/x-odd; charset=utf-8", sha2=sha256(b"").hexdigest().upper())
    kind, text = multipart_response(JSON, [(about(IMAGE, contentType="image/png"), IMAGE), (odd, b"")])
    assert parse_multipart(kind, text) == (JSON, {sha256(IMAGE).hexdigest(): IMAGE, odd["sha2"].lower(): b""})
    head = b"Content-Type: text/x-odd; charset=utf-8\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
    assert head + odd["sha2"].encode() + b"\r\n\r\n" in text


def test_an_answer_sends_the_same_data_once() -> None:
    """Communication 1.5.2: once for all attachments that describe it alike, once more for another type."""
    again = about(IMAGE, sha2=sha256(IMAGE).hexdigest().upper(), contentType="Text/Plain; charset=utf-8")
    assert multipart_response(JSON, [(about(IMAGE), IMAGE), (again, IMAGE)])[1].count(IMAGE) == 1
    types = [about(IMAGE), about(IMAGE, contentType="image/png")]
    kind, text = multipart_response(JSON, [(each, IMAGE) for each in types])
    assert text.count(IMAGE) == 2
    assert check_attachments([completed(attachments=types)], parse_multipart(kind, text)[1], multipart=True) == []


def test_an_answer_without_attachments_is_multipart_too() -> None:
    """Communication 1.5.2: it is the type for what could have attachments."""
    assert parse_multipart(*multipart_response(JSON, [])) == (JSON, {})


@pytest.mark.parametrize("kind", ["text/plain\r\nX-Evil: 1", 'text/plain; a="\u00fc"', "", 'a/b; c="\t"'])
def test_a_content_type_never_ends_its_header(kind: str) -> None:
    """Whatever a store of earlier days may hold: a header that cannot be written is left out."""
    media, text = multipart_response(JSON, [(about(TEXT, contentType=kind), TEXT)])
    assert text.count(b"Content-Type") == 1
    assert b"Evil" not in text
    [(_, kept)] = parse_multipart(media, text)[1].items()
    assert isinstance(kept, Part)
    assert (kept, kept.declared_types) == (TEXT, frozenset())


def test_every_answer_has_its_own_boundary() -> None:
    assert multipart_response(JSON, [])[0] != multipart_response(JSON, [])[0]
