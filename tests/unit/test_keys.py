"""PEM key pairs as user name and password."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.platform import keys

NONE = serialization.NoEncryption()
PEM = serialization.Encoding.PEM


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_a_new_pair_fits_a_settings_form_and_proves_itself() -> None:
    pair = keys.new_key_pair()
    public, secret = keys.one_line(pair.public_pem), keys.one_line(pair.secret_pem)
    assert len(public) == 60
    assert len(secret) == 64
    assert keys.proves(secret, public)


def test_another_secret_does_not_prove_it() -> None:
    one, other = keys.new_key_pair(), keys.new_key_pair()
    assert not keys.proves(keys.one_line(other.secret_pem), keys.one_line(one.public_pem))


@pytest.mark.parametrize("private", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("public", ["SubjectPublicKeyInfo", "PKCS1"])
def test_rsa_pairs_prove_themselves_in_every_usual_form(rsa_key: rsa.RSAPrivateKey, private: str, public: str) -> None:
    secret = rsa_key.private_bytes(PEM, getattr(serialization.PrivateFormat, private), NONE).decode()
    shown = rsa_key.public_key().public_bytes(PEM, getattr(serialization.PublicFormat, public)).decode()
    assert keys.proves(keys.body_of(secret), keys.body_of(shown))
    canonical = rsa_key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert keys.fingerprint(keys.body_of(shown)) == keys.fingerprint(keys.body_of(canonical))


def test_a_forged_rsa_secret_with_the_right_public_numbers_proves_nothing(
    rsa_key: rsa.RSAPrivateKey,
) -> None:
    """Whoever knows a public key can write its numbers into a secret key of their own making."""
    real = rsa_key.private_numbers()
    forged_der = _rsa_der(real.public_numbers.n, real.public_numbers.e, real.d + 2, real.p + 2, real.q + 2)
    public = rsa_key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert not keys.proves(base64.b64encode(forged_der).decode(), keys.body_of(public))


def _rsa_der(n: int, e: int, d: int, p: int, q: int) -> bytes:
    def integer(value: int) -> bytes:
        body = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return b"\x02" + _length(len(body)) + body

    numbers = b"".join(map(integer, (0, n, e, d, p, q, d % (p - 1), d % (q - 1), 3)))
    return b"\x30" + _length(len(numbers)) + numbers


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")


@pytest.mark.parametrize(
    "change",
    [
        lambda pem: pem,
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: "  " + pem.replace("\n", " ") + "  ",
    ],
    ids=["armour", "written line breaks", "windows", "one line with armour"],
)
def test_armour_and_line_breaks_of_any_kind_are_dropped(change) -> None:  # type: ignore[no-untyped-def]
    pair = keys.new_key_pair()
    body = "".join(pair.public_pem.split("\n")[1:-2])
    assert keys.one_line(change(pair.public_pem)) == body


def test_a_path_is_read_for_settings_but_never_for_what_comes_over_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = keys.new_key_pair()
    monkeypatch.chdir(tmp_path)
    Path("keys").mkdir()
    file = Path("keys/pub")  # which happens to be valid base64
    file.write_text(pair.public_pem)
    assert keys.one_line(str(file)) == keys.one_line(pair.public_pem)
    with pytest.raises(ValueError, match="not the body"):
        keys.body_of(str(file))


def test_what_is_no_key_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="neither a PEM key"):
        keys.one_line("not a key!")
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    body = keys.body_of(curve.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode())
    with pytest.raises(ValueError, match="neither an Ed25519 nor an RSA key"):
        keys.fingerprint(body)
    with pytest.raises(ValueError, match="3400 characters"):
        keys.load_secret("M" * 3_404)
    small = rsa.generate_private_key(65537, 1024).public_key()
    body = keys.body_of(small.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode())
    with pytest.raises(ValueError, match="1024 bits"):
        keys.fingerprint(body)
