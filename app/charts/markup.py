"""The SVG that Vega writes, made fit to stand in a page: nothing but shapes and texts, and with its meaning said.

What is not on the lists below does not pass: no scripts, styles, links, images, foreign objects, `style` or `on…`
attributes. So a page with the policy `script-src 'self'; style-src 'self'` can hold it as it is.
"""

import re
from xml.etree import ElementTree

from app.charts.theme import FONT

SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset(
    {"svg", "g", "path", "line", "text", "tspan", "rect", "circle", "defs", "clipPath", "title", "desc"}
)
_ATTRIBUTES = frozenset(
    re.findall(
        r"\S+",
        "x y x1 y1 x2 y2 dx dy r cx cy width height d transform viewBox fill fill-opacity stroke "
        "stroke-width stroke-opacity stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin "
        "stroke-miterlimit opacity clip-path id text-anchor dominant-baseline font-size font-weight font-style "
        "pointer-events display",
    )
)
_SMALL = re.compile(r"-?\d+\.\d{3,}")

ElementTree.register_namespace("", SVG)


def tidy(svg: str, title: str, description: str, mark: str) -> str:
    """The SVG with title, description and unique ids. mark: what ids begin with; title and description: any text.

    ValueError for what is no SVG.
    """
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314  (written by our own renderer, without entities)
    except ElementTree.ParseError as problem:
        raise ValueError(f"The drawing is no SVG: {problem}") from problem
    width, height, box = (root.get(name, "") for name in ("width", "height", "viewBox"))
    _clean(root, mark)
    root.attrib.clear()
    root.attrib.update(
        {
            "width": width,
            "height": height,
            "viewBox": box,
            "role": "img",
            "aria-labelledby": f"{mark}-t",
            "aria-describedby": f"{mark}-d",
            "font-family": FONT,
        }
    )
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{mark}-{tag[0]}"})
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, mark: str) -> None:
    for child in list(element):
        tag = child.tag.removeprefix(f"{{{SVG}}}") if isinstance(child.tag, str) else ""
        painted = child.get("fill", "none") != "none" or child.get("stroke", "none") != "none"
        frame = tag == "path" and child.get("aria-hidden") == "true" and not painted
        if tag not in _ELEMENTS or frame:
            element.remove(child)
            continue
        _clean(child, mark)
        said = child.get("aria-label") if child.get("role") == "graphics-symbol" and tag == "path" else None
        _attributes(child, mark)
        if said:
            ElementTree.SubElement(child, f"{{{SVG}}}title").text = said
        if tag == "g" and not len(child):
            element.remove(child)


def _attributes(element: ElementTree.Element, mark: str) -> None:
    # A style attribute becomes presentation attributes, which a page's policy does not forbid.
    for part in element.attrib.pop("style", "").split(";"):
        name, _, value = part.partition(":")
        if name.strip():
            element.attrib.setdefault(name.strip(), value.strip())
    for name in list(element.attrib):
        value = element.attrib[name]
        if name not in _ATTRIBUTES or (name in ("opacity", "stroke-width") and value == "1"):
            del element.attrib[name]
        elif name == "id":
            element.attrib[name] = f"{mark}-{value}"
        elif "url(" in value:
            inner = re.fullmatch(r"url\(#([\w-]+)\)", value)
            if inner:
                element.attrib[name] = f"url(#{mark}-{inner[1]})"
            else:
                del element.attrib[name]
        elif name in ("d", "transform", "x2", "y2", "x", "y"):
            element.attrib[name] = _SMALL.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
