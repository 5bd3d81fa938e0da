"""The formats a single value can have: identifiers, language tags, hashes.

Every check answers for any JSON value, so that `is_uuid(7)` is False and not an error. Results for
IRIs and language tags are remembered, because the same few come back in every statement; only short
ones are, so that the memory stays bounded whatever is sent.
"""

import re
from typing import Literal, TypeGuard

Version = Literal["1.0", "2.0"]

_REMEMBERED_LENGTH = 256
_MOST_REMEMBERED = 8192

_UUID = re.compile("-".join(f"[0-9A-Fa-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12))).fullmatch
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_SHA2 = re.compile(r"[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128}")

# RFC 3987 as far as it separates IRIs from text that is none: a scheme, then only characters that
# the grammar knows. A lone percent sign is let through, because identifiers that are in use contain
# it. An http IRI must name its host.
_IRI = re.compile(
    r"(?!https?:(?!//[^/?#]))[A-Za-z][A-Za-z0-9+.-]*:" r"[^\x00-\x20<>\"{}|\\^`\x7f-\x9f\ud800-\udfff\ufff0-\uffff]+"
).fullmatch

# One plain address and nothing of a mailto URI's other powers (several recipients, header fields).
_NOT_IN_AN_ADDRESS = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000<>\"@,;:?#()\\\[\]"
_MBOX = re.compile(
    rf"mailto:[^{_NOT_IN_AN_ADDRESS}]+@(?:[^{_NOT_IN_AN_ADDRESS}/]+|\[(?:IPv6:)?[0-9A-Fa-f.:]+\])"
).fullmatch

# RFC 5646 section 2.1, the whole grammar; the tags that it keeps only for compatibility are listed
# after it.
_LANGUAGE = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+)",
    re.ASCII,
)
_IRREGULAR_LANGUAGES = frozenset(
    {"en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux"}
    | {"i-mingo", "i-navajo", "i-pwn", "i-tao", "i-tay", "i-tsu"}
    | {"sgn-be-fr", "sgn-be-nl", "sgn-ch-de"}
)

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (a grammar, no secret)
_MEDIA_TYPE = re.compile(
    rf"{_TOKEN}/{_TOKEN}" rf"(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|\"(?:[^\"\\\x00-\x08\x0a-\x1f]|\\[\t -~])*\"))*"
)

# Semantic versioning 2.0.0, with the patch number optional: "1.0" is what the version header may
# also say.
_NUMBER = r"(?:0|[1-9][0-9]*)"
_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_PATCH = rf"(?:\.{_NUMBER}(?:-{_LABELS})?(?:\+{_LABELS})?)?"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}{_PATCH}")
_STATEMENT_VERSION = {
    "1.0": re.compile(rf"1\.0{_PATCH}"),
    "2.0": re.compile(rf"[12]\.0{_PATCH}"),
}

_known_iris: set[str] = set()
_known_tags: set[str] = set()


def is_uuid(value: object) -> TypeGuard[str]:
    """A UUID in its standard string form, any variant (xAPI 1.0.3 Data 4.4)."""
    return isinstance(value, str) and _UUID(value) is not None


def _remember(text: str, known: set[str]) -> None:
    if len(text) <= _REMEMBERED_LENGTH:
        if len(known) >= _MOST_REMEMBERED:
            known.clear()
        known.add(text)


def is_iri(value: object) -> TypeGuard[str]:
    """An absolute IRI: it has a scheme, and no character that RFC 3987 rules out (xAPI 1.0.3 Data
    2.2, 4.3).
    """
    if not isinstance(value, str):
        return False
    if value in _known_iris:
        return True
    if _IRI(value) is None:
        return False
    _remember(value, _known_iris)
    return True


# An IRL is an IRI that can be looked up. No syntax tells the two apart, and validation may be
# best-effort here (xAPI 1.0.3 Data 2.2), so that they share one check.
is_irl = is_iri


