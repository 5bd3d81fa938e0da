"""The look of every chart: its colours by name, their values in both themes, and the Vega-Lite config that uses them.

A spec names colours only as CSS custom properties (`var(--chart-1)`). A page draws it as it stands and its tokens give
the values, so that a chart follows the page from light to dark; `LIGHT` and `DARK` are put in where no style sheet is:
PNG, e-mail, PDF, downloads. The style sheet of the pages must say the same values; `custom_properties` is to compare.
"""

from collections.abc import Mapping
from typing import Any

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif'
"""Where the first ones are not installed, vl-convert falls back to the Liberation Sans that it brings."""

NARROW_PX = 480
"""Below this a chart is for a phone: shorter labels, fewer ticks."""

_VALUES: dict[str, tuple[str, str]] = {
    # Categories, at most seven: 3:1 on the surface, told apart with every kind of colour blindness (tests).
    "--chart-1": ("#0f6b6b", "#55bcb8"),
    "--chart-2": ("#d9730d", "#f2a65a"),
    "--chart-3": ("#2f62c4", "#6f9df0"),
    "--chart-4": ("#a63a8c", "#9e47ee"),
    "--chart-5": ("#6d5a00", "#fae9a5"),
    "--chart-6": ("#bd896c", "#b04339"),
    "--chart-7": ("#3b4446", "#8e9799"),
    # One ramp from nothing to most, for heat grids. 0 is zero; what is not known has no fill.
    "--chart-ramp-0": ("#eff4f3", "#1e2526"),
    "--chart-ramp-1": ("#cfe3e1", "#1f3837"),
    "--chart-ramp-2": ("#a6cdca", "#235150"),
    "--chart-ramp-3": ("#76b2ae", "#2b6e6b"),
    "--chart-ramp-4": ("#45928e", "#3a8f8b"),
    "--chart-ramp-5": ("#1f706d", "#58b4af"),
    "--chart-ramp-6": ("#0a4c4c", "#93e0da"),
    "--chart-grid": ("#e6eaea", "#2b3334"),
    "--chart-axis": ("#556062", "#a3aeaf"),
    "--chart-text": ("#1a2223", "#e7ebeb"),
    "--chart-surface": ("#ffffff", "#181d1e"),
    "--chart-quiet": ("#b7c2c2", "#48555a"),
    # Meanings: the same as everywhere on the pages.
    "--done": ("#1a7a3e", "#5cc684"),
    "--progress": ("#2360b5", "#82b4f6"),
    "--late": ("#8a5600", "#e5ae50"),
    "--broken": ("#b42318", "#f1938a"),
}

LIGHT: Mapping[str, str] = {name: light for name, (light, _) in _VALUES.items()}
DARK: Mapping[str, str] = {name: dark for name, (_, dark) in _VALUES.items()}
PAGE: Mapping[str, str] = {}
"""Nothing is put in: the page's own tokens give the values."""


def custom_properties() -> dict[str, tuple[str, str]]:
    """Every custom property that charts use, with its value in the light and in the dark theme."""
    return dict(_VALUES)


def var(name: str) -> str:
    """The colour of this name as a spec holds it. KeyError for a name that is none of ours."""
    _VALUES[f"--{name}"]
    return f"var(--{name})"


RAMP = [var(f"chart-ramp-{step}") for step in range(7)]


def config() -> dict[str, Any]:
    """The Vega-Lite config: no frame, faint grid along the values, small quiet labels in the font of the system."""
    label = {"labelFont": FONT, "labelFontSize": 12, "labelColor": var("chart-axis")}
    title = {"titleFont": FONT, "titleFontSize": 12, "titleFontWeight": "normal", "titleColor": var("chart-axis")}
    return {
        "font": FONT,
        "background": None,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            **label,
            **title,
            "domain": False,
            "ticks": False,
            "grid": False,
            "gridColor": var("chart-grid"),
            "labelPadding": 8,
            "labelLimit": 0,
            "titlePadding": 8,
            "tickCount": 4,
        },
        "legend": {
            **label,
            **title,
            "orient": "top",
            "symbolType": "square",
            "symbolStrokeWidth": 0,
            "symbolSize": 100,
            "labelLimit": 0,
        },
        # What says nothing of its own has no words: only marks that have a description are told.
        **{mark: {"aria": False} for mark in ("line", "area", "rule")},
        "text": {"aria": False, "font": FONT, "fontSize": 12, "color": var("chart-text")},
        "title": {
            "font": FONT,
            "fontSize": 15,
            "fontWeight": 600,
            "color": var("chart-text"),
            "subtitleFont": FONT,
            "subtitleFontSize": 12,
            "subtitleColor": var("chart-axis"),
            "anchor": "start",
            "frame": "bounds",
            "offset": 12,
            "subtitlePadding": 4,
        },
        "range": {"category": [var(f"chart-{number}") for number in range(1, 8)]},
    }


def with_palette(part: Any, palette: Mapping[str, str]) -> Any:
    """A copy of a spec with the colours of a palette put in. What data says is left as it is."""
    if isinstance(part, dict):
        return {key: value if key in UNTOUCHED else with_palette(value, palette) for key, value in part.items()}
    if isinstance(part, list):
        return [with_palette(value, palette) for value in part]
    if isinstance(part, str) and part.startswith("var(--"):
        return palette.get(part[4:-1], part)
    return part


UNTOUCHED = frozenset({"data", "datasets", "usermeta", "description", "title"})
"""Parts of a spec that hold texts of people, never a colour."""
