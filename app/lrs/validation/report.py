"""How a problem is said: property paths, short words for a wrong value, near matches. Only failing
statements come here.

Every function that reports stops once the list holds MOST_PROBLEMS, before it does any work, so
that a hostile body costs no more than a mistaken one.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping

from app.errors import Problem

MOST_PROBLEMS = 50
_SHOWN = 80
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def child(path: str, name: str) -> str:
    """The path of a property with a plain name; the root's properties stand without a dot."""
    return f"{path}.{name}" if path else name


def keyed(path: str, key: str) -> str:
    """The path of a property whose key came with the statement: no plain name, then as JSON."""
    if _PLAIN_NAME.fullmatch(key):
        return child(path, key)
    return f"{path}[{quoted(key)}]"


def _cut(text: str) -> str:
    # The replacement keeps a lone surrogate out of a message that is going to be encoded as UTF-8.
    return text[:_SHOWN].encode("utf-8", "replace").decode() + ("…" if len(text) > _SHOWN else "")


def quoted(text: str) -> str:
    """A text as JSON, cut to what a person would read."""
    return json.dumps(_cut(text), ensure_ascii=False)


def shown(text: str) -> str:
    """A text as it appears within a message: quoted, and cut to what a person would read."""
    return f"'{_cut(text)}'"


def describe(value: object) -> str:
    """What a JSON value is, in words that continue "is …"."""
    match value:
        case None:
            return "null"
        case bool():
            return f"a boolean ({'true' if value else 'false'})"
        case str():
            return f"a string ({shown(value)})" if value else "an empty string"
        case int() if value.bit_length() > 128:
            return "a very large number"
        case int() | float():
            return f"a number ({value!r})"
        case list():
            return "an array" if value else "an empty array"
        case dict():
            return "an object" if value else "an empty object"
        case _:
            return "no JSON value"


def tell(problems: list[Problem], path: str, message: str, expected: str) -> None:
    """Add one problem, unless there are enough of them."""
    if len(problems) < MOST_PROBLEMS:
        problems.append(Problem(path or "$", message, expected))


def wrong_kind(problems: list[Problem], path: str, value: object, wanted: str, expected: str) -> None:
    """The value is not of the kind that belongs here; `wanted` continues "not …" ("a UUID")."""
    if value is None:
        expected = f"{expected}; or leave the property out, as null is allowed only within extensions"
    tell(problems, path, f"is {describe(value)}, not {wanted}", expected)


def missing(problems: list[Problem], path: str, key: str, expected: str) -> None:
    """A property that has to be there is not."""
    tell(problems, child(path, key), "is missing", expected)


def unknown_keys(
    problems: list[Problem],
    path: str,
    value: Iterable[str],
    allowed: frozenset[str],
    owner: str,
    *,
    elsewhere: Mapping[str, str] | None = None,
) -> None:
    """Report each key that the object may not have; `elsewhere` says where a key that is
    right does belong.
    """
    for key in value:
        if key in allowed:
            continue
        if len(problems) >= MOST_PROBLEMS:
            return
        expected = (elsewhere or {}).get(key) or _near(key, allowed)
        tell(problems, keyed(path, key), f"is not a property of {owner}", expected)


def near_value(value: object, allowed: Iterable[str]) -> str:
    """What would have been right in place of a word that must be one of a few."""
    names = sorted(allowed)
    if isinstance(value, str):
        near = _nearest(value, names)
        if near:
            return f'"{near}", with exactly this spelling'
    listed = ", ".join(f'"{name}"' for name in names)
    return f"One of {listed}" if len(names) > 1 else listed


def _near(key: str, allowed: frozenset[str]) -> str:
    near = _nearest(key, sorted(allowed))
    if near:
        return f'"{near}", with exactly this spelling'
    return "Only " + ", ".join(f'"{name}"' for name in sorted(allowed))


def _nearest(word: str, names: list[str]) -> str | None:
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word[:_SHOWN].casefold(), by_folded, n=1, cutoff=0.75)
    return by_folded[near[0]] if near else None
