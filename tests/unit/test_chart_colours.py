"""The colours of charts, for eyes that see them and eyes that do not tell them apart."""

from itertools import combinations
from xml.etree import ElementTree

import pytest

from app.charts.drawing import draw_svg
from app.charts.rows import Answer, Standing
from app.charts.specs import answers, standings
from app.charts.theme import DARK, LIGHT
from tests.unit.chart_rows import SVG, frame, texts


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
