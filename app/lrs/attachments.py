"""Attachments on their way in and out: the multipart/mixed form of xAPI 1.0.3 Communication 1.5.2, the same in 2.0.

Pure. Everything is read here and not by a library: python-multipart reads form data (no preamble, no bare line feeds);
the standard library's mail parser would read into an attachment that is itself a message, and some parameters of a
Content-Type make it raise errors that are none of ours.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import orjson

from app.errors import Problem
from app.lrs.statements import Refused
from app.lrs.validation import is_media_type, is_sha2

MAX_PROBLEMS_TOLD = 200
"""Of a request with many bad parts the first problems are spelt out."""

MAX_PARTS = 1_000
"""How many parts one request may have, the statements among them."""

MAX_PART_HEADERS_BYTES = 16_384
"""How long the headers of one part may be together."""

Headers = dict[str, str]
"""The headers of a part, by name in lower case."""

_ALGORITHMS = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_FOLD = re.compile(rb"\r?\n[ \t]+")
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_ESCAPED = re.compile(r"\\(.)")
_FORM = "multipart/mixed as in RFC 2046, the statements as application/json in its first part."


class Part(bytes):
    """The data of an attachment as it came, with what the headers of its part, or of its copies, say about it.

    declared_length: the Content-Length, None without one. declared_types: type and subtype of every Content-Type.
    """

    declared_length: int | None = None
    declared_types: frozenset[str] = frozenset()


def parse_multipart(content_type_header: str, body: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The statements of a multipart/mixed request, and the data of its attachments by SHA-2 in lower case.

    xAPI 1.0.3 Communication 1.5.2 and RFC 2046 5.1. The same data twice counts once. Refused: the boundary is missing
    or the closing delimiter is (the body was cut off), the first part is not application/json, another part lacks
    X-Experience-API-Hash or Content-Transfer-Encoding: binary, or its hash or Content-Length is not that of its data.
    """
    boundary = _boundary(content_type_header)
    parts: dict[str, bytes] = {}
    problems: list[Problem] = []
    statements: bytes | None = None
    for place, (headers, data) in enumerate(_split(body, boundary)):
        if place == 0:
            kind = headers.get("content-type")
            if kind is None or _media_type(kind) != "application/json":
                told = f"{_shown(kind)}, so the first part cannot be the statements."
                _refuse("parts[0].Content-Type", told, _FORM)
            statements = bytes(data)
        elif found := _problems_of_part(headers, data, f"parts[{place}]"):
            problems += found[: MAX_PROBLEMS_TOLD - len(problems)]
        else:
            sha2 = headers["x-experience-api-hash"].lower()
            parts[sha2] = _part(headers, data, parts.get(sha2))
    if statements is None:
        _refuse("$", "has no parts.", _FORM)
    if problems:
        _refuse_for(problems)
    return statements, parts


def check_attachments(
    statements: list[dict[str, Any]], parts: Mapping[str, bytes], *, multipart: bool, batch: bool | None = None
) -> list[Problem]:
    """What is wrong between the attachments of valid statements and the parts that came with them.

    xAPI 1.0.3 Data 2.4.11 and Communication 1.5.1, 1.5.2: an attachment without fileUrl needs a part with its hash,
    and outside multipart/mixed every attachment needs a fileUrl; every part belongs to an attachment. Attachments of
    SubStatements count. `length` and `contentType` have to be what the headers of the part say, where these say it; of
    the latter type and subtype, for the clause's own example has a charset in one place only. `length` is not held
    against the data itself, for the conformance suite sends one that is not that of the data and wants it taken.
    batch: whether the body was an array, which paths show; without it, whether there are several statements.
    """
    problems: list[Problem] = []
    wanted: set[str] = set()
    in_array = len(statements) > 1 if batch is None else batch
    for place, statement in enumerate(statements):
        for path, attachment in attachments_of(statement, f"[{place}]" if in_array else ""):
            sha2 = str(attachment.get("sha2", "")).lower()
            wanted.add(sha2)
            if len(problems) < MAX_PROBLEMS_TOLD:
                problems += _problems_of_attachment(attachment, parts.get(sha2), path, multipart)
    strays = (sha2 for sha2 in parts if sha2 not in wanted)
    for sha2, _ in zip(strays, range(MAX_PROBLEMS_TOLD - len(problems)), strict=False):
        message = "is the hash of a part that belongs to no attachment of these statements."
        problems.append(
            Problem("X-Experience-API-Hash", f"{sha2} {message}", "The sha2 of an attachment, or no such part.")
        )
    return problems


