"""A body as people read it: JSON set out line by line, every line knowing which property it is. Pure.

Nothing is made prettier than it is: numbers keep their digits, properties their order, and one that stands there twice
stands there twice. What is no JSON is shown as the lines that came.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.lrs.validation.report import keyed

MOST_CHARACTERS = 60_000
"""Of a body that is set out; the rest is in the file that can be downloaded."""
MOST_LINES = 3_000
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """One line. path: of the property that begins here, `$` for the whole; None for closing brackets and plain text.

    marked: the problem is here, or is that something is missing in what begins here.
    """

    text: str
    path: str | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Laid:
    """A body set out. is_json: it could be read as that. cut: there is more. found: where the path points, exactly.

    nearest: the path of what is marked: the property itself, or the one that it is missing in.
    """

    lines: tuple[Line, ...]
    is_json: bool
    cut: bool
    found: bool
    nearest: str | None

    @property
    def text(self) -> str:
        """All lines as one text."""
        return "\n".join(line.text for line in self.lines)


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def lay_out(text: str, path: str | None) -> Laid:
    """Set a body out, and mark what the path of a problem points at, or the innermost thing that holds it."""
    cut = len(text) > MOST_CHARACTERS
    parsed = None if cut else _parsed(text)
    if parsed is None:
        plain = tuple(Line(one) for one in text[:MOST_CHARACTERS].splitlines()[:MOST_LINES])
        return Laid(plain, is_json=False, cut=cut or len(text.splitlines()) > MOST_LINES, found=False, nearest=None)
    lines = list(_lines(parsed[0], "", "", ""))
    nearest = _nearest(path, lines)
    marked = tuple(Line(one.text, one.path, one.path is not None and one.path == nearest) for one in lines)
    found = nearest is not None and nearest == path
    return Laid(marked[:MOST_LINES], True, cut or len(marked) > MOST_LINES, found, nearest)


def _parsed(text: str) -> tuple[Any] | None:
    try:
        return (
            json.loads(
                text,
                object_pairs_hook=_Pairs,
                parse_int=_Number,
                parse_float=_Number,
                parse_constant=_Number,
            ),
        )
    except (ValueError, RecursionError):
        return None


class _Pairs(list[tuple[str, Any]]):
    """The properties of an object, in order, repeats included."""


def _lines(value: Any, path: str, before: str, indent: str) -> Iterator[Line]:
    """before: what stands on the first line in front of the value: its key."""
    own = path or "$"
    if isinstance(value, _Pairs | list) and value:
        is_object = isinstance(value, _Pairs)
        yield Line(f"{indent}{before}{'{' if is_object else '['}", own)
        for place, item in enumerate(value):
            key, inner = item if is_object else (None, item)
            below = keyed(path, key) if key is not None else f"{path}[{place}]"
            front = f"{json.dumps(key, ensure_ascii=False)}: " if key is not None else ""
            inside = list(_lines(inner, below, front, indent + _INDENT))
            if place < len(value) - 1:
                inside[-1] = Line(inside[-1].text + ",", inside[-1].path)
            yield from inside
        yield Line(f"{indent}{'}' if is_object else ']'}")
        return
    yield Line(f"{indent}{before}{_scalar(value)}", own)


def _scalar(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Pairs):
        return "{}"
    return json.dumps(value, ensure_ascii=False)


def _nearest(path: str | None, lines: Sequence[Line]) -> str | None:
    """The path of the innermost line that the wanted path is, or lies within."""
    if not path or path.startswith(("?", "/")):
        return None
    there = {line.path for line in lines if line.path}
    wanted = path
    while wanted:
        if wanted in there:
            return wanted
        end = max(wanted.rfind("."), wanted.rfind("["))
        wanted = wanted[:end] if end > 0 else ""
    return "$" if "$" in there else None