def is_uri(value: object) -> TypeGuard[str]:
    """An absolute URI: an IRI in ASCII only (xAPI 1.0.3 Data 2.4.2.3, openid)."""
    return is_iri(value) and value.isascii()


def is_mbox(value: object) -> TypeGuard[str]:
    """`mailto:` and one e-mail address (xAPI 1.0.3 Data 2.4.2.3)."""
    return isinstance(value, str) and _MBOX(value) is not None


def is_sha1sum(value: object) -> TypeGuard[str]:
    """The hex form of a SHA-1 hash (xAPI 1.0.3 Data 2.4.2.3, mbox_sha1sum)."""
    return isinstance(value, str) and _SHA1.fullmatch(value) is not None


def is_sha2(value: object) -> TypeGuard[str]:
    """The hex form of a SHA-224, SHA-256, SHA-384 or SHA-512 hash (xAPI 1.0.3 Data 2.4.11)."""
    return isinstance(value, str) and _SHA2.fullmatch(value) is not None


def is_media_type(value: object) -> TypeGuard[str]:
    """An Internet Media Type with or without parameters (xAPI 1.0.3 Data 2.4.11, contentType)."""
    return isinstance(value, str) and _MEDIA_TYPE.fullmatch(value) is not None


def is_number(value: object) -> TypeGuard[int | float]:
    """A JSON number; true and false are none, although Python counts with them (xAPI 1.0.3 Data
    2.2).
    """
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_new_language_tag(text: str) -> bool:
    if len(text) > _REMEMBERED_LENGTH or not text.isascii():
        return False
    tag = text.lower()
    found = _LANGUAGE.fullmatch(tag)
    if found is None:
        return tag in _IRREGULAR_LANGUAGES
    variants = (found["variants"] or "").split("-")[1:]
    singletons = re.findall(r"-([0-9a-z])(?=-)", found["extensions"] or "")
    return len(set(variants)) == len(variants) and len(set(singletons)) == len(singletons)


def is_language_tag(value: object) -> TypeGuard[str]:
    """A well-formed RFC 5646 tag in which no variant and no extension comes twice (xAPI 1.0.3 Data
    2.2, 4.2).
    """
    if not isinstance(value, str):
        return False
    if value in _known_tags:
        return True
    if not _is_new_language_tag(value):
        return False
    _remember(value, _known_tags)
    return True


def is_language_map(value: object) -> TypeGuard[dict[str, str]]:
    """An object from RFC 5646 language tag to text, possibly empty (xAPI 1.0.3 Data 4.2)."""
    if type(value) is not dict:
        return False
    for tag, text in value.items():
        if type(text) is not str or not (tag in _known_tags or is_language_tag(tag)):
            return False
    return True


def is_extensions(value: object) -> TypeGuard[dict[str, object]]:
    """An object whose keys are IRIs; its values are nobody's business (xAPI 1.0.3 Data 4.1)."""
    if type(value) is not dict:
        return False
    for key in value:  # noqa: SIM110 (a generator costs more than the whole check)
        if not (key in _known_iris or is_iri(key)):
            return False
    return True


def is_version(value: object) -> TypeGuard[str]:
    """A semantic version whose patch number may be missing: "1.0", "1.0.3" (xAPI 1.0.3
    Communication 3.3).
    """
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def is_statement_version(value: object, version: Version) -> TypeGuard[str]:
    """What the version property of a statement may say when it is sent under `version`.

    xAPI 1.0.3 Data 2.4.10: 1.0 and all 1.0.x, nothing else. Under 2.0 (IEEE 9274.1.1 4.2.4.2) both
    1.0.x and 2.0.x are right: a 2.0 store takes over statements that were made for 1.0.x and must
    give them back with the version that they came with, and the ADL conformance suite for 2.0 sends
    "1.0" and "1.0.9" and wants them stored.
    """
    if value == "1.0.0":
        return True
    return isinstance(value, str) and _STATEMENT_VERSION[version].fullmatch(value) is not None
