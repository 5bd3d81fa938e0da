"""Signed statements: which signatures are well formed and sign the statement they came with (xAPI 1.0.3 Data 2.6)."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.errors import Problem
from app.lrs.receiving import receive_many
from app.lrs.signatures import MAX_KEY_BITS, MAX_KEY_EXPONENT_BITS, check_signature
from app.lrs.statements import Refused
from tests.statements import answered, completed

HASHES = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
USAGE = "http://adlnet.gov/expapi/attachments/signature"

Json = dict[str, Any]


OURS, THEIRS = generate_private_key(65_537, 2_048), generate_private_key(65_537, 2_048)


def certificate(public_key: Any) -> bytes:
    """A certificate for a public key in DER; who issued it and until when it holds is nothing to a store."""
    name, day = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")]), datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, public_key, 7, day, day)
    return made.sign(OURS, SHA256()).public_bytes(Encoding.DER)


OUR_CERTIFICATE, THEIR_CERTIFICATE = certificate(OURS.public_key()), certificate(THEIRS.public_key())


def b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def chain(*certificates: bytes) -> Json:
    """The x5c of a JWS header (RFC 7515 4.1.6)."""
    return {"x5c": [b64encode(der).decode() for der in certificates]}


def jws(
    payload: Any, header: Mapping[str, Any] | None = None, algorithm: str = "RS256", signer: RSAPrivateKey = OURS
) -> bytes:
    """A signature in compact serialization; payload: bytes as they are, anything else as JSON."""
    text = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    signed = b64(orjson.dumps({"alg": algorithm, **(header or {})})) + b"." + b64(text)
    return signed + b"." + b64(signer.sign(signed, PKCS1v15(), HASHES.get(algorithm, SHA256())))


def attachment(data: bytes, **more: Any) -> Json:
    return {
        "usageType": USAGE,
        "display": {"en": "Signature"},
        "contentType": "application/octet-stream",
        "length": len(data),
        "sha2": sha256(data).hexdigest(),
        **more,
    }


def check(statement: Json, *signatures: bytes, path: str = "", **more: Any) -> list[Problem]:
    """What is wrong with a statement that came with these signatures."""
    attached = {**statement, "attachments": [attachment(data, **more) for data in signatures]}
    return check_signature(attached, {sha256(data).hexdigest(): data for data in signatures}, path)


def refused(problems: list[Problem], told: str, path: str = "attachments[0]") -> bool:
    """Whether this one thing is wrong; a message is for people, so a word of it will do."""
    assert [problem.path for problem in problems] == [path]
    assert problems[0].expected
    return told in problems[0].message


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


def test_the_first_certificate_is_the_signers() -> None:
    """RFC 7515 4.1.6: the rest of the chain certifies the one before."""
    statement = completed()
    assert check(statement, jws(statement, chain(OUR_CERTIFICATE, THEIR_CERTIFICATE))) == []
    assert check(statement, jws(statement, chain(THEIR_CERTIFICATE), signer=THEIRS)) == []


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


def test_a_certificate_is_no_secret() -> None:
    """Data 2.6: HS256 with the public certificate as its key is something that anybody can make."""
    statement = completed()
    signed = b64(orjson.dumps({"alg": "HS256", **chain(OUR_CERTIFICATE)})) + b"." + b64(orjson.dumps(statement))
    made = HMAC(OUR_CERTIFICATE, SHA256())
    made.update(signed)
    assert refused(check(statement, signed + b"." + b64(made.finalize())), "alg")


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


def public_numbers(modulus_bits: int, exponent: int = 65_537) -> Any:
    """A public key of that size; nobody has to know the private one to send it."""
    return RSAPublicNumbers(exponent, (1 << (modulus_bits - 1)) | 1).public_key()


def of_version(number: int) -> bytes:
    """A certificate of an X.509 version; 2 means version 3, the latest."""
    version = b"\xa0\x03\x02\x01"
    return OUR_CERTIFICATE.replace(version + b"\x02", version + bytes([number]), 1)


@pytest.mark.parametrize(
    "x5c",
    [
        [],
        {},
        "text",
        None,
        [1],
        [[]],
        [""],
        ["not base64"],
        ["\u00fc"],
        chain(b"not DER")["x5c"],
        chain(OUR_CERTIFICATE[:-9])["x5c"],
        chain(of_version(1))["x5c"],
        chain(of_version(5))["x5c"],
        [b64(OUR_CERTIFICATE).decode()],
        [b64encode(OUR_CERTIFICATE).decode() + "\n"],
        [{"x": chain(OUR_CERTIFICATE)}],
    ],
)
def test_a_certificate_that_cannot_be_read(x5c: Any) -> None:
    """RFC 7515 4.1.6: an array of strings, each the base64 of a DER certificate."""
    statement = completed()
    assert refused(check(statement, jws(statement, {"x5c": x5c})), "x5c")


def test_a_certificate_of_another_kind_of_key() -> None:
    """Data 2.6: the algorithms are RSA's, so no other key could have signed."""
    statement = completed()
    for other in (ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()):
        assert refused(check(statement, jws(statement, chain(certificate(other.public_key())))), "no RSA key")


@pytest.mark.parametrize(
    ("bits", "exponent_bits", "told"),
    [
        (MAX_KEY_BITS, 17, "does not fit"),
        (MAX_KEY_BITS + 1, 17, f"{MAX_KEY_BITS + 1} bits"),
        (40_000, 17, "40000 bits"),
        (2_048, MAX_KEY_EXPONENT_BITS, "does not fit"),
        (2_048, MAX_KEY_EXPONENT_BITS + 1, f"exponent {MAX_KEY_EXPONENT_BITS + 1}"),
    ],
)
def test_no_key_is_longer_than_it_may_be(bits: int, exponent_bits: int, told: str) -> None:
    """The sender chooses the key that the store computes with."""
    statement = completed()
    large = public_numbers(bits, (1 << (exponent_bits - 1)) | 1)
    assert refused(check(statement, jws(statement, chain(certificate(large)))), told)


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
