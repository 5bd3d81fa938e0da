"""Attachments and signatures through the doors, on the real stores (xAPI 1.0.3 Communication 1.5.2, 2.1; Data 2.6)."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select

from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementRaw
from app.warehouse.models import StoredAttachment
from tests.conftest import Doors
from tests.statements import completed

STANDARD, PLAIN = "/xapi/statements", "/api/xapi/statements"
VERSION = "X-Experience-API-Version"
IMAGE = b"\n\x89PNG\r\n\x1a\n\x00\xff--\r\n--cut no\r\n" + bytes(range(256)) + b"\r\n"
TEXT = "ein Aufsatz über Milch".encode()

Json = dict[str, Any]
Drain = Callable[[], int]


def about(data: bytes, kind: str = "image/png", **more: Any) -> Json:
    """What a statement says about an attachment."""
    sha2 = sha256(data).hexdigest()
    usage = "https://usage.example/proof"
    return {"usageType": usage, "display": {}, "contentType": kind, "length": len(data), "sha2": sha2, **more}


def send(
    doors: Doors,
    body: Any,
    *parts: tuple[str, bytes],
    method: str = "POST",
    path: str = STANDARD,
    version: str = "1.0.3",
) -> Any:
    """Statements in multipart/mixed, with the data of their attachments, each with its content type."""
    chunks = [b"--cut\r\nContent-Type: application/json\r\n\r\n", orjson.dumps(body)]
    for kind, data in parts:
        headers = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\nContent-Length: {len(data)}\r\n"
        sha2 = sha256(data).hexdigest()
        chunks += [f"\r\n--cut\r\n{headers}X-Experience-API-Hash: {sha2}\r\n\r\n".encode(), data]
    return send_text(doors, b"".join([*chunks, b"\r\n--cut--\r\n"]), body, method=method, path=path, version=version)


def send_text(  # noqa: PLR0917  (every part of a request)
    doors: Doors,
    text: bytes,
    body: Any,
    kind: str = "multipart/mixed; boundary=cut",
    method: str = "POST",
    path: str = STANDARD,
    version: str = "1.0.3",
) -> Any:
    params = {"statementId": body["id"]} if method == "PUT" else {}
    headers = {"Content-Type": kind, VERSION: version}
    return doors.client.request(method, path, params=params, content=text, headers=headers, auth=doors.sender)


def ask(doors: Doors, version: str = "1.0.3", **params: Any) -> Any:
    answer = doors.client.get(STANDARD, params=params, headers={VERSION: version}, auth=doors.sender)
    assert answer.status_code == 200
    return answer


def read(answer: Any) -> tuple[Any, dict[str, tuple[Json, bytes]]]:
    """The JSON of a multipart/mixed answer, and of each other part its headers and its data, by hash."""
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/mixed"
    _, *texts, end = (b"\r\n" + answer.content).split(b"\r\n--" + boundary.encode())
    assert end == b"--\r\n"
    parts = []
    for text in texts:
        head, _, data = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        parts.append((dict(line.split(": ", 1) for line in head.decode().split("\r\n")), data))
    assert parts[0][0] == {"Content-Type": "application/json"}
    found = {headers["X-Experience-API-Hash"]: (headers, data) for headers, data in parts[1:]}
    assert len(found) == len(parts) - 1
    return orjson.loads(parts[0][1]), found


def headers_for(described: Json) -> Json:
    """What the part of an attachment says about it (Communication 1.5.2)."""
    return {
        "Content-Type": described["contentType"],
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": described["sha2"],
    }


def stored() -> tuple[int, int]:
    """How many statements and how many attachments the record holds."""
    with session_scope() as db:
        counts = [db.scalar(select(func.count()).select_from(table)) for table in (StatementRaw, StoredAttachment)]
    return counts[0] or 0, counts[1] or 0


def problem_paths(answer: Any) -> list[str]:
    """The paths that a refusal names; what was refused is in quarantine, byte for byte."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    with session_scope() as db:
        letter = db.get(DeadLetter, answer.json()["kept"])
        assert letter is not None
        assert bytes(letter.body) == answer.request.content
    return [problem["path"] for problem in answer.json()["problems"]]


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("path", [STANDARD, PLAIN])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_was_attached_comes_back_when_asked_for(
    doors: Doors, drain: Drain, method: str, path: str, version: str
) -> None:
    """Communication 1.5.2 and 2.1.3, attachments: the same bytes, under the headers that the statement describes."""
    picture, essay = about(IMAGE), about(TEXT, "text/plain; charset=utf-8")
    statement = completed(attachments=[picture, essay])
    answer = send(
        doors, statement, ("image/png", IMAGE), ("text/plain", TEXT), method=method, path=path, version=version
    )
    assert answer.status_code == (204 if method == "PUT" else 200)
    assert drain() == 1
    told, parts = read(ask(doors, version, statementId=statement["id"], attachments="true"))
    assert (told["id"], told["attachments"]) == (statement["id"], [picture, essay])
    assert parts == {each["sha2"]: (headers_for(each), data) for each, data in ((picture, IMAGE), (essay, TEXT))}


