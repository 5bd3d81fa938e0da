"""The helper that draws: what it never fetches or reads, how long it may take, who gets which chart."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.charts import drawing
from app.charts.drawing import DrawingFailedError, draw_png, draw_svg
from app.charts.process import Helper
from app.charts.rows import Bar
from app.charts.specs import bars
from tests.unit.chart_rows import SVG, frame, texts


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'[{"a": 1}]')

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    server.shutdown()


def test_nothing_is_fetched(elsewhere: tuple[str, list[str]]) -> None:
    address, asked = elsewhere
    x = {"x": {"field": "a", "type": "quantitative"}}
    picture = {"data": {"values": [{"a": f"{address}i.png"}]}, "mark": "image", "encoding": {"url": {"field": "a"}}}
    for spec in ({"data": {"url": f"{address}d.json"}, "mark": "point", "encoding": x}, picture):
        with pytest.raises(ValueError, match="not allowed"):
            draw_svg(spec)
        # Neither would the helper, were it asked.
        with pytest.raises(DrawingFailedError, match="not allowed"):
            drawing.helper.ask({"do": "svg", "spec": spec})
    assert asked == []


def test_no_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhidden-4711\n")
    text = {"text": {"field": "a", "type": "nominal"}}
    shown = tmp_path / "shown.png"
    shown.write_bytes(draw_png(bars([Bar("Secret", 1)], frame())))
    assert drawing.helper.ask({"do": "png", "svg": picture("<text>href</text>"), "scale": 1})[:4] == b"\x89PNG"
    for file in (secret, shown):
        for address in (file.as_uri(), str(file), f"file:{file}"):
            spec = {"data": {"url": address, "format": {"type": "csv"}}, "mark": "text", "encoding": text}
            with pytest.raises(ValueError, match="not allowed"):
                draw_svg(spec)
            # Neither would the helper read it, were it asked; the renderer would.
            with pytest.raises(DrawingFailedError, match="not allowed"):
                drawing.helper.ask({"do": "svg", "spec": spec})
            image = f'<image href="{address}" width="99" height="99"/>'
            with pytest.raises(DrawingFailedError, match="refers to"):
                drawing.helper.ask({"do": "png", "svg": picture(image), "scale": 1})


def picture(inside: str) -> str:
    return f'<svg xmlns="{SVG[1:-1]}" width="99" height="99">{inside}</svg>'


def test_a_helper_that_takes_too_long_is_stopped_and_the_next_chart_is_drawn() -> None:
    own = Helper()
    slow = {
        "data": {"values": [{"a": f"{number}"} for number in range(3000)]},
        "mark": "bar",
        "encoding": {"y": {"field": "a"}},
    }
    with pytest.raises(DrawingFailedError, match="within"):
        own.ask({"do": "svg", "spec": slow}, timeout_s=0.2)
    assert own.pid is None
    assert b"<svg" in own.ask({"do": "svg", "spec": {"data": {"values": [{}]}, "mark": "point"}})
    first = own.pid
    assert first is not None
    os.kill(first, 9)
    # Whether its end is noticed before the question or after it, the one after that is answered.
    with suppress(DrawingFailedError):
        own.ask({"do": "svg", "spec": {"data": {"values": [{}]}, "mark": "point"}})
    assert b"<svg" in own.ask({"do": "svg", "spec": {"data": {"values": [{}]}, "mark": "point"}})
    assert own.pid != first
    own.close()


def test_many_threads_each_get_their_own_chart() -> None:
    found: dict[int, str] = {}

    def draw(number: int) -> None:
        found[number] = draw_svg(bars([Bar(f"Thread {number}", number)], frame()))

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"Thread {number}" in texts(found[number]) for number in range(8))


def test_what_was_drawn_is_kept_within_bounds() -> None:
    kept = drawing._Kept(100)
    for number in range(9):
        kept.put(str(number), b"x" * 30)
    assert kept.size_bytes <= 100
    assert kept.get("8")
    assert kept.get("0") is None
    with pytest.raises(DrawingFailedError, match="KiB"):
        draw_svg({"data": {"values": ["x" * 2**20]}, "mark": "bar"})
