"""Charts in a real browser, on a page with the policy of our pages: drawn by the server, then interactive."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.charts.building import Spec, as_json
from app.charts.drawing import browser_bundle, draw_svg
from app.charts.rows import Answer, Bar, Day, Frame, Hour, Standing, Step
from app.charts.specs import answers, bars, drop_off, standings
from app.charts.specs_time import days, growth, hours, sparkline
from app.charts.theme import custom_properties

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
GLUE = Path(__file__).parents[2] / "app" / "ui" / "static" / "charts.js"
STYLE = ":root{" + ";".join(f"{name}:{light}" for name, (light, _) in custom_properties().items()) + "}"
HOSTILE = '<img src=x onerror=alert(1)> & "Zoë" ]]> שלום 🎉'
FRAME = Frame("learners", "16 to 22 November 2026", "Europe/Berlin")


def named() -> Spec:
    return bars([Bar(HOSTILE, 12), Bar("Pilot", 30), Bar("Winter", 0), Bar("New", None)], FRAME)


def week() -> Spec:
    monday = date(2026, 11, 16)
    return days([Day(monday + timedelta(at), value) for at, value in enumerate([3, 5, None, 8, 6, 0, 1])], FRAME)


@contextmanager
def site(spec: Spec, figure: str) -> Iterator[tuple[str, list[str]]]:
    """A page with one chart, and the paths that were asked for."""
    asked: list[str] = []
    inside = figure.replace("SVG", draw_svg(spec)).replace("SPEC", as_json(spec))
    page = (
        '<!doctype html><html lang="en"><title>Charts</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="/style.css"><script type="module" src="/charts.js"></script>{inside}'
    )
    files = {
        "/": ("text/html; charset=utf-8", page.encode()),
        "/style.css": ("text/css", STYLE.encode()),
        "/charts.js": ("text/javascript; charset=utf-8", GLUE.read_bytes()),
        "/vega.js": ("text/javascript; charset=utf-8", browser_bundle()[1]),
        "/days?as=spec": ("application/json", json.dumps(spec).encode()),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            kind, body = files.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in files else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    found = browser.new_page()
    found.told = []
    found.on("console", lambda message: found.told.append(message.text))
    found.on("pageerror", lambda problem: found.told.append(str(problem)))
    found.on("dialog", lambda dialog: (found.told.append("a dialog"), dialog.dismiss()))
    yield found
    found.close()


INLINE = (
    '<figure data-chart="/bars" data-chart-bundle="/vega.js"><div class="chart-drawing">SVG</div>'
    '<script type="application/json">SPEC</script></figure>'
)
FETCHED = (
    '<figure data-chart="/days" data-chart-bundle="/vega.js" data-chart-when="visible">'
    '<div class="chart-drawing">SVG</div></figure>'
)


def test_a_drawing_of_the_server_stands_in_a_page_with_a_strict_policy(page: Any) -> None:
    with site(named(), INLINE) as (address, asked):
        page.goto(address, wait_until="networkidle")
        bar = page.locator("figure svg path").first
        assert bar.evaluate("it => getComputedStyle(it).fill") == "rgb(15, 107, 107)"
        assert page.get_by_role("img").count() == 1
        assert HOSTILE in bar.text_content()
        assert page.locator("figure img").count() == 0
    assert page.told == []
    assert "/vega.js" not in asked


def test_pointing_at_a_chart_makes_it_interactive_and_tells_what_is_there(page: Any) -> None:
    with site(named(), INLINE) as (address, _):
        page.goto(address)
        page.locator("figure").hover()
        page.wait_for_selector("figure[data-chart-state=live]")
        assert page.locator("figure svg").count() == 1
        page.locator(".chart-live .mark-rect path").first.hover()
        tooltip = page.wait_for_selector("#chart-tooltip.visible")
        assert HOSTILE in tooltip.inner_text()
        assert page.locator("#chart-tooltip img").count() == 0
        fill = page.locator(".chart-live .mark-rect path").first.evaluate("it => getComputedStyle(it).fill")
        assert fill == "rgb(15, 107, 107)"
    assert page.told == []


def test_a_chart_that_is_seen_fetches_its_spec_and_fits_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    with site(week(), FETCHED) as (address, asked):
        page.goto(address)
        page.wait_for_selector("figure[data-chart-state=live]")
        box = page.locator(".chart-live svg").bounding_box()
        assert box["x"] + box["width"] <= 390
        assert "/days?as=spec" in asked
    assert page.told == []


EVERY = {
    "days": lambda: days(compared(9), FRAME, compared(7)),
    "growth": lambda: growth(compared(9), FRAME, 40),
    "hours": lambda: hours([Hour(number % 6, number % 24, number) for number in range(60)], FRAME),
    "sparkline": lambda: sparkline([1, 4, None, 2], Frame("learners", "", width=96)),
    "bars": named,
    "answers": lambda: answers([Answer("Yes", 3, True), Answer("No", 1, False)], FRAME),
    "drop_off": lambda: drop_off([Step("Welcome", 9), Step("Feedback", 4)], 9, FRAME),
    "standings": lambda: standings([Standing("Spring", 4, 3, 2, 1), Standing("New", 0, 0, 0, 0)], FRAME),
    "nothing": lambda: bars([], FRAME),
}


def compared(most: int) -> list[Day]:
    return [Day(date(2026, 11, 16 + at), at % most) for at in range(7)]


@pytest.mark.parametrize("kind", EVERY)
def test_every_chart_comes_alive_without_a_word_in_the_console(page: Any, kind: str) -> None:
    with site(EVERY[kind](), INLINE) as (address, _):
        page.goto(address)
        page.locator("figure").hover()
        page.wait_for_selector("figure[data-chart-state=live]")
    assert page.told == []


def test_without_its_spec_the_drawing_of_the_server_stays(page: Any) -> None:
    with site(week(), FETCHED.replace("/days", "/gone")) as (address, _):
        page.goto(address)
        page.wait_for_selector("figure[data-chart-state=still]")
        assert page.locator("figure svg").count() == 1
        assert page.locator("figure svg title").first.text_content().startswith("23 learners")