def attachments_of(statement: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each attachment of a statement and of its SubStatement, with its property path (xAPI 1.0.3 Data 2.4.11)."""
    prefix = f"{path}." if path else ""
    for index, attachment in enumerate(statement.get("attachments") or ()):
        yield f"{prefix}attachments[{index}]", attachment
    target = statement.get("object")
    if isinstance(target, Mapping) and target.get("objectType") == "SubStatement":
        for index, attachment in enumerate(target.get("attachments") or ()):
            yield f"{prefix}object.attachments[{index}]", attachment


def multipart_request(body: bytes, contents: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Statements with the data that came along, put together again: their Content-Type and their body.

    body: JSON, or what was meant to be. contents: by SHA-2. The same input gives the same bytes.
    """
    kinds: dict[str, str] = {}
    try:
        parsed = orjson.loads(body)
        for statement in parsed if isinstance(parsed, list) else [parsed]:
            kinds |= {attachment["sha2"]: attachment["contentType"] for _, attachment in attachments_of(statement)}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # What cannot be read has no attachments that could be asked; the data is kept all the same.
    parts = [
        ({"sha2": sha2, "contentType": kinds.get(sha2, "application/octet-stream")}, content)
        for sha2, content in sorted(contents.items())
    ]
    return multipart_response(
        body, parts, boundary=hashlib.sha256(b"".join([body, *sorted(contents.values())])).hexdigest()
    )


def multipart_response(
    statement_result: bytes, attachments: Iterable[tuple[Mapping[str, Any], bytes]], *, boundary: str = ""
) -> tuple[str, bytes]:
    """A multipart/mixed answer: its Content-Type and its body (xAPI 1.0.3 Communication 1.5.2).

    statement_result: JSON for the first part. attachments: Attachment objects with their data. The same data is sent
    once, unless attachments disagree about its contentType: a part's headers must match the attachment they are for.
    boundary: one of our own making if none is given.
    """
    boundary = boundary or secrets.token_hex(20)
    delimiter = f"\r\n--{boundary}".encode()
    chunks = [delimiter[2:], b"\r\nContent-Type: application/json\r\n\r\n", statement_result]
    sent: set[tuple[str, str]] = set()
    for attachment, data in attachments:
        sha2, kind = attachment["sha2"], attachment["contentType"]
        what = sha2.lower(), _media_type(kind)
        if what in sent:
            continue
        sent.add(what)
        # What is not plainly a media type could end the header, so it does not get into one.
        plain = is_media_type(kind) and kind.isascii() and kind.isprintable()
        typed = f"Content-Type: {kind}\r\n" if plain else ""
        headers = f"\r\n{typed}Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\n"
        chunks += (delimiter, headers.encode(), data)
    chunks += (delimiter, b"--\r\n")
    return f"multipart/mixed; boundary={boundary}", b"".join(chunks)


def _refuse(path: str, message: str, expected: str) -> NoReturn:
    _refuse_for([Problem(path, message, expected)])


def _refuse_for(problems: list[Problem]) -> NoReturn:
    raise Refused(f"{problems[0].path} {problems[0].message}", problems)


def _shown(value: object) -> str:
    return "is missing" if value is None else f"is {str(value)[:80]!r}"


def _media_type(content_type: str) -> str:
    """Type and subtype; no difference in case and no parameter is one between two of them (RFC 2045 5.1)."""
    return content_type.partition(";")[0].strip().lower()


def _boundary(content_type: str) -> bytes:
    if _media_type(content_type) != "multipart/mixed":
        _refuse("Content-Type", f"{_shown(content_type)}.", _FORM)
    values = (value for name, value in _PARAMETER.findall(content_type) if name.lower() == "boundary")
    boundary = next(values, "").rstrip()
    if len(boundary) > 1 and boundary[0] == boundary[-1] == '"':
        boundary = _ESCAPED.sub(r"\1", boundary[1:-1]).rstrip()
    if not 1 <= len(boundary) <= 70 or not (boundary.isascii() and boundary.isprintable()):
        _refuse("Content-Type", "names no boundary.", "multipart/mixed; boundary=<1 to 70 characters>")
    return boundary.encode("ascii")


def _split(body: bytes, boundary: bytes) -> Iterator[tuple[Headers, memoryview]]:
    """The headers and the data of each part (RFC 2046 5.1.1): preamble and epilogue are passed over.

    The line break before a delimiter belongs to the delimiter. A body whose first delimiter ends in a bare line feed
    is read with bare line feeds throughout; in any other a bare line feed is data.
    """
    dashed = b"--" + re.escape(boundary)
    # At the start of a line, that is: not after anything but a line feed. Said so late, it costs next to nothing.
    delimiter = re.compile(dashed + rb"(?<![^\n]" + dashed + rb")(--)?[ \t]*(?:\r?\n|\Z)")
    start = -1
    break_, count = b"\r\n", 0
    for found in delimiter.finditer(body):
        at, closing = found.start(), found[1] is not None
        if start < 0:
            if closing:
                _refuse("$", "has no parts.", _FORM)
            break_ = b"\r\n" if found[0].endswith(b"\r\n") else b"\n"
            start = found.end()
            continue
        if at > start and not body.endswith(break_, start, at):
            continue
        if count == MAX_PARTS:
            _refuse("$", f"has more than {MAX_PARTS} parts.", f"At most {MAX_PARTS} parts in one request.")
        yield _headers_and_data(memoryview(body)[start : at - len(break_)], break_, f"parts[{count}]")
        count += 1
        start = found.end()
        if closing:
            return
    if start < 0:
        _refuse("$", "does not hold the boundary of the Content-Type header.", _FORM)
    _refuse("$", "ends before the closing delimiter; it was cut off.", "The boundary with two hyphens on both sides.")


def _headers_and_data(part: memoryview, break_: bytes, path: str) -> tuple[Headers, memoryview]:
    head = bytes(part[: MAX_PART_HEADERS_BYTES + 2 * len(break_)])
    if head.startswith(break_):
        return {}, part[len(break_) :]
    blank = head.find(break_ * 2)
    if blank < 0:
        if len(part) > MAX_PART_HEADERS_BYTES:
            _refuse(path, "has no blank line after its headers.", f"At most {MAX_PART_HEADERS_BYTES} bytes of headers.")
        return _headers(head), part[len(part) :]
    return _headers(head[:blank]), part[blank + 2 * len(break_) :]


def _headers(text: bytes) -> Headers:
    """The headers in this text (RFC 2822 2.2): a line that starts with a blank goes on; of a repeated one the first."""
    headers: Headers = {}
    for line in _FOLD.sub(b" ", text).decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _part(headers: Headers, data: memoryview, earlier: bytes | None) -> Part:
    """A part without problems; earlier: the same data as another part brought it."""
    part = earlier if isinstance(earlier, Part) else Part(data)
    if "content-length" in headers:
        part.declared_length = int(headers["content-length"])
    if "content-type" in headers:
        part.declared_types |= {_media_type(headers["content-type"])}
    return part


def _problems_of_part(headers: Headers, data: memoryview, path: str) -> list[Problem]:
    """xAPI 1.0.3 Communication 1.5.2: what every part after the first says about itself."""
    problems = []
    encoding = headers.get("content-transfer-encoding")
    if encoding is None or encoding.lower() != "binary":
        problems.append(Problem(f"{path}.Content-Transfer-Encoding", f"{_shown(encoding)}.", "binary"))
    length = headers.get("content-length")
    if length is not None and (not re.fullmatch(r"[0-9]{1,18}", length) or int(length) != len(data)):
        expected = f"{len(data)}, the octets of this part, or no Content-Length."
        problems.append(Problem(f"{path}.Content-Length", f"{_shown(length)}.", expected))
    sha2 = headers.get("x-experience-api-hash")
    where = f"{path}.X-Experience-API-Hash"
    if not is_sha2(sha2):
        problems.append(Problem(where, f"{_shown(sha2)}.", "The SHA-2 hash of this part in hex."))
    elif (real := hashlib.new(_ALGORITHMS[len(sha2)], data).hexdigest()) != sha2.lower():
        problems.append(Problem(where, f"is {sha2}, not the hash of this part.", real))
    return problems


def _problems_of_attachment(
    attachment: Mapping[str, Any], part: bytes | None, path: str, multipart: bool
) -> list[Problem]:
    if part is None:
        if "fileUrl" in attachment:
            return []
        if not multipart:
            message = "has no fileUrl, and a request of application/json brings no data."
            return [Problem(path, message, "A fileUrl, or a multipart/mixed request with the data.")]
        message = "has no fileUrl, and no part has its sha2 as X-Experience-API-Hash."
        return [Problem(path, message, "A part with the data, or a fileUrl.")]
    problems = []
    if isinstance(part, Part):
        length, kind = attachment.get("length"), attachment.get("contentType")
        if part.declared_length is not None and length != part.declared_length:
            message = f"is {length}, not the Content-Length of its part."
            problems.append(Problem(f"{path}.length", message, str(part.declared_length)))
        if part.declared_types and _media_type(str(kind)) not in part.declared_types:
            message = f"{_shown(kind)}, not the Content-Type of its part."
            problems.append(Problem(f"{path}.contentType", message, "The same in both, or no Content-Type there."))
    return problems
