"""Charts: what specs say, how they are drawn, and that texts of people stay texts."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from app.charts import drawing, words
from app.charts.building import MOST_ROWS, Spec, as_json, table_of, title_of
from app.charts.drawing import DrawingFailedError, draw_png, draw_svg
from app.charts.process import Helper
from app.charts.rows import Answer, Bar, Day, Frame, Hour, Standing, Step
from app.charts.specs import answers, bars, drop_off, standings
from app.charts.specs_time import days, growth, hours, sparkline
from app.charts.theme import DARK, LIGHT, custom_properties

MONDAY = date(2026, 11, 16)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> & \"a\" 'b' ]]> \x00\x0b\ud800 🎉 שלום \u202eevil"


def frame(unit: str = "learners", width: int = 720) -> Frame:
    return Frame(unit, "16 to 22 November 2026", "Europe/Berlin", width=width)


def week(*values: float | None) -> list[Day]:
    return [Day(MONDAY + timedelta(at), value) for at, value in enumerate(values)]


def every(
    count: int, width: int = 720, name: str = "A name that is a good deal longer than there is room"
) -> list[Spec]:
    """Each kind of chart with so many rows."""
    at = frame(width=width)
    return [
        days(week(*range(count)), at, week(*range(count))),
        growth(week(*range(count)), at, 100),
        hours([Hour(number % 7, number // 7, number) for number in range(count)], at),
        sparkline(list(range(count)), at),
        bars([Bar(name, number, 60) for number in range(count)], at),
        answers([Answer(name, number, number == 0) for number in range(count)], at),
        drop_off([Step(name, 60 - number) for number in range(count)], 60, at),
        standings([Standing(name, number, 1, 2, 3) for number in range(count)], at),
    ]


def texts(svg: str) -> list[str]:
    return [(found.text or "").rstrip("\u200b") for found in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("count", [0, 1, 60])
@pytest.mark.parametrize("width", [358, 720])
def test_every_chart_can_be_drawn_with_none_one_and_sixty_rows(count: int, width: int) -> None:
    for spec in every(count, width):
        root = ElementTree.fromstring(draw_svg(spec))
        assert root.get("role") == "img"
        title, description = list(root)[:2]
        assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
        assert title.text == title_of(spec)[0]
        assert "Europe/Berlin" in (description.text or "")
        assert root.get("aria-labelledby") == title.get("id")
        assert abs(float(root.get("width", "0")) - width) <= 1
        assert len(table_of(spec).rows) == count
        if count == 0:
            assert words.NOTHING in (description.text or "")


def test_the_svg_needs_no_style_no_script_and_nothing_from_elsewhere() -> None:
    for spec in every(3):
        svg = draw_svg(spec)
        assert not re.search(r"style=|<style|<script|<image|href|\son\w+=|https?://(?!www\.w3\.org/2000/svg)", svg)
        used = set(re.findall(r"var\((--[\w-]+)\)", svg))
        assert used <= set(custom_properties())
        assert used
        assert "var(" not in draw_svg(spec, LIGHT)
        assert draw_svg(spec, DARK) != draw_svg(spec, LIGHT)


def test_texts_of_people_stay_texts() -> None:
    spec = bars([Bar(HOSTILE, 4), Bar("var(--chart-2)", 3), Bar("https://example.org/a.png", 2)], frame())
    svg = draw_svg(spec, LIGHT)
    root = ElementTree.fromstring(svg)
    assert not root.findall(f".//{SVG}script")
    told = " ".join(root.itertext())
    assert "<script>alert(1)</script> & \"a\" 'b' ]]>" in told
    assert "🎉 שלום" in told
    assert not set(told) & {"\x00", "\x0b", "\u202e", "\ud800"}
    assert "var(--chart-2)" in texts(svg)
    assert "</script" not in as_json(spec)
    assert draw_png(spec)[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("width", [320, 520, 900])
def test_the_number_beside_the_longest_bar_has_room(width: int) -> None:
    rows = [Answer("The wand is too near the surface of the milk", 55, True), Answer("The milk was too cold", 7, False)]
    spec = answers(rows, frame(width=width))
    x, y = (spec["layer"][1]["encoding"][channel] for channel in "xy")
    plot = width - y["axis"]["minExtent"]
    room = plot * (1 - 55 / x["scale"]["domain"][1])
    assert room >= 7 * len("80% (55) right")


def strokes(svg: str) -> int:
    """Of how many pieces the line of a chart is."""
    paths = ElementTree.fromstring(svg).iter(f"{SVG}path")
    (line,) = [path for path in paths if path.get("stroke-width") == "2" and not len(path)]
    return (line.get("d") or "").count("M")


def test_zero_and_unknown_look_different() -> None:
    svg = draw_svg(bars([Bar("Zero", 0), Bar("Unknown", None)], frame()))
    assert {"0", "not known"} <= set(texts(svg))
    assert table_of(bars([Bar("Zero", 0), Bar("Unknown", None)], frame())).rows == [["Zero", 0], ["Unknown", None]]
    line = draw_svg(days(week(1, 2, None, 0, 3), frame()))
    whole = draw_svg(days(week(1, 2, 0, 0, 3), frame()))
    # A day that is not known ends the line and begins another one; a zero is on it, at the ground.
    assert (strokes(line), strokes(whole)) == (2, 1)
    grid = draw_svg(hours([Hour(0, 0, 0), Hour(0, 1, None), Hour(0, 2, 5)], frame()))
    assert "Monday 01:00 to 02:00: not known" in grid
    assert "Monday 00:00 to 01:00: 0 learners" in grid


def test_titles_state_the_finding() -> None:
    def title(spec: Spec) -> str:
        return title_of(spec)[0]

    assert title(days(week(10, 20, None), frame(), week(5, 10, 99))) == "30 learners, 100% more than in the days before"
    assert title(days(week(7), frame())) == "7 learners in 1 day"
    assert title(drop_off([Step("A", 9), Step("B", 8), Step("C", 2)], 9, frame())).startswith(
        "Most are lost before “C”: 6"
    )
    assert title(answers([Answer("Yes", 3, True), Answer("No", 1, False)], frame())) == "75% of 4 answers were right"
    assert title(growth(week(1, 30), frame(), 40)) == "30 of 40 learners (75%)"
    assert title(hours([Hour(2, 9, 4), Hour(3, 9, 5)], frame())) == "Busiest on Thursday at 09:00"
    assert title(standings([Standing("A", 1, 1, 1, 1)], frame())) == "25% done, 25% late"
    assert title(bars([], Frame("learners", "", title="Said by the page"))) == "Said by the page"


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 9, "0%"), (1, 900, "1%"), (899, 900, "99%"), (9, 9, "100%"), (0, 0, "–")]
)
def test_only_all_is_all_and_only_nothing_is_nothing(part: int, whole: int, said: str) -> None:
    assert words.percent(part, whole) == said


def test_the_right_answer_is_told_without_colour() -> None:
    svg = draw_svg(answers([Answer("Yes", 3, True), Answer("No", 1, False)], frame()))
    assert "✓ Yes" in texts(svg)
    assert "75% (3) right" in texts(svg)


def painted(svg: str, told: str) -> tuple[str, str]:
    """Fill and edge of the mark that says this."""
    (mark,) = [
        element
        for element in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if any(told in (title.text or "") for title in element.iter(f"{SVG}title"))
    ]
    return mark.get("fill") or "", mark.get("stroke") or ""


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_wrong_answers_and_states_are_seen_and_told_apart_without_hue(palette: dict[str, str]) -> None:
    wrong = painted(draw_svg(answers([Answer("Yes", 3, True), Answer("No", 1, False)], frame()), palette), "No: ")
    drawing = draw_svg(standings([Standing("A", 5, 6, 7, 8)], frame()), palette)
    states = [painted(drawing, f"A: {state}, ") for state in ("Done", "In progress", "Late", "Not started")]
    surface = palette["--chart-surface"]
    for fill, edge in (wrong, *states):
        assert contrast(edge, surface) >= 3, (fill, edge)
    done, progress, late, not_started = states
    assert done[0] == done[1]
    assert late[1] == palette["--chart-text"]
    assert not_started[0] == surface
    # Pale and whole differ in lightness, as empty and whole do.
    for fill in (done[0], late[0]):
        assert abs(lab(linear(fill))[0] - lab(linear(progress[0]))[0]) > 15
    assert {"5", "6", "! 7", "8", "! Late"} <= set(texts(drawing))


def test_what_is_left_out_is_said_and_is_in_the_table() -> None:
    few, many = (bars([Bar(f"Cohort {n}", n) for n in range(count)], frame()) for count in (MOST_ROWS, MOST_ROWS + 20))
    assert (few["usermeta"]["left_out"], many["usermeta"]["left_out"]) == (0, 20)
    assert "rows" not in title_of(few)[1]
    assert title_of(many)[1].endswith("the first 500 of 520 rows")
    assert len(many["data"]["values"]) == MOST_ROWS
    assert len(table_of(many).rows) == MOST_ROWS + 20
    for spec in every(MOST_ROWS + 1):
        said = "the last 500" if spec["usermeta"]["header"][0] in ("Day", "Point") else "the first 500"
        if spec["usermeta"]["header"][0] != "Weekday":
            assert said in title_of(spec)[1]
            assert spec["usermeta"]["left_out"] == 1


def test_labels_that_look_alike_are_still_two_rows() -> None:
    spec = bars(
        [Bar("A long name that begins alike, 1", 1), Bar("A long name that begins alike, 2", 2)], frame(width=358)
    )
    assert texts(draw_svg(spec)).count("A long name that…") == 2


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


# Machado, Oliveira and Fernandes 2009, severity 1.0.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(rgb: list[float]) -> tuple[float, float, float]:
    red, green, blue = rgb
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
    )
    x, y, z = (max(0.0, part) ** (1 / 3) if part > 0.008856 else 7.787 * max(0.0, part) + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one: str, other: str) -> float:
    light = sorted((0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other))), reverse=True)
    return (light[0] + 0.05) / (light[1] + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_seen_and_told_apart(palette: dict[str, str]) -> None:
    categories = [palette[f"--chart-{number}"] for number in range(1, 8)]
    meanings = [palette[f"--{name}"] for name in ("done", "progress", "late", "broken")]
    assert [colour for colour in categories + meanings if contrast(colour, palette["--chart-surface"]) < 3] == []
    for name in ("--chart-axis", "--chart-text"):
        assert contrast(palette[name], palette["--chart-surface"]) >= 4.5
    for matrix in BLINDNESS.values():
        seen = [
            lab([sum(m * c for m, c in zip(row, linear(colour), strict=True)) for row in matrix])
            for colour in categories
        ]
        close = [
            (one + 1, other + 1)
            for one, other in combinations(range(7), 2)
            if sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5 < 9
        ]
        assert close == []
    ramp = [lab(linear(palette[f"--chart-ramp-{step}"]))[0] for step in range(7)]
    assert ramp == sorted(ramp, reverse=palette is LIGHT)
