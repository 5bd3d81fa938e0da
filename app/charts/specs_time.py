"""Charts over time: days with a comparison, completion as it grew, the hours of the week, sparklines.

Days are whole days of a named time zone, not moments: they are drawn as UTC, so no clock of a server or browser moves
them. A day that is not known is a gap in the line; a zero is on the ground.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from app.charts import words
from app.charts.building import MOST_ROWS, Spec, envelope, field, is_narrow, left_out, told, values
from app.charts.rows import Cell, Day, Frame, Hour, Table
from app.charts.theme import RAMP, var

_THOUSANDS = "~s"
# The same for every layer, or Vega-Lite complains. The offset leaves room for the unit above the axis.
_LEGEND = {
    "title": None,
    "symbolType": "stroke",
    "symbolStrokeWidth": 2,
    "symbolSize": 400,
    "symbolOpacity": 1,
    "offset": 28,
}


def days(
    rows: Sequence[Day], frame: Frame, before: Sequence[Day] = (), names: tuple[str, str] = ("This week", "Last week")
) -> Spec:
    """A number per day as line and area; `before`, day by day beside it, as a dashed line. names: of the two."""
    shown, then = rows[-MOST_ROWS:], list(before)[: len(rows)]
    drawn = [_day(row.day, row.value, names[0], row.day, frame.unit) for row in shown]
    # What was before is drawn on the day that it is compared with, and says its own.
    drawn += [_day(now.day, row.value, names[1], row.day, frame.unit) for now, row in zip(shown, then, strict=False)]
    layers = [
        _area(names[0], frame),
        _line(names, frame, named=bool(then)),
        _points(names, frame, alone=len(shown) == 1, named=bool(then)),
    ]
    header = ["Day", frame.unit] + (["Compared day", f"{frame.unit} then"] if then else [])
    table = Table(header, [_cells(index, row, then) for index, row in enumerate(rows)])
    pairs = [(_short(row.day), words.number(row.value)) for row in rows]
    title = words.finding_of_days(rows, before, frame.unit)
    return envelope(
        frame,
        title,
        pairs,
        table,
        {"data": values(drawn), "layer": layers},
        _height(frame),
        left_out=left_out(rows, "last"),
    )


def growth(rows: Sequence[Day], frame: Frame, whole: int | None = None) -> Spec:
    """A number that only grows, such as completions so far. whole: all there could be, a dashed line with its name."""
    shown = rows[-MOST_ROWS:]
    name = "So far"
    drawn = [_day(row.day, row.value, name, row.day, frame.unit) for row in shown]
    layers = [_area(name, frame), _line((name, name), frame), _points((name, name), frame, alone=len(shown) == 1)]
    if whole is not None and shown:
        at = {"datum": whole, "type": "quantitative"}
        layers.append(
            {
                "mark": {"type": "rule", "color": var("chart-axis"), "strokeDash": [4, 4]},
                "encoding": {"y": at | {"axis": _y(frame)["axis"]}},
            }
        )
        text = {"type": "text", "align": "right", "baseline": "bottom", "dy": -4, "color": var("chart-axis")}
        layers.append(
            {
                "data": values([{"day": shown[-1].day.isoformat(), "text": f"All {words.amount(whole, frame.unit)}"}]),
                "mark": text,
                "encoding": {"y": at, "x": _x(frame), "text": field("text")},
            }
        )
    table = Table(["Day", frame.unit], [[row.day.isoformat(), row.value] for row in rows])
    pairs = [(_short(row.day), words.number(row.value)) for row in rows]
    title = words.finding_of_growth(rows, whole, frame.unit)
    return envelope(
        frame,
        title,
        pairs,
        table,
        {"data": values(drawn), "layer": layers},
        _height(frame),
        left_out=left_out(rows, "last"),
    )


def hours(rows: Sequence[Hour], frame: Frame) -> Spec:
    """Activity by hour and weekday, darker is more. Zero is pale; an hour that is not known is crossed out."""
    known = {(row.weekday, row.hour): row.number for row in rows if 0 <= row.weekday <= 6 and 0 <= row.hour <= 23}
    most = max((count or 0 for count in known.values()), default=0)
    short = [name[:3] for name in words.WEEKDAYS]
    drawn: list[dict[str, Cell]] = []
    for weekday in range(7) if known else ():
        for hour in range(24):
            count = known.get((weekday, hour))
            where = f"{words.WEEKDAYS[weekday]} {hour:02d}:00 to {(hour + 1) % 24:02d}:00"
            drawn.append(
                {
                    "weekday": short[weekday],
                    "hour": hour,
                    "where": where,
                    "count": count,
                    "said": words.number(count),
                    # 0 is nothing, 1 to 6 are six equal parts up to the most; -1 is not known.
                    "step": -1 if count is None else 0 if not count else min(6, 1 + int(6 * (count - 1) / most)),
                    "say": f"{where}: {words.amount(count, frame.unit)}",
                }
            )
    x = field("hour", "ordinal", axis=_hour_axis(frame), scale={"domain": list(range(24)), "paddingInner": 0.08})
    y = field("weekday", sort=None, axis={"title": None, "labelColor": var("chart-text")}, scale={"paddingInner": 0.08})
    legend = {
        "title": None,
        "direction": "horizontal",
        "orient": "bottom",
        "columnPadding": 2,
        "labelExpr": f"datum.value == 0 ? '0' : datum.value == 6 ? '{words.number(most)} {_plain(frame.unit)}' : ''",
        "values": list(range(7)),
        "symbolSize": 130,
    }
    colour = field("step", "ordinal", scale={"domain": list(range(7)), "range": RAMP}, legend=legend)
    layers = [
        {
            "transform": [{"filter": "datum.step >= 0"}],
            "mark": {"type": "rect", "cornerRadius": 2},
            "encoding": {"x": x, "y": y, "color": colour, **told(("where", "Hour"), ("said", frame.unit))},
        },
        {
            "transform": [{"filter": "datum.step < 0"}],
            "mark": {"type": "point", "shape": "cross", "size": 16, "color": var("chart-axis"), "strokeWidth": 0.5},
            "encoding": {"x": x, "y": y, "description": field("say")},
        },
    ]
    table = Table(
        ["Weekday", "Hour", frame.unit], [[words.WEEKDAYS[r.weekday], f"{r.hour:02d}:00", r.number] for r in rows]
    )
    busiest = sorted((row for row in rows if row.number), key=lambda row: -(row.number or 0))
    pairs = [(f"{words.WEEKDAYS[row.weekday]} {row.hour:02d}:00", words.number(row.number)) for row in busiest]
    if known and not pairs:
        pairs = [("Every hour", "0")]
    picture = {"data": values(drawn), "layer": layers}
    return envelope(frame, words.finding_of_hours(rows), pairs, table, picture, 7 * (20 if is_narrow(frame) else 26))


def sparkline(numbers: Sequence[float | None], frame: Frame) -> Spec:
    """A line of a few words' size without axes; the last point is marked. frame.width: 96 is usual."""
    shown = list(numbers)[-MOST_ROWS:]
    drawn: list[dict[str, Cell]] = [{"at": index, "value": value} for index, value in enumerate(shown)]
    last = max((index for index, value in enumerate(shown) if value is not None), default=-1)
    most = max((value or 0 for value in shown), default=0) or 1
    x = field("at", "quantitative", axis=None, scale={"domain": [0, max(1, len(shown) - 1)], "nice": False})
    y = field("value", "quantitative", axis=None, scale={"domain": [0, most], "nice": False})
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line", "strokeWidth": 1.5, "color": var("chart-1")}, "encoding": {"x": x, "y": y}},
        {
            "transform": [{"filter": f"datum.at == {last}"}],
            "mark": {"type": "point", "filled": True, "size": 24, "opacity": 1, "color": var("chart-1")},
            "encoding": {"x": x, "y": y},
        },
    ]
    table = Table(["Point", frame.unit], [[index + 1, value] for index, value in enumerate(numbers)])
    pairs = [(str(index + 1), words.number(value)) for index, value in enumerate(numbers)]
    title = f"Last: {words.amount(shown[-1], frame.unit)}" if shown else words.NOTHING
    spec = envelope(
        frame,
        title,
        pairs or [("", "")],
        table,
        {"data": values(drawn), "layer": layers},
        24,
        left_out=left_out(numbers, "last"),
    )
    return spec | ({} if pairs else {"description": f"{words.NOTHING}."})


