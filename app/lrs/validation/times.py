"""Timestamps and durations: what is one, and what moment or length it names."""

import re
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from app.lrs.validation.primitives import Version

# ISO 8601 date and time together, extended or basic, not mixed. No "-00" in any spelling: ISO 8601
# has no negative zero, and RFC 3339 means by it that the offset is unknown.
_ISO_TIME = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r"|[0-9]{8}T[0-9]{4}(?:[0-9]{2}(?:[.,][0-9]+)?)?)"
    r"(?:[Zz]|(?!-00(?::?00)?\Z)[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
)
_RFC3339_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|(?!-00:00\Z)[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)

# What nearly every sender writes; only what does not look like this needs the whole grammars. The
# first and the last year are left out, because from there conversion to UTC can leave the calendar.
_USUAL_TIME = re.compile(
    r"(?!0001|9999)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:Z|(?!-00:00)[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_USUAL_DURATION = re.compile(r"PT(?:[0-9]{1,15}H)?(?:[0-9]{1,15}M)?[0-9]{1,15}(?:\.[0-9]+)?S")

# ISO 8601:2004 4.4.3.2: designators in order, at least one, a fraction only in the last one that is
# given.
_NUMBER = r"[0-9]{1,15}(?:[.,][0-9]+(?=[A-Z]\Z))?"
_DURATION = re.compile(
    rf"P(?=[0-9T])(?:(?P<weeks>{_NUMBER})W|(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?"
    rf"(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
    rf"(?:(?P<seconds>{_NUMBER})S)?)?)"
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


_SECONDS_ONLY = re.compile(r"PT([0-9]{1,9}(?:\.[0-9]{1,9})?)S")


def _whole_time(text: str) -> datetime:
    """The moment that well-formed text names; ValueError or OverflowError if there is none."""
    hour, second = (11, 17) if text[4] == "-" else (9, 13)
    late = timedelta()
    if text[second : second + 2] == "60":
        text = f"{text[:second]}59{text[second + 2 :]}"
        late = timedelta(seconds=1)
    elif text[hour : hour + 2] == "24":
        if re.match(r"[0:]*[.,]?0*(?:[Zz+-]|\Z)", text[hour + 2 :]) is None:
            raise ValueError("24 is the hour of midnight only")
        text = f"{text[:hour]}00{text[hour + 2 :]}"
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
    if _ISO_TIME.fullmatch(text) is None:
        raise ValueError("not an ISO 8601 date and time")
    try:
        return _whole_time(text)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def is_timestamp(value: object, version: Version = "1.0") -> TypeGuard[str]:
    """A date and time of day that exist (xAPI 1.0.3 Data 4.5: ISO 8601; IEEE 9274.1.1 4.2.7: RFC
    3339).
    """
    if not isinstance(value, str):
        return False
    if _USUAL_TIME.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass  # Hour 24 may still be right.
        else:
            return True
    return _is_time(value, _RFC3339_TIME if version == "2.0" else _ISO_TIME)


def _is_time(text: str, grammar: re.Pattern[str]) -> bool:
    if grammar.fullmatch(text) is None:
        return False
    try:
        _whole_time(text)
    except (ValueError, OverflowError):
        return False
    return True


def is_duration(value: object) -> TypeGuard[str]:
    """An ISO 8601 duration in the form with designators (xAPI 1.0.3 Data 4.6)."""
    if not isinstance(value, str):
        return False
    return (_USUAL_DURATION.fullmatch(value) or _DURATION.fullmatch(value)) is not None


def parse_duration_seconds(text: str) -> float:
    """The length of a duration in seconds; ValueError if it is none (xAPI 1.0.3 Data 4.6).

    Years and months have no fixed length; they count as 365 and 30 days, which is enough for totals
    and averages.
    """
    if short := _SECONDS_ONLY.fullmatch(text):
        return float(short[1])
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 duration")
    parts = ((unit, number.replace(",", ".")) for unit, number in found.groupdict().items() if number)
    return sum((float(number) * _SECONDS_IN[unit] for unit, number in parts), 0.0)
