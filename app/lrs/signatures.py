"""Signed statements: whether a signature is well formed and signs this statement (xAPI 1.0.3 Data 2.6, same in 2.0).

Pure. This catches mistakes; as the clause notes, it does not say who signed, for no chain of certificates is followed.
"""

import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from app.errors import Problem
from app.lrs.comparison import agree
from app.lrs.statements import Refused, parse_json
from app.lrs.validation import SIGNATURE_CONTENT_TYPE, SIGNATURE_USAGE

MAX_KEY_BITS = 8_192
"""The longest RSA key that is verified with: the sender brings it, and longer ones cost seconds."""

MAX_KEY_EXPONENT_BITS = 64
"""The longest public exponent, for the same reason; keys in use have 17 bits."""

_HASHES = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_COMPACT_FORM = "A JWS in compact serialization: header, payload and signature in base64url, with dots between."


class _Malformed(Exception):
    """What is wrong with a signature, and what would be right."""

    def __init__(self, message: str, expected: str):
        super().__init__(message)
        self.message, self.expected = message, expected


def check_signature(statement: Mapping[str, Any], parts: Mapping[str, bytes], path: str = "") -> list[Problem]:
    """What is wrong with the signatures of a valid statement; nothing for a statement that is not signed.

    xAPI 1.0.3 Data 2.6: an attachment of usageType …/attachments/signature is application/octet-stream and a JWS
    (RFC 7515) with RS256, RS384 or RS512, whose payload is this statement by the comparison of Data 2.3.1. A
    certificate in the header has to fit the signature; without one only form and payload can be looked at. A signature
    that lies behind a fileUrl and did not come along is not fetched; attachments of a SubStatement sign nothing, for it
    is no statement. The JSON serialization, which the clause strongly discourages and 2.0 forbids, is not read. parts:
    data by SHA-2 in lower case. path: where the statement stands, such as `[3]` in an array.
    """
    problems: list[Problem] = []
    checked: set[str] = set()  # Attachments that share their data share its problem, which is told and paid for once.
    for index, attachment in enumerate(statement.get("attachments") or ()):
        if attachment.get("usageType") != SIGNATURE_USAGE:
            continue
        where = f"{path}.attachments[{index}]" if path else f"attachments[{index}]"
        kind = str(attachment.get("contentType", ""))
        if kind.partition(";")[0].strip().lower() != SIGNATURE_CONTENT_TYPE:
            problems.append(
                Problem(f"{where}.contentType", f"is {kind[:80]!r}, which no signature has.", SIGNATURE_CONTENT_TYPE)
            )
            continue
        sha2 = str(attachment.get("sha2", "")).lower()
        part = parts.get(sha2)
        if part is None:
            if "fileUrl" not in attachment:
                problems.append(Problem(where, "is a signature whose data did not come along.", _COMPACT_FORM))
            continue
        if sha2 in checked:
            continue
        checked.add(sha2)
        try:
            _check_jws(part, statement)
        except _Malformed as error:
            problems.append(Problem(where, error.message, error.expected))
    return problems


def _check_jws(jws: bytes, statement: Mapping[str, Any]) -> None:
    compact = _COMPACT.fullmatch(jws)
    if compact is None:
        raise _Malformed("is no JWS in compact serialization.", _COMPACT_FORM)
    header = _json_object(compact[1], "header")
    algorithm = header.get("alg")
    hashing = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if hashing is None:
        raise _Malformed(f"is a JWS whose alg is {str(algorithm)[:80]!r}.", "RS256, RS384 or RS512.")
    if "crit" in header:
        raise _Malformed("is a JWS with critical extensions (crit), of which none is known here.", "No crit.")
    signature = _decoded(compact[3], "signature")
    if "x5c" in header:
        key = _key(header["x5c"])
        try:
            key.verify(signature, jws[: compact.end(2)], PKCS1v15(), hashing)
        except InvalidSignature:
            raise _Malformed(
                "has a signature that the certificate in its header (x5c) does not fit.",
                "A signature made with the private key of the first certificate in x5c.",
            ) from None
    payload = _json_object(compact[2], "payload")
    try:
        same = agree(payload, statement)
    except RecursionError:
        same = False  # No valid statement is so deep that it could not be compared.
    if not same:
        raise _Malformed(
            "signs a payload that is not this statement.", "The JSON of the statement as it was before it was signed."
        )


def _decoded(text: bytes, what: str) -> bytes:
    try:
        return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        raise _Malformed(f"is a JWS whose {what} is not base64url.", _COMPACT_FORM) from None


def _json_object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = parse_json(_decoded(text, what))
    except Refused as error:
        problem = error.problems[0]
        told = f"is a JWS whose {what} is not JSON that can be read in one way: {problem.path} {problem.message}"
        raise _Malformed(told, problem.expected) from None
    if not isinstance(value, dict):
        raise _Malformed(f"is a JWS whose {what} is not a JSON object.", f"A JSON object as the {what}.")
    return value


def _key(chain: object) -> RSAPublicKey:
    """The key of the first certificate of x5c (RFC 7515 4.1.6): base64 of DER, not base64url."""
    expected = "An array whose first string is the signer's X.509 certificate: DER in base64, with an RSA key."
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise _Malformed("has an x5c that is no array of certificates.", expected)
    try:
        key = x509.load_der_x509_certificate(b64decode(chain[0], validate=True)).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise _Malformed("has an x5c whose first certificate cannot be read.", expected) from None
    if not isinstance(key, RSAPublicKey):
        raise _Malformed("has an x5c whose first certificate has no RSA key.", expected)
    bits, exponent_bits = key.key_size, key.public_numbers().e.bit_length()
    if bits > MAX_KEY_BITS or exponent_bits > MAX_KEY_EXPONENT_BITS:
        told = f"has a certificate whose key has {bits} bits, its exponent {exponent_bits}."
        raise _Malformed(told, f"At most {MAX_KEY_BITS} bits, and {MAX_KEY_EXPONENT_BITS} in the exponent.")
    return key