@pytest.mark.parametrize("asked", [{}, {"attachments": "false"}])
def test_without_being_asked_for_they_stay_away(doors: Doors, drain: Drain, asked: Json) -> None:
    """Communication 1.5.2 and 2.1.3: application/json then, and the statement still says what it has."""
    statement = completed(attachments=[about(IMAGE)])
    send(doors, statement, ("image/png", IMAGE))
    drain()
    for single in (True, False):
        answer = ask(doors, **asked, **({"statementId": statement["id"]} if single else {}))
        assert answer.headers["Content-Type"] == "application/json"
        told = answer.json() if single else answer.json()["statements"][0]
        assert told["attachments"] == statement["attachments"]


def test_statements_of_an_array_share_an_attachment(doors: Doors, drain: Drain) -> None:
    """Communication 1.5.2: sent once, kept once, given back once, on every page that needs it."""
    statements = [completed(number=n, attachments=[about(IMAGE)]) for n in (1, 2)]
    statements.append(completed(number=3))
    answer = send(doors, statements, ("image/png", IMAGE))
    assert answer.json() == [statement["id"] for statement in statements]
    drain()
    assert stored() == (3, 1)
    result, parts = read(ask(doors, attachments="true"))
    assert [told["id"] for told in result["statements"]] == [statement["id"] for statement in reversed(statements)]
    assert parts == {about(IMAGE)["sha2"]: (headers_for(about(IMAGE)), IMAGE)}
    result, parts = read(ask(doors, attachments="true", limit=1))
    pages = [len(parts)]
    while result["more"]:
        headers = {VERSION: "1.0.3"}
        result, parts = read(doors.client.get(result["more"], headers=headers, auth=doors.sender))
        pages.append(len(parts))
    assert pages == [0, 1, 1]


@pytest.mark.parametrize("form", ["exact", "ids", "canonical"])
def test_attachments_of_a_substatement(doors: Doors, drain: Drain, form: str) -> None:
    """Data 2.4.11, whatever format the statements are asked for in."""
    inner = {key: value for key, value in completed(number=2).items() if key != "id"}
    attached = {"objectType": "SubStatement", **inner, "attachments": [about(TEXT, "text/plain")]}
    assert send(doors, completed(object=attached), ("text/plain", TEXT)).status_code == 200
    drain()
    _, parts = read(ask(doors, attachments="true", format=form))
    assert [data for _, data in parts.values()] == [TEXT]


def test_a_file_url_needs_no_data(doors: Doors, drain: Drain) -> None:
    """Communication 1.5.1: taken as application/json and as multipart/mixed; there is no part to give back."""
    elsewhere = about(IMAGE, fileUrl="https://files.example/1.png")
    assert doors.post(completed(attachments=[elsewhere])).status_code == 200
    assert send(doors, completed(attachments=[elsewhere])).status_code == 200
    drain()
    result, parts = read(ask(doors, attachments="true"))
    assert [told["attachments"] for told in result["statements"]] == [[elsewhere]] * 2
    assert parts == {}


def test_an_answer_can_be_sent_to_the_next_store(doors: Doors, drain: Drain) -> None:
    """Communication 1.5.2: statements go from store to store with what is attached to them."""
    statement = completed(attachments=[about(IMAGE), about(IMAGE, "image/x-other")])
    send(doors, statement, ("image/png", IMAGE), ("image/x-other", IMAGE))
    drain()
    answer = doors.client.get(
        STANDARD,
        params={"statementId": statement["id"], "attachments": "true"},
        headers={VERSION: "1.0.3"},
        auth=doors.sender,
    )
    again = send_text(doors, answer.content, statement, answer.headers["Content-Type"], "PUT")
    assert again.status_code == 204
    drain()
    assert stored() == (1, 1)


