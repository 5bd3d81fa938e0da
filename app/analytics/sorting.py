"""Lists that are counted whole and then sorted: by any of their columns, page by page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.selection import Page

Row = TypeVar("Row")
Key = Callable[[Row], Any]


def sorted_by(rows: Sequence[Row], sort: str, keys: Mapping[str, Key[Row]]) -> list[Row]:
    """The rows by one of the keys, downwards with "-" in front; what is unknown (None) comes last either way.

    Rows that are equal keep the order in which they came.
    """
    key = keys[sort.removeprefix("-")]
    known = [row for row in rows if key(row) is not None]
    unknown = [row for row in rows if key(row) is None]
    return sorted(known, key=key, reverse=sort.startswith("-")) + unknown


def page_of(rows: Sequence[Row], page: Page) -> tuple[list[Row], str | None]:
    """The rows of the page, and what `next` says. The cursor is how many came before."""
    (start,) = read_cursor(page.cursor, int) if page.cursor else (0,)
    start = max(0, start)
    shown = list(rows[start : start + page.limit])
    return shown, page.next(write_cursor(start + page.limit) if start + page.limit < len(rows) else None)
