"""What of a statement has to agree with another one of the same id, as bytes that can be compared."""

from collections.abc import Mapping
from typing import Any

from app.lrs.comparison import _dump, comparable


def content(statement: Mapping[str, Any]) -> bytes:
    """Equal for statements that say the same; a timestamp that is there counts."""
    return _dump(comparable(statement))
