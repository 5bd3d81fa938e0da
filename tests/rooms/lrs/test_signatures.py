"""Signed statements: which signatures are well formed and sign the statement they came with (xAPI 1.0.3 Data 2.6)."""

from hashlib import sha256
from typing import Any

import orjson
import pytest

from app.lrs.receiving import receive_many
from app.lrs.signatures import check_signature
from app.lrs.statements import Refused
from tests.rooms.lrs.signing import (
    HASHES,
    OUR_CERTIFICATE,
    THEIR_CERTIFICATE,
    THEIRS,
    Json,
    attachment,
    b64,
    chain,
    check,
    jws,
    refused,
)
from tests.statements import answered, completed

with_and_without_x5c = pytest.mark.parametrize("header", [{}, chain(OUR_CERTIFICATE)], ids=["without x5c", "x5c"])


@with_and_without_x5c
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_each_of_the_three_algorithms(algorithm: str, header: Json) -> None:
    """Data 2.6, signature requirements; without a certificate nobody can tell who signed, and so how."""
    statement = answered()
    data = jws(statement, header, algorithm)
    assert check(statement, data) == []
    for other in HASHES.keys() - {algorithm}:
        lying = b64(orjson.dumps({"alg": other, **header})) + data[data.index(b".") :]
        assert [problem.path for problem in check(statement, lying)] == ["attachments[0]"] * bool(header)


def test_a_signed_statement_is_received_and_a_changed_one_is_not() -> None:
    """Data 2.6; a batch is refused whole (Communication 2.1.2)."""
    statement = completed()
    data = jws(statement, chain(OUR_CERTIFICATE))
    parts = {sha256(data).hexdigest(): data}
    attached = orjson.dumps({**statement, "attachments": [attachment(data)]})
    assert receive_many(attached, "1.0.3", 10, parts).attachments == parts
    with pytest.raises(Refused) as caught:
        receive_many(b"[" + attached.replace(b"completed", b"attempted") + b"]", "1.0.3", 10, parts)
    assert refused(list(caught.value.problems), "not this statement", "[0].attachments[0]")


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS256", "ES256", "PS256", "RS1", "rs256", "", None, 256, ["RS256"]]
)
def test_no_other_algorithm(algorithm: Any) -> None:
    """Data 2.6: RS256, RS384, RS512, spelt so (RFC 7515 4.1.1: names have case)."""
    statement = completed()
    assert refused(check(statement, jws(statement, {"alg": algorithm})), "alg")


def test_what_has_to_be_understood_and_is_not() -> None:
    """RFC 7515 4.1.11: a signature with critical extensions that nobody here knows does not hold."""
    statement = completed()
    assert refused(check(statement, jws(statement, {"crit": ["b64"], "b64": False})), "crit")
    assert check(statement, jws(statement, {"typ": "JWT", "kid": "1", "b64": True})) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"a signature",
        lambda data: data + b"\n",
        lambda data: data + b"=",
        lambda data: data.replace(b".", b" "),
        lambda data: data.rpartition(b".")[0],
        lambda data: data.rpartition(b".")[0] + b".",
        lambda data: data + b".x",
        lambda data: b"." + data.partition(b".")[2],
        lambda data: b"A" + data,
        lambda data: b"AAAAA" + data[data.index(b".") :],
        lambda data: data.replace(b".", b".A", 1),
        lambda data: b64(b"[]") + data[data.index(b".") :],
        lambda data: b64(b"{") + data[data.index(b".") :],
        lambda data: data.rpartition(b".")[0] + b".AAAAA",
        lambda data: orjson.dumps(
            dict(zip(["protected", "payload", "signature"], data.decode().split("."), strict=True))
        ),
        lambda data: bytes(range(256)),
    ],
)
def test_what_is_no_jws_at_all(spoil: Any) -> None:
    """Data 2.6: malformed signatures are refused, with or without a certificate; so is the JSON serialization."""
    statement = completed()
    for header in ({}, chain(OUR_CERTIFICATE)):
        problems = check(statement, spoil(jws(statement, header)))
        assert [problem.path for problem in problems] == ["attachments[0]"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"a": NaN}',
        b"\xff{}",
        b'{"a":' * 5_000,
        b'{"result":' * 1_000 + b"1" + b"}" * 1_000,
    ],
)
def test_a_payload_is_a_statement(payload: bytes) -> None:
    """Data 2.6: a valid JSON serialization of the complete statement."""
    assert [problem.path for problem in check(completed(), jws(payload))] == ["attachments[0]"]


@pytest.mark.parametrize("place", ["header", "payload"])
def test_what_was_signed_can_be_read_in_one_way(place: str) -> None:
    """Data 2.2, RFC 7515 4: with a key twice, one reader would check a statement that another one never sees."""
    statement = completed()
    header, payload = orjson.dumps({"alg": "RS256"}), orjson.dumps(statement)
    twice = {"header": b'{"alg":"none",' + header[1:], "payload": b'{"verb":{"id":"x:failed"},' + payload[1:]}
    texts = [twice[place] if name == place else text for name, text in (("header", header), ("payload", payload))]
    assert refused(check(statement, b".".join([*map(b64, texts), b64(b"x")])), f"{place} is not JSON")
    assert check(statement, b".".join([b64(header), b64(payload), b64(b"x")])) == []


