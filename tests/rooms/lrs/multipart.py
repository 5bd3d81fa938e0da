"""Bodies of multipart/mixed, put together as a sender does, and the statements that describe their parts."""

from hashlib import sha256
from typing import Any

import pytest

from app.lrs.attachments import check_attachments, parse_multipart
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