def test_without_the_stream_attachments_are_stored_at_the_door(doors: Doors) -> None:
    """Accepted means durable, in the other mode too."""
    state = doors.client.app.state  # type: ignore[attr-defined]
    state.settings = state.settings.model_copy(update={"etl_mode": "incremental"})
    assert send(doors, completed(attachments=[about(IMAGE)]), ("image/png", IMAGE)).status_code == 200
    assert stored() == (1, 1)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("described", "parts", "wrong"),
    [
        ([about(IMAGE)], [], ["attachments[0]"]),
        ([about(IMAGE)], [("image/png", TEXT)], ["attachments[0]", "X-Experience-API-Hash"]),
        ([], [("image/png", IMAGE)], ["X-Experience-API-Hash"]),
        ([about(IMAGE)], [("text/plain", IMAGE)], ["attachments[0].contentType"]),
        ([about(IMAGE, length=1)], [("image/png", IMAGE)], ["attachments[0].length"]),
    ],
)
def test_what_does_not_fit_is_refused_whole_and_kept(  # noqa: PLR0917  (each part of the example)
    doors: Doors, drain: Drain, described: list[Json], parts: list[tuple[str, bytes]], wrong: list[str], batch: bool
) -> None:
    """Communication 1.5.2 and 2.1.2: no statement of the request is stored; the sender is told what to mend."""
    statement = completed(attachments=described)
    answer = send(doors, [completed(), statement] if batch else statement, *parts)
    assert problem_paths(answer) == [f"[1].{p}" if batch and p.startswith("att") else p for p in wrong]
    assert (drain(), stored()) == (0, (0, 0))


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_json_with_an_attachment_without_data_is_refused(doors: Doors, drain: Drain, method: str) -> None:
    """Communication 1.5.1."""
    statement = completed(attachments=[about(IMAGE)])
    answer = send_text(doors, orjson.dumps(statement), statement, "application/json", method)
    assert problem_paths(answer) == ["attachments[0]"]
    assert (drain(), stored()) == (0, (0, 0))


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        ("multipart/form-data; boundary=cut", b"", "Content-Type"),
        ("multipart/mixed", b"--cut", "Content-Type"),
        ("multipart/mixed; boundary*=cut; boundary*0=cut", b"--cut", "Content-Type"),
        ("multipart/mixed; boundary=cut", b"--cut\r\nContent-Type: application/json\r\n\r\n{}", "$"),
        ("multipart/mixed; boundary=cut", b"--cut\r\n\r\n{}\r\n--cut--", "parts[0].Content-Type"),
        ("multipart/mixed; boundary=cut", b"--cut\r\nContent-Type: application/json\r\n\r\n{\r\n--cut--", "$"),
    ],
)
def test_what_is_no_multipart_request_is_refused_and_kept(doors: Doors, kind: str, text: bytes, path: str) -> None:
    """Communication 1.5.2, RFC 2046."""
    assert problem_paths(send_text(doors, text, {}, kind)) == [path]
    assert stored() == (0, 0)


# Signed statements

KEY = generate_private_key(65_537, 2_048)


def signature(statement: Json) -> bytes:
    """A JWS over the statement, with the certificate of its signer."""
    name, day = x509.Name([]), datetime(2020, 1, 1, tzinfo=UTC)
    certificate = x509.CertificateBuilder(name, name, KEY.public_key(), 1, day, day).sign(KEY, SHA256())
    x5c = [b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    header, payload = orjson.dumps({"alg": "RS256", "x5c": x5c}), orjson.dumps(statement)
    signed = b".".join(urlsafe_b64encode(text).rstrip(b"=") for text in (header, payload))
    return signed + b"." + urlsafe_b64encode(KEY.sign(signed, PKCS1v15(), SHA256())).rstrip(b"=")


def signed_with(statement: Json, data: bytes) -> Json:
    usage = "http://adlnet.gov/expapi/attachments/signature"
    return {**statement, "attachments": [about(data, "application/octet-stream", usageType=usage)]}


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_signed_statement_keeps_its_signature(doors: Doors, drain: Drain, method: str) -> None:
    """Data 2.6: whoever reads it can check it, for the bytes of the signature are those that were sent."""
    statement = completed()
    data = signature(statement)
    answer = send(doors, signed_with(statement, data), ("application/octet-stream", data), method=method)
    assert answer.status_code == (204 if method == "PUT" else 200)
    drain()
    told, parts = read(ask(doors, statementId=statement["id"], attachments="true"))
    [(headers, kept)] = parts.values()
    assert (headers["Content-Type"], kept) == ("application/octet-stream", data)
    assert told.items() >= statement.items()


def test_a_signature_of_something_else_is_refused_with_the_whole_batch(doors: Doors, drain: Drain) -> None:
    """Data 2.6: 400, and a message that says which signature and why."""
    statement, other = completed(), completed(number=2)
    data = signature(statement)
    batch = [signed_with(statement, data), signed_with(other, data)]
    answer = send(doors, batch, ("application/octet-stream", data))
    assert problem_paths(answer) == ["[1].attachments[0]"]
    assert "not this statement" in answer.json()["detail"]
    spoilt = data[:-8] + b"AAAAAAAA"
    assert problem_paths(send(doors, signed_with(statement, spoilt), ("application/octet-stream", spoilt))) == [
        "attachments[0]"
    ]
    assert (drain(), stored()) == (0, (0, 0))