@with_and_without_x5c
@pytest.mark.parametrize(
    "change",
    [
        {"verb": {"id": "http://adlnet.gov/expapi/verbs/failed"}},
        {"actor": {"mbox": "mailto:eve@example.org"}},
        {"result": {"success": True}},
        {"timestamp": "2026-03-02T08:00:01Z"},
        {"id": "00000000-0000-4000-8000-000000000000"},
        {"context": {"platform": "other"}},
    ],
    ids=str,
)
def test_the_payload_is_this_statement(change: Json, header: Json) -> None:
    """Data 2.6, by the comparison of 2.3.1: also its id, or a signature could be moved to another statement."""
    statement = completed()
    assert refused(check(statement | change, jws(statement, header)), "not this statement")


def test_what_the_comparison_ignores_does_no_harm() -> None:
    """Data 2.6 and 2.3.1: what was signed may lack what an LRS adds and spell what has no one spelling otherwise."""
    statement = answered()
    lacking = {key: value for key, value in statement.items() if key not in ("id", "timestamp")}
    respelt = statement | {"id": statement["id"].upper(), "timestamp": "2026-03-02T07:00:00.000Z", "version": "1.0.3"}
    spaced = b" " + orjson.dumps(dict(reversed(statement.items())), option=orjson.OPT_INDENT_2)
    for payload in (lacking, respelt, spaced, {**statement, "attachments": [attachment(b"x")]}):
        assert check(statement, jws(payload, chain(OUR_CERTIFICATE))) == []
    assert check(lacking, jws(statement)) == []


def test_a_signature_that_was_tampered_with() -> None:
    """Data 2.6: with a certificate in the header the signature is verified, over header and payload as they came."""
    statement = completed()
    data = jws(statement, chain(OUR_CERTIFICATE))
    header, payload, signature = data.split(b".")
    for other in (
        b".".join([header, payload, b64(b"\x01" * 256)]),
        b".".join([header, payload, b64(b"\x01")]),
        b".".join([header, payload, signature[:9] + (b"A" if signature[9:10] != b"A" else b"B") + signature[10:]]),
        b".".join([header, b64(b" " + orjson.dumps(statement)), signature]),
        b".".join([b64(orjson.dumps({"typ": "JWT", "alg": "RS256", **chain(OUR_CERTIFICATE)})), payload, signature]),
        jws(statement, chain(OUR_CERTIFICATE), signer=THEIRS),
        jws(statement, chain(THEIR_CERTIFICATE, OUR_CERTIFICATE)),
    ):
        assert refused(check(statement, other), "does not fit")


@pytest.mark.parametrize("kind", ["text/plain", "application/jose", "application/octet-stream+x", "", None])
def test_a_signature_has_one_content_type(kind: Any) -> None:
    """Data 2.6."""
    statement = completed()
    data = jws(statement)
    assert refused(check(statement, data, contentType=kind), "no signature has", "attachments[0].contentType")
    assert check(statement, data, contentType="Application/Octet-Stream; x=y") == []


def test_a_signature_came_along_or_lies_elsewhere() -> None:
    """Data 2.6: what is not there cannot be checked; what should be there and is not is refused."""
    statement = completed()
    statement["attachments"] = [attachment(jws(statement))]
    assert refused(check_signature(statement, {}), "did not come along")
    statement["attachments"][0]["fileUrl"] = "https://files.example/signature"
    assert check_signature(statement, {}) == []
    statement["attachments"][0]["sha2"] = statement["attachments"][0]["sha2"].upper()
    assert refused(check_signature(statement, {statement["attachments"][0]["sha2"].lower(): b"x"}), "compact")


def test_every_signature_of_a_statement_is_looked_at() -> None:
    """Data 2.6; the path says where a bad one stands, and one that stands there twice is told once."""
    statement = completed()
    good, bad, worse = jws(statement), jws(completed(number=2)), b"x"
    problems = check(statement, good, bad, worse, bad, path="[3]")
    assert [problem.path for problem in problems] == ["[3].attachments[1]", "[3].attachments[2]"]


def test_other_attachments_are_nobodys_signature() -> None:
    """Data 2.6: the usageType makes a signature, and only a statement is signed."""
    statement = completed()
    assert check(statement, b"an essay", usageType="https://usage.example/essay") == []
    inner = {"objectType": "SubStatement", **completed(), "attachments": [attachment(b"an essay")]}
    assert check_signature(completed(object=inner), {sha256(b"an essay").hexdigest(): b"an essay"}) == []
    assert check_signature(statement, {}) == []
