"""The formats a single value can have: identifiers, language tags, times, hashes.

Every check answers for any JSON value, so that `is_uuid(7)` is False and not an error. Results for
IRIs and language tags are remembered, because the same few come back in every statement; only short
ones are, so that the memory stays bounded whatever is sent.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeGuard

Version = Literal["1.0", "2.0"]

_REMEMBERED_LENGTH = 256
_MAILTO = "mailto:"

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_SHA2 = re.compile(r"[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128}")

# RFC 3987 as far as it separates IRIs from text that is none: a scheme, then only characters that
# the grammar knows. A lone percent sign is let through, because identifiers that are in use contain
# it. An http IRI must name its host.
_IRI = re.compile(
    r"(?!https?:(?!//[^/?#]))[A-Za-z][A-Za-z0-9+.-]*:"
    r"[^\x00-\x20<>\"{}|\\^`\x7f-\x9f\ud800-\udfff\ufff0-\uffff]+"
)

# One plain address and nothing of a mailto URI's other powers (several recipients, header fields).
_MBOX = re.compile(
    r"mailto:[^\s\x00-\x1f\x7f-\x9f<>\"@,;:?#()\\\[\]]+"
    r"@(?:[^\s\x00-\x1f\x7f-\x9f<>\"@,;:?#()\\\[\]/]+|\[[0-9A-Fa-f.:]+\])"
)

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
    rf"{_TOKEN}/{_TOKEN}"
    rf"(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|\"(?:[^\"\\\x00-\x08\x0a-\x1f]|\\[\t -~])*\"))*"
)

# Semantic versioning 2.0.0, with the patch number optional: "1.0" is what the version header may
# also say.
_SEMVER_TAIL = r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION = re.compile(rf"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*){_SEMVER_TAIL})?")

# ISO 8601 date and time together, extended or basic, not mixed. No "-00" in any spelling: ISO 8601
# has no negative zero, and RFC 3339 means by it that the offset is unknown.
_ISO_TIME = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?P<hour>[0-9]{2}):[0-9]{2}(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?"
    r"|[0-9]{8}T(?P<hour2>[0-9]{2})[0-9]{2}(?:(?P<second2>[0-9]{2})(?:[.,][0-9]+)?)?)"
    r"(?:[Zz]|(?!-00(?::?00)?\Z)[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
)
_RFC3339_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?P<hour>[0-9]{2}):[0-9]{2}:(?P<second>[0-9]{2})(?:\.[0-9]+)?"
    r"(?:[Zz]|(?!-00:00\Z)[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)

# ISO 8601:2004 4.4.3.2: designators in order, at least one, a fraction only in the last one that is
# given.
_NUMBER = r"[0-9]{1,15}(?:[.,][0-9]+(?=[A-Z]\Z))?"
_DURATION = re.compile(
    rf"P(?=[0-9T])(?:(?P<weeks>{_NUMBER})W|(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?"
    rf"(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?)"
)
_SECONDS_IN = {
    "weeks": 604_800.0,
    "years": 31_536_000.0,
    "months": 2_592_000.0,
    "days": 86_400.0,
    "hours": 3_600.0,
    "minutes": 60.0,
    "seconds": 1.0,
}


def is_uuid(value: object) -> TypeGuard[str]:
    """A UUID in its standard string form, any variant (xAPI 1.0.3 Data 4.4)."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


@lru_cache(maxsize=8192)
def _is_short_iri(text: str) -> bool:
    return _IRI.fullmatch(text) is not None


def is_iri(value: object) -> TypeGuard[str]:
    """An absolute IRI: it has a scheme, and no character that RFC 3987 rules out (xAPI 1.0.3 Data
    2.2, 4.3).
    """
    if not isinstance(value, str):
        return False
    if len(value) <= _REMEMBERED_LENGTH:
        return _is_short_iri(value)
    return _IRI.fullmatch(value) is not None


# An IRL is an IRI that can be looked up. No syntax tells the two apart, and validation may be
# best-effort here (xAPI 1.0.3 Data 2.2), so that they share one check.
is_irl = is_iri


