"""Attachments on their way in and out: the multipart/mixed form of xAPI 1.0.3 Communication 1.5.2, the same in 2.0.

Pure. The delimiters are found here and not by a library: python-multipart reads form data (no preamble, no bare line
feeds), and the standard library's mail parser would read into an attachment that is itself a message. It does read
the headers.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, NoReturn

from app.errors import Problem
from app.lrs.validation import is_media_type, is_sha2

MAX_PROBLEMS_TOLD = 200
"""Of a request with many bad parts the first problems are spelt out."""

MAX_PARTS = 1_000
"""How many parts one request may have, the statements among them."""

MAX_PART_HEADERS_BYTES = 16_384
"""How long the headers of one part may be together."""

_ALGORITHMS = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_REST_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(\r?\n|\Z)")
_FORM = "multipart/mixed as in RFC 2046, the statements as application/json in its first part."


class Part(bytes):
    """The data of an attachment as it came. declared_length: what the part's Content-Length said, None without one."""

    declared_length: int | None = None


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
            if headers.get("Content-Type") is None or headers.get_content_type() != "application/json":
                found = _shown(headers.get("Content-Type"))
                _refuse("parts[0].Content-Type", f"{found}, so the first part cannot be the statements.", _FORM)
            statements = bytes(data)
            continue
        found_problems = _problems_of_part(headers, data, f"parts[{place}]")
        problems += found_problems[: MAX_PROBLEMS_TOLD - len(problems)]
        if not found_problems:
            sha2 = str(headers["X-Experience-API-Hash"]).strip().lower()
            if sha2 not in parts:
                part = Part(data)
                length = headers.get("Content-Length")
                part.declared_length = None if length is None else int(length)
                parts[sha2] = part
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
    SubStatements count. `length` has to equal the Content-Length of the part where the part states one; it is not held
    against the data itself, for the conformance suite sends a length that is not that of the data and wants it taken.
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


def multipart_response(
    statement_result: bytes, attachments: Iterable[tuple[Mapping[str, Any], bytes]]
) -> tuple[str, bytes]:
    """A multipart/mixed answer: its Content-Type and its body (xAPI 1.0.3 Communication 1.5.2).

    statement_result: JSON for the first part. attachments: Attachment objects with their data; each hash is sent once.
    """
    boundary = secrets.token_hex(20)
    delimiter = f"\r\n--{boundary}".encode()
    chunks = [delimiter[2:], b"\r\nContent-Type: application/json\r\n\r\n", statement_result]
    sent: set[str] = set()
    for attachment, data in attachments:
        sha2, kind = attachment["sha2"], attachment.get("contentType")
        if sha2.lower() in sent:
            continue
        sent.add(sha2.lower())
        # What is not plainly a media type could end the header, so it does not get into one.
        plain = is_media_type(kind) and kind.isascii() and kind.isprintable()
        headers = (
            f"\r\nContent-Type: {kind if plain else 'application/octet-stream'}\r\n"
            f"Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\n"
        )
        chunks += (delimiter, headers.encode(), data)
    chunks += (delimiter, b"--\r\n")
    return f"multipart/mixed; boundary={boundary}", b"".join(chunks)


def _refuse(path: str, message: str, expected: str) -> NoReturn:
    _refuse_for([Problem(path, message, expected)])


def _refuse_for(problems: list[Problem]) -> NoReturn:
    from app.lrs.statements import Refused  # noqa: PLC0415  (that module checks attachments with this one)

    raise Refused(f"{problems[0].path} {problems[0].message}", problems)


def _shown(value: object) -> str:
    return "is missing" if value is None else f"is {str(value)[:80]!r}"


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() != "multipart/mixed":
        _refuse("Content-Type", f"{_shown(content_type)}.", _FORM)
    boundary = header.get_boundary() or ""
    if not 1 <= len(boundary) <= 70 or not (boundary.isascii() and boundary.isprintable()):
        _refuse("Content-Type", "names no boundary.", "multipart/mixed; boundary=<1 to 70 characters>")
    return boundary.encode("ascii")


