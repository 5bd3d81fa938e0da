"""Charts: what specs say, how they are drawn, and that texts of people stay texts."""

import re
from xml.etree import ElementTree

import pytest

from app.charts import words
from app.charts.building import MOST_ROWS, Spec, as_json, table_of, title_of
from app.charts.drawing import draw_png, draw_svg
from app.charts.rows import Answer, Bar, Frame, Hour, Standing, Step
from app.charts.specs import answers, bars, drop_off, standings
from app.charts.specs_time import days, growth, hours
from app.charts.theme import DARK, LIGHT, custom_properties
from tests.unit.chart_rows import HOSTILE, SVG, every, frame, texts, week


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