def is_uri(value: object) -> TypeGuard[str]:
    """An absolute URI: an IRI in ASCII only (xAPI 1.0.3 Data 2.4.2.3, openid)."""
    return is_iri(value) and value.isascii()


def is_mbox(value: object) -> TypeGuard[str]:
    """`mailto:` and one e-mail address (xAPI 1.0.3 Data 2.4.2.3)."""
    return isinstance(value, str) and _MBOX.fullmatch(value) is not None


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


@lru_cache(maxsize=1024)
def _is_short_language_tag(text: str) -> bool:
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
    if not isinstance(value, str) or not value.isascii():
        return False
    return len(value) <= _REMEMBERED_LENGTH and _is_short_language_tag(value)


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
    if not isinstance(value, str):
        return False
    found = _VERSION.fullmatch(value)
    if found is None or found[2] != "0":
        return False
    return found[1] == "1" or (found[1] == "2" and version == "2.0")


def _whole_time(text: str, found: re.Match[str]) -> datetime:
    """The moment that a matched timestamp names; ValueError if the calendar or the clock has no
    such moment.
    """
    names = found.groupdict()
    late = timedelta()
    if (names["second"] or names.get("second2")) == "60":
        group = "second" if names["second"] else "second2"
        text = f"{text[: found.start(group)]}59{text[found.end(group) :]}"
        late = timedelta(seconds=1)
    elif (names["hour"] or names.get("hour2")) == "24":
        group = "hour" if names["hour"] else "hour2"
        text = f"{text[: found.start(group)]}00{text[found.end(group) :]}"
        if re.search(r"[1-9]", re.split(r"[Zz+-]", text[found.start(group) :])[0]):
            raise ValueError("24 is the hour of midnight only")
        late = timedelta(days=1)
    moment = datetime.fromisoformat(text.upper())
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment + late


def parse_timestamp(text: str) -> datetime:
    """The moment that a timestamp names, aware and in UTC; ValueError if it names none (xAPI 1.0.3
    Data 4.5).

    Takes every timestamp that either version allows. Fractions are cut to microseconds, a leap
    second counts as the first one of the next minute, and a time without an offset, which 1.0.3
    tolerates, is read as UTC.
    """
    found = _ISO_TIME.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 date and time")
    try:
        return _whole_time(text, found)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def is_timestamp(value: object, version: Version = "1.0") -> TypeGuard[str]:
    """A date and time of day that exist (xAPI 1.0.3 Data 4.5: ISO 8601; IEEE 9274.1.1 4.2.7: RFC
    3339).
    """
    if not isinstance(value, str):
        return False
    found = (_RFC3339_TIME if version == "2.0" else _ISO_TIME).fullmatch(value)
    if found is None:
        return False
    if version == "2.0" and found["hour"] == "24":
        return False
    try:
        if value.startswith(("0001", "9999")):
            _whole_time(
                value, found
            )  # Converting to UTC can leave the calendar here, and only here.
        else:
            datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return _is_unusual_time(value, found)
    return True


def _is_unusual_time(text: str, found: re.Match[str]) -> bool:
    """Whether a time is right although the library cannot read it as it stands: second 60, hour 24,
    small letters.
    """
    try:
        _whole_time(text, found)
    except (ValueError, OverflowError):
        return False
    return True


def is_duration(value: object) -> TypeGuard[str]:
    """An ISO 8601 duration in the form with designators (xAPI 1.0.3 Data 4.6)."""
    return isinstance(value, str) and _DURATION.fullmatch(value) is not None


def parse_duration_seconds(text: str) -> float:
    """The length of a duration in seconds; ValueError if it is none (xAPI 1.0.3 Data 4.6).

    Years and months have no fixed length; they count as 365 and 30 days, which is enough for totals
    and averages.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 duration")
    parts = (
        (unit, number.replace(",", ".")) for unit, number in found.groupdict().items() if number
    )
    return sum((float(number) * _SECONDS_IN[unit] for unit, number in parts), 0.0)
