"""The charts of cohorts and lessons as Vega-Lite. Colours and fonts are those of the drawing, not of these specs."""

from collections.abc import Sequence
from typing import Any

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_LABEL_PIXELS = 220
_STEP_PIXELS = 22


def funnel(title: str, rows: Sequence[Sequence[Any]], learners: int) -> dict[str, Any]:
    """How many reached and how many completed each lesson. rows: step, lesson, reached, completed, lost, share lost."""
    values = [{"step": row[0], "lesson": f"{row[0]}. {row[1]}", "reached": row[2], "completed": row[3]} for row in rows]
    lesson = {"field": "lesson", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": _LABEL_PIXELS}}
    scale = {"domain": [0, max(1, learners)], "nice": True}
    return {
        **_base(title, values),
        "height": {"step": _STEP_PIXELS},
        "encoding": {"y": lesson},
        "layer": [
            {
                "mark": {"type": "bar", "opacity": 0.35, "tooltip": True},
                "encoding": {
                    "x": {"field": "reached", "type": "quantitative", "title": "Learners", "scale": scale},
                    "description": {"field": "lesson"},
                },
            },
            {
                "mark": {"type": "bar", "height": 8, "tooltip": True},
                "encoding": {"x": {"field": "completed", "type": "quantitative"}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {
                    "x": {"field": "reached", "type": "quantitative"},
                    "text": {"field": "reached", "type": "quantitative"},
                },
            },
        ],
    }


def days(title: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """First completions day by day, and how many until then. rows: day, completions, completions so far."""
    values = [{"day": str(row[0]), "completed": row[1], "so_far": row[2]} for row in rows]
    return {
        **_base(title, values),
        "height": 200,
        "encoding": {"x": {"field": "day", "type": "temporal", "title": None, "axis": {"format": "%-d %b", "tickCount": 8}}},
        "layer": [
            {
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.25, "line": True, "tooltip": True},
                "encoding": {"y": {"field": "so_far", "type": "quantitative", "title": "Learners who completed it"}},
            },
            {
                "mark": {"type": "bar", "width": 4, "tooltip": True},
                "encoding": {"y": {"field": "completed", "type": "quantitative"}},
            },
        ],
    }


def choices(title: str, rows: Sequence[Sequence[Any]], *, is_ordered: bool) -> dict[str, Any]:
    """How many gave which answer. rows: answer, learners, share, right or wrong. is_ordered: ratings, by their number."""
    values = [
        {
            "answer": f"✓ {row[0]}" if row[3] == "right" else str(row[0]),
            "learners": row[1],
            "share": row[2],
            "right": row[3] or "not judged",
        }
        for row in rows
    ]
    is_judged = any(row[3] for row in rows)
    answer = {
        "field": "answer",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": _LABEL_PIXELS},
    }
    opacity = {"opacity": {"condition": {"test": "datum.right == 'right'", "value": 1}, "value": 0.45}} if is_judged else {}
    return {
        **_base(title, values),
        "height": {"step": _STEP_PIXELS if not is_ordered else _STEP_PIXELS + 4},
        "encoding": {"y": answer, "x": {"field": "learners", "type": "quantitative", "title": "Learners"}},
        "layer": [
            {"mark": {"type": "bar", "tooltip": True}, "encoding": opacity},
            {
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {"text": {"field": "share", "type": "quantitative", "format": ".0%"}},
            },
        ],
    }


def _base(title: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$schema": _SCHEMA, "description": title, "width": 520, "data": {"values": values}}
