"""Charts of things with names: completion by cohort, answers of a poll or quiz, ratings, drop-off, standings.

All are horizontal bars with their number beside them, one row each, so that 1 row, 60 rows and long names work. Each
function is pure: rows and a frame in, a Vega-Lite spec out (see `app.charts.rows`).
"""

from collections.abc import Sequence
from typing import Any

from app.charts import words
from app.charts.building import MOST_ROWS, Spec, envelope, field, is_narrow, label_limit, left_out, told, values
from app.charts.rows import Answer, Bar, Cell, Frame, Standing, Step, Table
from app.charts.theme import var

_ROWY_AT = 20
"""From this many rows on they stand closer."""


def bars(rows: Sequence[Bar], frame: Frame) -> Spec:
    """A number per name: completion by cohort, ratings. Not known is said in words, zero has a line and a 0."""
    shown = rows[:MOST_ROWS]
    drawn = [
        _row(row.label, name, row.value, words.amount(row.value, "%" if frame.unit.startswith("%") else ""), "chart-1")
        | {"note": f" of {words.number(row.of)}" if row.of is not None and row.value is not None else ""}
        for row, name in zip(shown, words.labels([row.label for row in shown], label_limit(frame)), strict=True)
    ]
    whole = any(row.of is not None for row in rows)
    header = ["Name", frame.unit] + (["of"] if whole else [])
    table = Table(header, [[row.label, row.value] + ([row.of] if whole else []) for row in rows])
    pairs = [(row.label, words.amount(row.value, frame.unit)) for row in rows]
    most = 100.0 if frame.unit.startswith("%") else max((row.of or row.value or 0 for row in shown), default=0)
    title = words.finding_of_bars(rows, frame.unit)
    return envelope(
        frame, title, pairs, table, _drawn(drawn, most, frame, "Name"), _height(drawn), left_out=left_out(rows)
    )


def answers(rows: Sequence[Answer], frame: Frame) -> Spec:
    """How the answers of a question spread. The right one has a tick, is full and green; the others are pale with an
    outline that can be seen."""
    shown = rows[:MOST_ROWS]
    total = sum(row.chosen for row in rows)
    quiz = any(row.is_right is not None for row in rows)
    marked = [("✓ " if row.is_right else "") + words.clean(row.label) for row in shown]
    drawn = []
    for row, name in zip(shown, words.labels(marked, label_limit(frame)), strict=True):
        tone = "done" if row.is_right else "chart-quiet" if quiz else "chart-1"
        said = f"{words.percent(row.chosen, total)} ({words.number(row.chosen)})"
        drawn.append(_row(row.label, name, row.chosen, said, tone) | {"note": " right" if row.is_right else ""})
    header = ["Answer", "Chosen", "Share"] + (["Right"] if quiz else [])
    right: dict[bool | None, Cell] = {True: "yes", False: "no", None: None}
    cells: list[list[Cell]] = [
        [row.label, row.chosen, words.percent(row.chosen, total), *([right[row.is_right]] if quiz else [])]
        for row in rows
    ]
    table = Table(header, cells)
    pairs = [(row.label + (" (right)" if row.is_right else ""), words.number(row.chosen)) for row in rows]
    most = max((row.chosen for row in shown), default=0)
    title = words.finding_of_answers(rows)
    return envelope(
        frame, title, pairs, table, _drawn(drawn, most, frame, "Answer"), _height(drawn), left_out=left_out(rows)
    )


def drop_off(rows: Sequence[Step], started: int, frame: Frame) -> Spec:
    """How many are left at each lesson, in the order of the course. started: how many began, which is 100 %.

    The lesson before which most were lost has the colour of what is late, and says how many.
    """
    shown = rows[:MOST_ROWS]
    worst = words.worst_step(shown)
    numbered = [f"{index + 1}. {words.clean(row.label)}" for index, row in enumerate(shown)]
    drawn = []
    for index, (row, name) in enumerate(zip(shown, words.labels(numbered, label_limit(frame)), strict=True)):
        said = words.number(None) if row.reached is None else words.percent(row.reached, started)
        lost = (shown[index - 1].reached or 0) - (row.reached or 0) if index == worst else 0
        tone = "late" if index == worst else "chart-1"
        note = f" ▼ {words.number(lost)} lost" if lost else ""
        drawn.append(_row(row.label, name, row.reached, said, tone) | {"note": note})
    table = Table(
        ["Lesson", f"{frame.unit} that reached it", "Share"],
        [
            [row.label, row.reached, None if row.reached is None else words.percent(row.reached, started)]
            for row in rows
        ],
    )
    pairs = [(row.label, words.amount(row.reached, frame.unit)) for row in rows]
    most = max([started, *(row.reached or 0 for row in shown)])
    title = words.finding_of_drop_off(shown)
    return envelope(
        frame, title, pairs, table, _drawn(drawn, most, frame, "Lesson"), _height(drawn), left_out=left_out(rows)
    )