def _day(drawn_on: date, value: float | None, series: str, day: date, unit: str) -> dict[str, Cell]:
    said = words.amount(value, unit)
    return {
        "day": drawn_on.isoformat(),
        "value": value,
        "series": series,
        "said": said,
        "date": f"{day:%a} {_short(day)} {day.year}",
        "say": f"{series}, {_short(day)}: {said}",
    }


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _cells(index: int, row: Day, then: Sequence[Day]) -> list[Cell]:
    cells: list[Cell] = [row.day.isoformat(), row.value]
    if then:
        cells += [then[index].day.isoformat(), then[index].value] if index < len(then) else [None, None]
    return cells


def _x(frame: Frame) -> dict[str, Any]:
    """Days along the bottom, as whole days."""
    axis = {
        "title": None,
        "format": "%-d %b",
        "tickCount": 4 if is_narrow(frame) else 8,
        "labelOverlap": True,
        "labelSeparation": 8,
        "labelFlush": True,
    }
    return field("day", "temporal", timeUnit="utcyearmonthdate", scale={"type": "utc"}, axis=axis)


def _y(frame: Frame) -> dict[str, Any]:
    """Numbers up the side, from zero."""
    axis = {
        "title": words.clean(frame.unit, 40),
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "end",
        "titleY": -12,
        "titleX": 0,
        "grid": True,
        "format": _THOUSANDS,
        "tickMinStep": 1,
        "minExtent": 36,
    }
    scale = {"zero": True, "nice": True}
    return field("value", "quantitative", scale=scale, axis=axis)


