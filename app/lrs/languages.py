"""Which entry of a language map a reader wants, by the Accept-Language header. Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

_MAX_HEADER_CHARACTERS = 1_000
"""Longer headers are read up to the last comma before; nobody speaks more languages."""

_MAX_TAGS_REMEMBERED = 64
_RANGE = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
_DEFAULTS = ("en-us", "en")

_WANTED, _RELATED, _UNMENTIONED, _REFUSED = range(4)
_Rank = tuple[int, float, int, int, int]


def best_tag(tags: Iterable[str], accept_language: str | None) -> str | None:
    """The tag of a language map that suits a reader best; None only for an empty map.

    xAPI 1.0.3 Communication 2.1.3: the header is applied to each language map by itself, and one entry remains. Each
    tag has the quality of the longest range that it equals or begins with (RFC 9110 12.5.4 and RFC 4647 3.3.1);
    where there is none, of the range that leads to it when cut from the right (RFC 4647 3.4), and then that of "*".
    Nothing acceptable: another region of a wanted language, then whatever was not refused with q=0. Among equals, and
    without header: en-US, en, and the first.
    """
    known = tuple(tags)
    if len(known) < 2:
        return known[0] if known else None
    if accept_language and len(accept_language) > _MAX_HEADER_CHARACTERS:
        accept_language = accept_language[:_MAX_HEADER_CHARACTERS].rpartition(",")[0]
    choose = _best if len(known) <= _MAX_TAGS_REMEMBERED else _best.__wrapped__
    return choose(known, accept_language or "")


@lru_cache(maxsize=4_096)
def _best(tags: tuple[str, ...], accept_language: str) -> str:
    ranges = _ranges(accept_language)
    return min(tags, key=lambda tag: _rank(tag.lower(), ranges))


@lru_cache(maxsize=256)
def _ranges(accept_language: str) -> tuple[tuple[str, float], ...]:
    """The language ranges in lower case with their quality, best first; what cannot be read is passed over."""
    found: dict[str, float] = {}
    for part in accept_language.split(","):
        if match := _RANGE.fullmatch(part.strip()):
            found.setdefault(match[1].lower(), float(match[2]) if match[2] else 1.0)
    return tuple(sorted(found.items(), key=lambda item: -item[1]))


def _rank(tag: str, ranges: tuple[tuple[str, float], ...]) -> _Rank:
    """How well a tag suits: the smaller the better. Tier, quality, place of the range, closeness, default."""
    default = _DEFAULTS.index(tag) if tag in _DEFAULTS else len(_DEFAULTS)
    own, place = "", 0
    for index, (wanted, _) in enumerate(ranges):
        if len(wanted) > len(own) and (tag == wanted or tag.startswith(f"{wanted}-")):
            own, place = wanted, index
    if own:
        quality = ranges[place][1]
        return (_WANTED if quality else _REFUSED, -quality, place, 0 if own == tag else 1, default)
    related = _UNMENTIONED
    language = tag.partition("-")[0]
    for index, (wanted, quality) in enumerate(ranges):
        if quality and wanted.startswith(f"{tag}-"):
            return (_WANTED, -quality, index, 2, default)
        if quality and related == _UNMENTIONED and wanted.partition("-")[0] == language:
            related, place = _RELATED, index
    for index, (wanted, quality) in enumerate(ranges):
        if wanted == "*" and (quality or related == _UNMENTIONED):
            return (_WANTED if quality else _REFUSED, -quality, index, 3, default)
    return (related, 0.0, place, 0, default)
