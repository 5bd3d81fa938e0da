"""What all specs share: the envelope, the empty chart, and the table that travels with a spec."""

import json
from collections.abc import Sequence
from typing import Any

from app.charts import words
from app.charts.rows import Cell, Frame, Table
from app.charts.theme import NARROW_PX, config, var

Spec = dict[str, Any]
"""A Vega-Lite spec. `usermeta`, which Vega-Lite ignores, is for the page: title, subtitle, table, left_out."""

MOST_ROWS = 500
"""Of one chart. More cannot be read, and would hold up the drawing; its subtitle says how many were left out, and the
table has them all."""


def is_narrow(frame: Frame) -> bool:
    """Whether this one is for a phone."""
    return frame.width < NARROW_PX


def label_limit(frame: Frame) -> int:
    """How many characters the label of a row may have."""
    return 18 if is_narrow(frame) else 36


def field(name: str, kind: str = "nominal", **more: Any) -> dict[str, Any]:
    """A channel that reads a field. kind: the Vega-Lite type."""
    return {"field": name, "type": kind, **more}


def told(*fields: tuple[str, str]) -> dict[str, Any]:
    """What a mark says when asked: its sentence, and in the browser its fields by name."""
    return {
        "description": field("say"),
        "tooltip": [field(name, title=title) for name, title in fields],
    }


def envelope(  # noqa: PLR0917  (the callers are two modules of ours, and all say all six)
    frame: Frame,
    title: str,
    pairs: Sequence[tuple[str, str]],
    table: Table,
    drawn: dict[str, Any],
    height: int,
    *,
    left_out: str = "",
) -> Spec:
    """A whole spec around layers or a single mark. pairs: the data as (name, number in words); height: px, a number and
    not {"step": …}, which cannot go with a width that is to fit. left_out: see `left_out`.
    """
    said = words.clean(frame.title or title)
    subtitle = " · ".join(part for part in (words.clean(frame.subtitle), left_out) if part)
    if not pairs:
        drawn, height = nothing(), 72
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": words.sentence([(words.clean(name, 80), value) for name, value in pairs]),
        "width": frame.width,
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": config(),
        "usermeta": {
            "title": said,
            "subtitle": subtitle,
            "left_out": max(0, len(table.rows) - MOST_ROWS) if left_out else 0,
            "header": table.header,
            "rows": [[words.clean(cell) if isinstance(cell, str) else cell for cell in row] for row in table.rows],
        },
        **drawn,
    }


def left_out(rows: Sequence[Any], which: str = "first") -> str:
    """What a chart says when it draws only MOST_ROWS of its rows; empty when it draws them all."""
    if len(rows) <= MOST_ROWS:
        return ""
    return f"the {which} {words.number(MOST_ROWS)} of {words.number(len(rows))} rows"


def nothing() -> dict[str, Any]:
    """What is drawn where there is no row: words, not an empty frame."""
    return {
        "data": {"values": [{"text": words.NOTHING}]},
        "mark": {"type": "text", "color": var("chart-axis"), "fontSize": 13},
        "encoding": {"text": field("text")},
    }


def table_of(spec: Spec) -> Table:
    """The table twin of a spec: header and rows, numbers as numbers, None where nothing is known.

    Cells hold texts of people: escape them for HTML, and keep them from running as formulas in CSV.
    """
    meta = spec.get("usermeta", {})
    return Table(list(meta.get("header", [])), [list(row) for row in meta.get("rows", [])])


def title_of(spec: Spec) -> tuple[str, str]:
    """The finding, and the line below it (unit, period, time zone)."""
    meta = spec.get("usermeta", {})
    return str(meta.get("title", "")), str(meta.get("subtitle", ""))


def values(rows: Sequence[dict[str, Cell]]) -> dict[str, Any]:
    """Data inside the spec; data from anywhere else is never drawn."""
    return {"values": list(rows)}


def as_json(spec: Spec) -> str:
    """A spec as JSON for browsers, safe inside <script type="application/json">: no text of people can end it."""
    told = json.dumps(spec, ensure_ascii=True, separators=(",", ":"))
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