def _area(name: str, frame: Frame) -> dict[str, Any]:
    return {
        "transform": [{"filter": {"field": "series", "equal": name}}],
        "mark": {"type": "area", "color": var("chart-1"), "opacity": 0.1},
        "encoding": {"x": _x(frame), "y": _y(frame)},
    }


def _line(names: tuple[str, str], frame: Frame, named: bool = False) -> dict[str, Any]:
    """named: with both names above, each beside a piece of its line; at the ends of lines they would cross them."""
    order = list(dict.fromkeys(names))
    colour = {"domain": order, "range": [var("chart-1"), var("chart-axis")][: len(order)]}
    legend = _LEGEND if named else None
    dash = {"domain": order, "range": [[1, 0], [4, 3]][: len(order)]}
    return {
        "mark": {"type": "line", "strokeWidth": 2, "strokeCap": "round"},
        "encoding": {
            "x": _x(frame),
            "y": _y(frame),
            "color": field("series", scale=colour, legend=legend),
            "strokeDash": field("series", scale=dash, legend=legend),
        },
    }


def _points(names: tuple[str, str], frame: Frame, alone: bool, named: bool = False) -> dict[str, Any]:
    """Where one can point at a day; seen only where a single day makes no line."""
    return {
        "transform": [{"filter": "isValid(datum.value)"}],
        "mark": {"type": "point", "filled": True, "size": 60 if alone else 120, "opacity": 1 if alone else 0},
        "encoding": {
            "x": _x(frame),
            "y": _y(frame),
            "color": field("series", legend=_LEGEND if named else None, scale={"domain": list(dict.fromkeys(names))}),
            **told(("series", "Series"), ("date", "Day"), ("said", frame.unit)),
        },
    }


def _hour_axis(frame: Frame) -> dict[str, Any]:
    each = 6 if is_narrow(frame) else 3
    zone = f" ({words.clean(frame.time_zone)})" if frame.time_zone else ""
    return {
        "title": f"Hour of the day{zone}",
        "values": list(range(0, 24, each)),
        "labelAngle": 0,
        "labelExpr": "pad(datum.value, 2, '0', 'left') + ':00'",
    }


def _plain(text: str) -> str:
    """A unit inside an expression: letters, digits, blanks and % only, so that it cannot end the string."""
    return "".join(character for character in text if character.isalnum() or character in " %-")[:40]


def _height(frame: Frame) -> int:
    return 180 if is_narrow(frame) else 240
