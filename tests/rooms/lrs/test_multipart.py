"""multipart/mixed taken apart and put together to the byte (xAPI 1.0.3 Communication 1.5.2, RFC 2046)."""

from hashlib import sha256

import pytest

from app.lrs.attachments import MAX_PART_HEADERS_BYTES, MAX_PARTS, Part, multipart_response, parse_multipart
from tests.rooms.lrs.multipart import EVERY_CHARACTER, IMAGE, JSON, TEXT, about, body, part, read, refused_at


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


def test_an_answer_is_read_as_it_was_written() -> None:
    """Communication 1.5.2: what leaves here is what any store would take."""
    odd = about(b"", contentType="text/x-odd; charset=utf-8", sha2=sha256(b"").hexdigest().upper())
    kind, text = multipart_response(JSON, [(about(IMAGE, contentType="image/png"), IMAGE), (odd, b"")])
    assert parse_multipart(kind, text) == (JSON, {sha256(IMAGE).hexdigest(): IMAGE, odd["sha2"].lower(): b""})
    head = b"Content-Type: text/x-odd; charset=utf-8\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
    assert head + odd["sha2"].encode() + b"\r\n\r\n" in text


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
