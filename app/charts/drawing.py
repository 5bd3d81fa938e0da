"""Drawing of charts."""

from typing import Any

import vl_convert


def draw_svg(spec: dict[str, Any]) -> str:
    """The chart as SVG."""
    return str(vl_convert.vegalite_to_svg(spec))


def draw_png(spec: dict[str, Any]) -> bytes:
    """The chart as PNG, at twice its size."""
    return bytes(vl_convert.vegalite_to_png(spec, scale=2))
