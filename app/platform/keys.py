"""PEM key pairs as user name and password.

The user name is the body of the public key on one line, the password the body of the secret key on one line. Whoever
presents both proves that they hold the secret key, so the server keeps public keys only.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

MAX_BODY_CHARACTERS = 3_400
"""A 4,096 bit RSA key in PKCS#8 has about 3,200 characters. Checking a larger one takes seconds, and anybody may send
one, so larger ones are not looked at."""
MIN_RSA_BITS, MAX_RSA_BITS = 2_048, 4_096

_ARMOUR = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_DER_SEQUENCE = b"\x30"
"""Every key in DER begins so; a short file name may be valid base64, but does not begin so."""
_CHALLENGE = b"7taps Analytics: the holder of this key signed these words"

SecretKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PublicKey = ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A fresh pair, as PEM text with armour."""

    public_pem: str
    secret_pem: str


def new_key_pair() -> KeyPair:
    """Make an Ed25519 pair: about 60 characters each on one line, which fits any tool's settings form."""
    secret = ed25519.Ed25519PrivateKey.generate()
    return KeyPair(
        public_pem=secret.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        secret_pem=secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )


def body_of(text: str) -> str:
    """The body of a key on one line, from PEM text with armour or from a body. ValueError when it is neither.

    Armour, line breaks (real, or written as \\n by a settings form) and blanks are dropped.
    """
    body = "".join(_ARMOUR.sub("", text.replace("\\r", "").replace("\\n", "\n")).split())
    if not _der(body).startswith(_DER_SEQUENCE):
        raise ValueError("is not the body of a key")
    return body


def one_line(text_or_path: str) -> str:
    """The body of a key on one line, from PEM text, a body already on one line, or the path of a PEM file.

    For settings, which an operator writes; what comes over the network goes through `body_of`, which opens no file.
    ValueError when the text is none of these.
    """
    try:
        return body_of(text_or_path)
    except ValueError:
        path = Path(text_or_path.strip()).expanduser()
        if len(text_or_path) < 1_024 and path.is_file():
            return body_of(path.read_text(encoding="ascii", errors="replace"))
        raise ValueError("is neither a PEM key, nor its body on one line, nor the path of a PEM file") from None


def load_public(body: str) -> PublicKey:
    """The public key in a one-line body. ValueError says why it is none, or of a kind that is not accepted."""
    der = _der(body)
    try:
        key = serialization.load_der_public_key(der)
    except ValueError:
        # RSA public keys also travel as PKCS#1 ("BEGIN RSA PUBLIC KEY"), which only the PEM loader recognises.
        pem = b"-----BEGIN RSA PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END RSA PUBLIC KEY-----\n"
        key = serialization.load_pem_public_key(pem)
    if isinstance(key, rsa.RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise ValueError(f"is an RSA key of {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are taken")
    if not isinstance(key, ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        raise ValueError("is neither an Ed25519 nor an RSA key")
    return key


def load_secret(body: str) -> SecretKey:
    """The secret key in a one-line body (PKCS#8, or PKCS#1 for RSA). ValueError says why it is none."""
    key = serialization.load_der_private_key(_der(body), password=None)
    if not isinstance(key, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        raise ValueError("is neither an Ed25519 nor an RSA key")
    return key


def fingerprint(body: str) -> str:
    """SHA-256 of the public key in its one canonical form, as 64 hex digits: the id of a credential.

    The same key in PKCS#1 and in SubjectPublicKeyInfo has one fingerprint. ValueError when the body is no key.
    """
    return hashlib.sha256(_canonical(load_public(body))).hexdigest()


def proves(secret_body: str, public_body: str) -> bool:
    """Whether the secret key belongs to the public key.

    The secret key signs a challenge and the *presented public* key verifies it: comparing derived public halves alone
    would trust numbers that an attacker can write into an RSA secret key by hand.
    """
    try:
        secret, public = load_secret(secret_body), load_public(public_body)
    except (ValueError, TypeError, binascii.Error):
        return False
    try:
        if isinstance(secret, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
            public.verify(
                secret.sign(_CHALLENGE, padding.PKCS1v15(), hashes.SHA256()),
                _CHALLENGE,
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        elif isinstance(secret, ed25519.Ed25519PrivateKey) and isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(secret.sign(_CHALLENGE), _CHALLENGE)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _der(body: str) -> bytes:
    if len(body) > MAX_BODY_CHARACTERS:
        raise ValueError(f"has more than {MAX_BODY_CHARACTERS} characters")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error


def _canonical(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
