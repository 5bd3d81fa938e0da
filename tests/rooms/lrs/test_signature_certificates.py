"""The certificates of signed statements: which can be read, and which keys they may hold."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from app.lrs.signatures import MAX_KEY_BITS, MAX_KEY_EXPONENT_BITS
from tests.rooms.lrs.signing import (
    OUR_CERTIFICATE,
    THEIR_CERTIFICATE,
    THEIRS,
    b64,
    certificate,
    chain,
    check,
    jws,
    refused,
)
from tests.statements import completed


def test_the_first_certificate_is_the_signers() -> None:
    """RFC 7515 4.1.6: the rest of the chain certifies the one before."""
    statement = completed()
    assert check(statement, jws(statement, chain(OUR_CERTIFICATE, THEIR_CERTIFICATE))) == []
    assert check(statement, jws(statement, chain(THEIR_CERTIFICATE), signer=THEIRS)) == []


def test_a_certificate_is_no_secret() -> None:
    """Data 2.6: HS256 with the public certificate as its key is something that anybody can make."""
    statement = completed()
    signed = b64(orjson.dumps({"alg": "HS256", **chain(OUR_CERTIFICATE)})) + b"." + b64(orjson.dumps(statement))
    made = HMAC(OUR_CERTIFICATE, SHA256())
    made.update(signed)
    assert refused(check(statement, signed + b"." + b64(made.finalize())), "alg")


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
