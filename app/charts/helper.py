"""The process that draws: vl-convert behind a pipe. Started by `app.charts.process` as a file, on its own.

It reads messages from standard input, answers each on standard output, and ends with the input. A message is its length
(4 bytes, big endian) and JSON: {"do": "svg", "spec": …}, {"do": "png", "svg": …, "scale": 2}, {"do": "bundle"}.
An answer is its length, one byte (0: done, 1: refused) and the picture, the script, or why not. It imports nothing of
ours.
"""

import json
import struct
import sys
from typing import BinaryIO

import vl_convert


def answer(message: dict[str, object]) -> bytes:
    """What was asked for, as bytes. An empty list of addresses lets no data and no image be fetched, files neither."""
    if message["do"] == "svg":
        spec = json.dumps(message["spec"])
        return vl_convert.vegalite_to_svg(spec, show_warnings=False, allowed_base_urls=[]).encode()
    if message["do"] == "png":
        return vl_convert.svg_to_png(str(message["svg"]), scale=float(str(message["scale"])))
    return vl_convert.javascript_bundle().encode()  # type: ignore[call-arg]


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
