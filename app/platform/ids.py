"""Identifiers that are computed, so that whoever meets the same thing again arrives at the same id without asking."""

from functools import lru_cache
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1f3c1e-7d0a-5d7b-9b5e-7a1b2c3d4e5f")


_REMEMBERED_LENGTH = 256


def stable_id(kind: str, text: str) -> UUID:
    """The UUID (version 5) that stands for `text` among things of `kind`, for ever and on every machine.

    Used as a key wherever the natural key is text that somebody else chose: an IRI may be longer than the 2,704 bytes
    that a btree index of PostgreSQL can hold, a UUID never is. Short texts are remembered, as they come again and
    again; long ones are not, so that the memory stays bounded whatever is sent.
    """
    return (_remembered if len(text) <= _REMEMBERED_LENGTH else _computed)(kind, text)


def _computed(kind: str, text: str) -> UUID:
    return uuid5(_NAMESPACE, f"{kind}\x00{text}")


_remembered = lru_cache(maxsize=65_536)(_computed)