_STANDINGS = [("Done", "done"), ("In progress", "chart-quiet"), ("Late", "late"), ("Not started", "chart-surface")]
"""What each is filled with: done and late with a whole colour, in progress palely, not started with nothing."""
_EDGES = ["done", "progress", "chart-text", "chart-axis"]
"""What is late has an edge of the colour of text, and a mark at its number; every edge has 3:1 (WCAG 1.4.11)."""
_PART_GAP_PX = 1.5
"""On either side of a part, so that edges of neighbours do not touch."""


def standings(rows: Sequence[Standing], frame: Frame) -> Spec:
    """Stacked progress: of each row all learners, as done, in progress, late, not started, always in this order.

    Without hue they are told apart by order, fill and edge: whole, pale, whole within an edge, empty. Parts that are
    wide enough carry their number; of many rows only what is done does.
    """
    shown = rows[:MOST_ROWS]
    drawn: list[dict[str, Cell]] = []
    for row, name in zip(shown, words.labels([row.label for row in shown], label_limit(frame)), strict=True):
        counts, total, begin = row[1:], sum(row[1:]), 0.0
        full = words.clean(row.label)
        for (state, _), count in zip(_STANDINGS, counts, strict=True):
            share = count / total if total else 0.0
            text = f"! {count}" if state == "Late" else str(count)
            # A number needs room: 9 px a character, in about two thirds of the width. Each takes milliseconds to draw.
            roomy = share * frame.width * 0.6 > 9 * len(text) + 6 and (len(shown) <= _ROWY_AT or state == "Done")
            drawn.append(
                {
                    "name": name,
                    "full": full,
                    "state": state,
                    "begin": begin,
                    "end": begin + share,
                    "middle": begin + share / 2,
                    "count": count,
                    "text": text if roomy else "",
                    "ink": "light" if state in ("Done", "Late") else "dark",
                    "say": f"{full}: {state}, {count} of {total}",
                }
            )
            begin += share
        if not total:
            drawn[-1] |= {"nobody": "nobody yet"}
    states = [state for state, _ in _STANDINGS]
    legend = {
        "title": None,
        "columns": 2 if is_narrow(frame) else 4,
        "symbolOpacity": 1,
        "symbolStrokeWidth": 1.5,
        "labelExpr": "datum.label == 'Late' ? '! Late' : datum.label",
    }

    def by_state(values_of: list[Any]) -> dict[str, Any]:
        return field("state", scale={"type": "ordinal", "domain": states, "range": values_of}, legend=legend)

    y = _names(drawn)
    ends = {
        "x": field("begin", "quantitative", axis=None, scale={"domain": [0, 1], "nice": False}),
        "x2": {"field": "end"},
    }
    ink = field(
        "ink", scale={"domain": ["light", "dark"], "range": [var("chart-surface"), var("chart-text")]}, legend=None
    )
    layers = [
        {
            "transform": [{"filter": "datum.count > 0"}],
            "mark": {
                "type": "bar",
                "height": {"band": 0.72},
                "strokeWidth": 1.5,
                "xOffset": _PART_GAP_PX,
                "x2Offset": -_PART_GAP_PX,
            },
            "encoding": {
                "y": y,
                **ends,
                "fill": by_state([var(tone) for _, tone in _STANDINGS]),
                "stroke": by_state([var(tone) for tone in _EDGES]),
                **told(("full", "Name"), ("state", "State"), ("count", frame.unit)),
            },
        },
        {
            "transform": [{"filter": "datum.text != ''"}],
            "mark": {"type": "text", "fontSize": 11, "fontWeight": 600, "baseline": "middle"},
            "encoding": {
                "y": y,
                "x": field("middle", "quantitative", axis=None),
                "text": field("text"),
                "color": ink,
            },
        },
        {
            "transform": [{"filter": "isValid(datum.nobody)"}],
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 4, "color": var("chart-axis")},
            "encoding": {"y": y, "x": field("begin", "quantitative", axis=None), "text": field("nobody")},
        },
    ]
    resolve = {"scale": {"color": "independent"}}
    table = Table(["Name", *(state for state, _ in _STANDINGS)], [[*row] for row in rows])
    pairs = [(row.label, f"{words.percent(row.done, sum(row[1:]))} done, {row.late} late") for row in rows]
    picture = {"data": values(drawn), "layer": layers, "resolve": resolve}
    return envelope(
        frame, words.finding_of_standings(rows), pairs, table, picture, _height(shown), left_out=left_out(rows)
    )


