"""A number of rows for each kind of chart, and the texts in what is drawn of them."""

from datetime import date, timedelta
from xml.etree import ElementTree

from app.charts.building import Spec
from app.charts.rows import Answer, Bar, Day, Frame, Hour, Standing, Step
from app.charts.specs import answers, bars, drop_off, standings
from app.charts.specs_time import days, growth, hours, sparkline

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
