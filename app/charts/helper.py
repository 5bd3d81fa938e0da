"""The process that draws: vl-convert behind a pipe. Started by `app.charts.process` as a file, on its own.

It reads messages from standard input, answers each on standard output, and ends with the input. A message is its length
(4 bytes, big endian) and JSON: {"do": "svg", "spec": …}, {"do": "png", "svg": …, "scale": 2}, {"do": "bundle"}.
An answer is its length, one byte (0: done, 1: refused) and the picture, the script, or why not. Imports nothing else.
"""

import json
import struct
import sys
from typing import BinaryIO
from xml.etree import ElementTree

import vl_convert


def answer(message: dict[str, object]) -> bytes:
    """What was asked for, as bytes. ValueError for what would have to be read from anywhere.

    The empty list of allowed addresses keeps the renderer from the network; files it reads all the same, so whatever
    names an address is refused before it sees it.
    """
    if message["do"] == "svg":
        refuse_addresses(message["spec"])
        spec = json.dumps(message["spec"])
        return vl_convert.vegalite_to_svg(spec, show_warnings=False, allowed_base_urls=[]).encode()
    if message["do"] == "png":
        refuse_pictures(str(message["svg"]))
        return vl_convert.svg_to_png(str(message["svg"]), scale=float(str(message["scale"])))
    return vl_convert.javascript_bundle().encode()  # type: ignore[call-arg]


def refuse_addresses(part: object) -> None:
    """ValueError where a spec asks for data or pictures by address; what data says is left alone."""
    if isinstance(part, list):
        for value in part:
            refuse_addresses(value)
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("url", "href"):
                raise ValueError(f"A spec holds its data: {key!r} is not allowed.")
            if key not in ("values", "datasets"):
                refuse_addresses(value)


def refuse_pictures(svg: str) -> None:
    """ValueError where an SVG refers to anything: shapes and texts do not."""
    for element in ElementTree.fromstring(svg).iter():  # noqa: S314  (expat reads no external entity)
        names = [str(element.tag), *element.attrib]
        if any(name.rpartition("}")[2] in ("image", "feImage", "use", "style", "href") for name in names):
            raise ValueError(f"An SVG holds its shapes: {names[0]!r} refers to something else.")


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the other side is gone."""
    while len(head := asked.read(4)) == 4:
        body = asked.read(struct.unpack(">I", head)[0])
        try:
            status, content = 0, answer(json.loads(body))
        except Exception as problem:  # noqa: BLE001  (whatever it is, the other side is to hear of it)
            status, content = 1, str(problem)[:500].encode()
        answers.write(struct.pack(">IB", len(content), status) + content)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