def _row(label: str, name: str, value: float | None, said: str, tone: str) -> dict[str, Cell]:
    """A bar as data. name: its short label, once only. tone: the name of its colour."""
    full = words.clean(label)
    return {"name": name, "full": full, "value": value, "said": said, "tone": tone, "say": f"{full}: {said}"}


def _extent(drawn: Sequence[dict[str, Cell]]) -> float:
    """px that the names take. Measured with the widest of the usual fonts: whose is shown is not known where it is
    drawn."""
    return 16 + 7.4 * max((len(str(row["name"]).rstrip("\u200b")) for row in drawn), default=0)


def _names(drawn: Sequence[dict[str, Cell]]) -> dict[str, Any]:
    extent = _extent(drawn)
    axis = {
        "title": None,
        "labelColor": var("chart-text"),
        "labelOverlap": False,
        "minExtent": extent,
        "maxExtent": extent,
    }
    return field("name", sort=None, axis=axis, scale={"paddingInner": 0.1, "paddingOuter": 0.05})


def _drawn(drawn: Sequence[dict[str, Cell]], most: float, frame: Frame, named: str) -> dict[str, Any]:
    """Bars from zero with their number at the end."""
    y = _names(drawn)
    # Room on the right for the number beside the longest bar, in the unit of the axis.
    longest = max((len(f"{row['said']}{row.get('note', '')}") for row in drawn), default=4)
    room = min(0.6, (longest * 7.2 + 12) / max(1.0, frame.width - _extent(drawn)))
    domain = [0, (most or 1) / (1 - room)]
    tones = sorted({str(row["tone"]) for row in drawn})
    colour = field("tone", scale={"domain": tones, "range": [var(tone) for tone in tones]}, legend=None)
    # What is pale on purpose has an edge of 3:1 (WCAG 1.4.11).
    edges = [var("chart-axis" if tone == "chart-quiet" else tone) for tone in tones]
    edge = field("tone", scale={"domain": tones, "range": edges}, legend=None)
    x = field("value", "quantitative", axis=None, scale={"domain": domain, "nice": False})
    zero = field("base", "quantitative", axis=None, scale={"domain": domain, "nice": False})
    known = [
        row
        | {"base": row["value"] or 0, "text": f"{row['said']}{row.get('note', '')}", "known": row["value"] is not None}
        for row in drawn
    ]
    said = told(("full", named), ("text", frame.unit))
    strong = {"condition": {"test": "datum.known", "value": var("chart-text")}, "value": var("chart-axis")}
    return {
        "data": values(known),
        "layer": [
            # A faint line where zero is: a zero is a line without a bar, what is not known only says so.
            {
                "mark": {"type": "rule", "color": var("chart-grid")},
                "encoding": {"x": {"datum": 0, "type": "quantitative", "axis": None}},
            },
            {
                "mark": {"type": "bar", "height": {"band": 0.68}, "cornerRadiusEnd": 2, "strokeWidth": 1},
                "transform": [{"filter": "datum.known"}],
                "encoding": {"y": y, "x": x, "fill": colour, "stroke": edge, **said},
            },
            {
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6},
                "encoding": {"y": y, "x": zero, "text": field("text"), "color": strong},
            },
        ],
    }


def _height(rows: Sequence[Any]) -> int:
    """px."""
    return len(rows) * (22 if len(rows) > _ROWY_AT else 30)