def _delimiters(body: bytes, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each delimiter's line starts, where the next line does, and whether the delimiter is the closing one."""
    dashed = b"--" + boundary
    at = body.find(dashed)
    while at >= 0:
        rest = _REST_OF_DELIMITER.match(body, at + len(dashed))
        if rest and (at == 0 or body[at - 1] == 0x0A):
            yield at, rest.end(), rest[1] is not None
        at = body.find(dashed, at + len(dashed))


def _split(body: bytes, boundary: bytes) -> Iterator[tuple[Message, memoryview]]:
    """The headers and the data of each part (RFC 2046 5.1.1): preamble and epilogue are passed over.

    The line break before a delimiter belongs to the delimiter. A body whose first delimiter ends in a bare line feed
    is read with bare line feeds throughout; in any other a bare line feed is data.
    """
    start = -1
    break_, count = b"\r\n", 0
    for at, after, closing in _delimiters(body, boundary):
        if start < 0:
            if closing:
                _refuse("$", "has no parts.", _FORM)
            break_ = b"\r\n" if body.endswith(b"\r\n", at, after) else b"\n"
            start = after
            continue
        if at > start and not body.endswith(break_, start, at):
            continue
        if count == MAX_PARTS:
            _refuse("$", f"has more than {MAX_PARTS} parts.", f"At most {MAX_PARTS} parts in one request.")
        end = max(start, at - len(break_))
        yield _headers_and_data(memoryview(body)[start:end], break_, f"parts[{count}]")
        count += 1
        start = after
        if closing:
            return
    if start < 0:
        _refuse("$", "does not hold the boundary of the Content-Type header.", _FORM)
    _refuse("$", "ends before the closing delimiter; it was cut off.", "The boundary with two hyphens on both sides.")


def _headers_and_data(part: memoryview, break_: bytes, path: str) -> tuple[Message, memoryview]:
    head = bytes(part[: MAX_PART_HEADERS_BYTES + 2 * len(break_)])
    if head.startswith(break_):
        return Message(), part[len(break_) :]
    blank = head.find(break_ * 2)
    if blank < 0:
        if len(part) > MAX_PART_HEADERS_BYTES:
            _refuse(path, "has no blank line after its headers.", f"At most {MAX_PART_HEADERS_BYTES} bytes of headers.")
        return BytesHeaderParser().parsebytes(head), part[len(part) :]
    return BytesHeaderParser().parsebytes(head[:blank]), part[blank + 2 * len(break_) :]


def _problems_of_part(headers: Message, data: memoryview, path: str) -> list[Problem]:
    """xAPI 1.0.3 Communication 1.5.2: what every part after the first says about itself."""
    problems = []
    encoding = headers.get("Content-Transfer-Encoding")
    if encoding is None or str(encoding).strip().lower() != "binary":
        problems.append(Problem(f"{path}.Content-Transfer-Encoding", f"{_shown(encoding)}.", "binary"))
    length = headers.get("Content-Length")
    if length is not None and (not re.fullmatch(r"[0-9]{1,18}", str(length)) or int(length) != len(data)):
        expected = f"{len(data)}, the octets of this part, or no Content-Length."
        problems.append(Problem(f"{path}.Content-Length", f"{_shown(length)}.", expected))
    given = headers.get("X-Experience-API-Hash")
    sha2 = None if given is None else str(given).strip()
    where = f"{path}.X-Experience-API-Hash"
    if not is_sha2(sha2):
        problems.append(Problem(where, f"{_shown(given)}.", "The SHA-2 hash of this part in hex."))
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
    declared = getattr(part, "declared_length", None)
    if declared is not None and attachment.get("length") != declared:
        message = f"is {attachment.get('length')}, not the Content-Length of its part."
        return [Problem(f"{path}.length", message, str(declared))]
    return []
