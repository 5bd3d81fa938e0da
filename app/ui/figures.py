"""Charts of the pages: drawn into the page, and each at an address of its own as SVG, PNG and CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from markupsafe import Markup
from sqlalchemy.orm import Session

from app.analytics.tables import csv_cell
from app.charts.drawing import draw_svg

PREFIX = "/ui/charts"
NARROW, NARROW_WIDTH = "narrow", 320
"""The parameter that asks for a drawing that fits a phone, and how many pixels wide that is."""
MAX_DRAWN = 100
"""So many drawings, of some 40 KB each, are kept."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart before it is drawn. title: the finding. period: of which days, in which time zone. spec: Vega-Lite."""

    title: str
    period: str
    spec: dict[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as the template part `chart` takes it. narrow: drawn for a phone."""

    title: str
    period: str
    svg: Markup
    address: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    narrow: bool = False


Builder = Callable[[Session, Mapping[str, str], ZoneInfo], Chart]
"""Makes a chart from the parameters of its address, for a viewer in this time zone."""

BUILDERS: dict[str, Builder] = {}
"""Every chart there is, by its name in the address."""


def figure(name: str) -> Callable[[Builder], Builder]:
    """Give a builder its name in the address."""

    def known(builder: Builder) -> Builder:
        BUILDERS[name] = builder
        return builder

    return known


def width_of(asked: Mapping[str, Any], wide: int) -> int:
    """How many pixels wide a chart with these parameters is; wide: where there is room."""
    return NARROW_WIDTH if asked.get(NARROW) == "1" else wide


def narrow_of(request: Request) -> str | None:
    """The parameter `narrow` for the viewer's browser, which told in a cookie that it is as narrow as a phone."""
    return "1" if request.cookies.get(NARROW) == "1" else None


def drawn(db: Session, name: str, zone: ZoneInfo, **parameters: object) -> Figure:
    """The chart of this name, drawn for the page. Colours follow the theme of the page."""
    asked = {key: str(value) for key, value in parameters.items() if value is not None}
    return drawn_chart(BUILDERS[name](db, asked, zone), name, **asked)


def drawn_chart(chart: Chart, name: str, **parameters: object) -> Figure:
    """A chart whose numbers the page has read already, drawn; at its address, of these parameters, it is built anew."""
    query = urlencode({key: str(value) for key, value in parameters.items() if value is not None})
    return Figure(
        title=chart.title,
        period=chart.period,
        svg=Markup(_svg(json.dumps(chart.spec))),  # noqa: S704  (drawn by us; the drawing escapes what data says)
        address=f"{PREFIX}/{name}?{query}" if query else f"{PREFIX}/{name}",
        header=chart.header,
        rows=chart.rows,
        narrow=parameters.get(NARROW) == "1",
    )


@lru_cache(maxsize=MAX_DRAWN)
def _svg(spec: str) -> str:
    """Drawing takes longer than all that a page asks of the database; the same spec looks the same."""
    return draw_svg(json.loads(spec))


def as_csv(chart: Chart) -> str:
    """The numbers behind a chart. Cells never run as formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(chart.header)
    writer.writerows([csv_cell(cell) for cell in row] for row in chart.rows)
    return out.getvalue()
