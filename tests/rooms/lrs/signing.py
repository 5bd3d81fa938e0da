"""Statements signed as a sender does, with keys and certificates of the test's own."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.errors import Problem
from app.lrs.signatures import check_signature

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
