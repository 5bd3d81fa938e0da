"""When two statements of the same id say the same: xAPI 1.0.3 Data 2.3.1, and nothing beyond what it lists.

Pure. Nothing is copied deeply: an object in which nothing has to be left out or respelt stands in the result as it is.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from app.lrs.validation import parse_timestamp

_NOT_COMPARED = frozenset({"id", "authority", "stored", "version", "attachments"})
_INT64 = 2**63
_WITHOUT_NUMBERS = frozenset({str, bool, type(None)})
_FRACTION_OF_SECONDS = re.compile(r"([.,][0-9]{1,2})[0-9]*S\Z")
_FINER_THAN_MICROSECONDS = re.compile(r"[.,][0-9]{6}([0-9]+)")


def comparable(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The content in which two statements of the same id must agree (xAPI 1.0.3 Data 2.3.1). Takes any parsed JSON.

    Left out: id, authority, stored, version, attachments, the definitions of Activities, the display of Verbs.
    Spelt in one way: timestamps, in UTC; the members of Groups, sorted; what is case insensitive (scheme and domain of
    an mbox, the hex digits of hashes and UUIDs, language tags); numbers, so that 1.0 is 1. All this in a SubStatement
    too; durations, without what is finer than 0.01 seconds (Data 4.6); a single context activity as the array it is
    returned as (Data 2.4.6.2), for who reads a statement and sends it on must not meet a conflict. Everything else
    counts as it was written: PT60S is not PT1M.

    A timestamp that is there counts. The clause also lets a statement without one agree with any, because the LRS
    sets it; no content can express that, so `agree` does.
    """
    content = {key: value for key, value in statement.items() if key not in _NOT_COMPARED}
    for key, spell in _SPELLINGS:
        value = content.get(key)
        if value is not None:
            content[key] = spell(value)
    return content


def agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two statements match by the comparison of xAPI 1.0.3 Data 2.3.1, the rule of `timestamp` included.

    The LRS assigns a timestamp where there is none, so a difference that could come from that is no difference. It
    assigns an id likewise, and never another one: two statements with different ids are two statements.
    """
    if "id" in one and "id" in other and _lower(one["id"]) != _lower(other["id"]):
        return False
    left, right = comparable(one), comparable(other)
    if ("timestamp" in left) != ("timestamp" in right):
        left.pop("timestamp", None)
        right.pop("timestamp", None)
    return _dump(left) == _dump(right)


def _dump(content: object) -> bytes:
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # An integer beyond 64 bits, half a surrogate pair, or very deep extensions.
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    """A timestamp in UTC, in one spelling; what names no moment stays."""
    if not isinstance(value, str):
        return value
    if value[10:11] == "T" and value[16:17] == ":" and value[19:] == "Z" and value[11:13] < "24" and value[17:] < "6":
        return value
    try:
        try:
            moment = datetime.fromisoformat(value) if value[10:11] == "T" else parse_timestamp(value)
        except ValueError:  # Hour 24 and second 60 are right too.
            moment = parse_timestamp(value)
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return value
    if (len(value) > 26 or value[4] != "-") and (found := _FINER_THAN_MICROSECONDS.search(value)):
        return f"{moment.isoformat(timespec='microseconds')[:-6]}{found[1]}".rstrip("0").rstrip(".") + "Z"
    text = moment.isoformat()[:-6]
    return f"{text.rstrip('0')}Z" if "." in text else f"{text}Z"


def _verb(verb: Any) -> Any:
    if isinstance(verb, dict) and "display" in verb:
        return {key: value for key, value in verb.items() if key != "display"}
    return verb


def _activity(activity: Any) -> Any:
    if isinstance(activity, dict) and "definition" in activity:
        return {key: value for key, value in activity.items() if key != "definition"}
    return activity


def _mbox(value: str) -> str:
    scheme, colon, address = value.partition(":")
    name, at, domain = address.rpartition("@")
    return f"{scheme.lower()}{colon}{name}{at}{domain.lower()}"


def _actor(actor: Any) -> Any:
    """An Agent or a Group; the members of a Group are in no order (xAPI 1.0.3 Data 2.4.2.2)."""
    if not isinstance(actor, dict):
        return actor
    if isinstance(mbox := actor.get("mbox"), str) and not mbox.islower():
        actor = {**actor, "mbox": _mbox(mbox)}
    if "mbox_sha1sum" in actor:
        actor = {**actor, "mbox_sha1sum": _lower(actor["mbox_sha1sum"])}
    if isinstance(members := actor.get("member"), list):
        actor = {**actor, "member": sorted((_actor(member) for member in members), key=_dump)}
    return actor


def _reference(reference: Any) -> Any:
    if isinstance(reference, dict) and "id" in reference:
        return {**reference, "id": _lower(reference["id"])}
    return reference


def _substatement(value: dict[str, Any]) -> dict[str, Any]:
    # None of the properties that the LRS assigns may stand here, so none is passed over: comparable() would.
    kept = {key: item for key, item in value.items() if key in _NOT_COMPARED and key != "attachments"}
    return {**comparable(value), **kept}


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        return _activity(value)
    if kind in ("Agent", "Group"):
        return _actor(value)
    if kind == "SubStatement":
        return _substatement(value)
    return _reference(value) if kind == "StatementRef" else value


def _numbers(value: Any) -> Any:
    """A JSON value with each number spelt in one way; the same object when that changes nothing."""
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() and -_INT64 <= value < _INT64 else value
    if kind is int:
        return value if -_INT64 <= value < _INT64 else _large(value)
    if kind is dict:
        changed = None
        for key, item in value.items():
            if type(item) in _WITHOUT_NUMBERS or (new := _numbers(item)) is item:
                continue
            changed = changed or value.copy()
            changed[key] = new
        return changed or value
    if kind is list:
        items = [_numbers(item) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _large(value: int) -> int | float:
    """An integer beyond 64 bits as the float that equals it, if one does."""
    try:
        same = float(value)
    except OverflowError:
        return value
    return same if same == value else value


def _activities(value: Any) -> Any:
    if isinstance(value, dict):
        value = [value]
    return [_activity(one) for one in value] if isinstance(value, list) else value


def _context_activities(value: Any) -> Any:
    return {role: _activities(found) for role, found in value.items()} if isinstance(value, dict) else value


def _companions(key: str) -> Callable[[Any], Any]:
    """contextAgents and contextGroups of xAPI 2.0 (IEEE 9274.1.1 4.2.2.5): the actor is within each item."""

    def spell(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [{**item, key: _actor(item[key])} if isinstance(item, dict) and key in item else item for item in value]

    return spell


_CONTEXT: dict[str, Callable[[Any], Any]] = {
    "registration": _lower,
    "instructor": _actor,
    "team": _actor,
    "contextActivities": _context_activities,
    "language": _lower,
    "statement": _reference,
    "extensions": _numbers,
    "contextAgents": _companions("agent"),
    "contextGroups": _companions("group"),
}


def _result(result: Any) -> Any:
    """xAPI 1.0.3 Data 4.6: precision of a duration beyond 0.01 seconds is not compared; it is cut off, not rounded."""
    result = _numbers(result)
    duration = result.get("duration") if isinstance(result, dict) else None
    if not isinstance(duration, str) or not (found := _FRACTION_OF_SECONDS.search(duration)):
        return result
    hundredths = found[1].rstrip("0").rstrip(".,")
    return {**result, "duration": f"{duration[: found.start()]}{hundredths}S"}


def _context(context: Any) -> Any:
    if not isinstance(context, dict):
        return context
    content = context.copy()
    for key in _CONTEXT.keys() & content.keys():
        content[key] = _CONTEXT[key](content[key])
    return content


_SPELLINGS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("actor", _actor),
    ("verb", _verb),
    ("object", _object),
    ("result", _result),
    ("context", _context),
    ("timestamp", _moment),
)
