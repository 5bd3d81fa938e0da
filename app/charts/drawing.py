"""Specs to pictures: SVG for pages and downloads, PNG for e-mails, and the script that makes charts interactive.

Drawn by vl-convert-python 1.9.0.post1 (BSD-3-Clause, January 2026; Vega 6.2, Vega-Lite 6.4) in a helper process;
figures and reasons are in docs/decisions/0012-charts.md. What bounds it: `building.MOST_ROWS` rows a chart,
`MOST_SPEC_KIB`, `process.TIMEOUT_S` a picture, then the helper is stopped.
What it can reach: nothing. A spec with an address in it is
refused here, and the helper is allowed no address and no file. Texts of people come out as text (`app.charts.markup`).

Blocking, a few hundredths of a second when warm, a second when cold: call it from a thread (a plain `def` route), and
`warm_up` at start. Safe from many threads; drawings take turns.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from textwrap import wrap
from typing import Any

from app.charts import markup
from app.charts.building import Spec, title_of
from app.charts.process import DrawingFailedError, helper
from app.charts.theme import LIGHT, PAGE, UNTOUCHED, var, with_palette

MOST_SPEC_KIB = 1_024
CACHE_MIB = 8
MOST_SCALE = 4.0

__all__ = ["DrawingFailedError", "browser_bundle", "draw_png", "draw_svg", "warm_up"]


class _Kept:
    """What was drawn lately, by the hash of what was asked; the oldest leaves when there is too much."""

    def __init__(self, most_bytes: int):
        self._most, self._size, self._lock = most_bytes, 0, threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, content: bytes) -> None:
        with self._lock:
            self._size += len(content) - len(self._kept.pop(key, b""))
            self._kept[key] = content
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])

    @property
    def size_bytes(self) -> int:
        return self._size


_kept = _Kept(CACHE_MIB * 2**20)


def draw_svg(spec: Spec, palette: Mapping[str, str] = PAGE, titled: bool = False) -> str:
    """A spec as SVG. palette: PAGE leaves the colours to the page's tokens, LIGHT and DARK put them in.

    titled: with title, unit and period in the picture and a ground under it, for downloads and e-mails; a page says
    them around it. The SVG has a size and a viewBox, so CSS may scale it. DrawingFailedError if it cannot be drawn.
    """
    _refuse_addresses(spec)
    title, subtitle = title_of(spec)
    painted = with_palette(spec, palette)
    if titled:
        painted = painted | {"title": _title(title, subtitle, int(spec.get("width", 720)))}
        painted["title"] |= {
            "color": palette.get("--chart-text", var("chart-text")),
            "subtitleColor": palette.get("--chart-axis", var("chart-axis")),
        }
        painted["background"] = palette.get("--chart-surface", var("chart-surface"))
        painted["padding"] = 16
    # Only what is drawn is sent; two charts that look the same but say something else are still two.
    drawn = {key: value for key, value in painted.items() if key != "usermeta"}
    asked = json.dumps([drawn, title, subtitle], sort_keys=True, default=str)
    if len(asked) > MOST_SPEC_KIB * 1024:
        raise DrawingFailedError(f"The chart has more than {MOST_SPEC_KIB} KiB of data: draw fewer rows.")
    key = sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
    if found := _kept.get(key):
        return found.decode()
    raw = helper.ask({"do": "svg", "spec": drawn}).decode()
    try:
        spoken = " ".join(
            part for part in (f"{subtitle}." if subtitle else "", str(spec.get("description", ""))) if part
        )
        svg = markup.tidy(raw, title, spoken, f"c{key[:10]}")
    except ValueError as problem:
        raise DrawingFailedError(str(problem)) from problem
    _kept.put(key, svg.encode())
    return svg


def draw_png(spec: Spec, scale: float = 2.0, palette: Mapping[str, str] = LIGHT) -> bytes:
    """A spec as PNG with its title. scale: pixels per px, at most 4. The fonts are those of the server."""
    svg = draw_svg(spec, palette, titled=True)
    scale = max(0.5, min(MOST_SCALE, scale))
    key = f"{sha256(svg.encode()).hexdigest()}@{scale}"
    found = _kept.get(key)
    if found is None:
        found = helper.ask({"do": "png", "svg": svg, "scale": scale})
        _kept.put(key, found)
    return found


def warm_up() -> threading.Thread:
    """Start the helper and draw something small, in a thread. A failure is not told: the first chart will tell it.

    A helper that runs already is left in peace.
    """

    def draw() -> None:
        if helper.pid is not None:
            return
        try:
            helper.ask({"do": "svg", "spec": {"data": {"values": [{"a": 1}]}, "mark": "text"}})
        except DrawingFailedError:
            return

    thread = threading.Thread(target=draw, name="charts.warm_up", daemon=True)
    thread.start()
    return thread


@lru_cache(maxsize=1)
def browser_bundle() -> tuple[str, bytes]:
    """The script for browsers (Vega, Vega-Lite, vega-embed; 0.9 MB, 0.3 MB compressed) and a hash for its address.

    It sets window.vegaEmbed, fetches nothing, and is made by the helper from vl-convert's own files: two seconds, once.
    """
    content = helper.ask({"do": "bundle"}, timeout_s=60.0)
    return sha256(content).hexdigest()[:12], content


def _title(title: str, subtitle: str, width: int) -> dict[str, Any]:
    return {"text": wrap(title, max(20, width // 8)) or [""], "subtitle": wrap(subtitle, max(20, width // 7))}


def _refuse_addresses(part: Any) -> None:
    """ValueError where a spec asks for data or pictures from elsewhere. Our own never do."""
    if isinstance(part, list):
        for value in part:
            _refuse_addresses(value)
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if key in ("url", "href") or (key == "mark" and (value == "image" or _is_image(value))):
            raise ValueError(f"A chart holds its data; {key!r} is not allowed in a spec.")
        if key == "data" and isinstance(value, dict) and "values" in value:
            _refuse_addresses({name: inner for name, inner in value.items() if name != "values"})
        elif key not in UNTOUCHED or key == "data":
            _refuse_addresses(value)


def _is_image(mark: Any) -> bool:
    return isinstance(mark, dict) and mark.get("type") == "image"
