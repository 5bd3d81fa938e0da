"""Results of prebuilt queries as charts, where a query says how it is drawn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.analytics import catalogue
from app.analytics.prebuilt import QueryResult, run_prebuilt
from app.charts import specs, specs_time
from app.charts.building import Spec, title_of
from app.charts.rows import Bar, Day, Frame, Hour, Step
from app.errors import NotFound
from app.ui.figures import Chart, Figure, drawn_chart, figure

NAME = "prebuilt"
MOST_BARS = 30


@figure(NAME)
def prebuilt_chart(_db: Session, parameters: Mapping[str, str], _zone: ZoneInfo) -> Chart:
    """The chart of the prebuilt query `query`, with its parameters beside it. NotFound where it has none.

    Those that need more than reports:read are not drawn.
    """
    given = {key: value for key, value in parameters.items() if key not in ("query", "as")}
    query = catalogue.find(parameters.get("query", ""))
    if query.chart is None or query.scope != "reports:read":
        raise NotFound(f"The query {query.name} has no chart.")
    return _chart(run_prebuilt(query.name, given), query.chart)


def figure_of(result: QueryResult, _zone: ZoneInfo) -> Figure | None:
    """The chart of a result, drawn for the page; None where there is nothing to draw."""
    query = catalogue.find(result.name)
    if query.chart is None or not result.rows or result.more:
        return None
    asked = {"query": result.name, **{key: value for key, value in result.parameters.items() if value is not None}}
    return drawn_chart(_chart(result, query.chart), NAME, **asked)


def _chart(result: QueryResult, drawn: catalogue.Chart) -> Chart:
    names = [column.name for column in result.columns]
    at, of = names.index(drawn.label), names.index(drawn.value)
    pairs = [(row[at], _number(row[of])) for row in result.rows]
    shown = len(pairs) if drawn.kind in ("days", "hours") else min(len(pairs), MOST_BARS)
    since = result.parameters.get("since")
    until = result.parameters.get("until")
    period = "as of now" if since is None else f"{since} to {until or 'now'}"
    if shown < len(pairs):
        period = f"{period}, the first {shown} of {len(pairs)}"
    zone = {"days": "UTC", "hours": "the cohort's time zone"}.get(drawn.kind, "")
    frame = Frame(unit=drawn.unit, period=period, time_zone=zone)
    spec = _spec(drawn, result, pairs[:shown], frame)
    return Chart(title_of(spec)[0] or result.title, frame.subtitle, spec, names, [list(row) for row in result.rows])


def _spec(
    drawn: catalogue.Chart, result: QueryResult, pairs: Sequence[tuple[object, float | None]], frame: Frame
) -> Spec:
    if drawn.kind == "days":
        sums: dict[date, float] = defaultdict(float)
        for day, value in pairs:
            sums[date.fromisoformat(str(day))] += value or 0
        return specs_time.days([Day(day, sums[day]) for day in sorted(sums)], frame)
    if drawn.kind == "hours":
        weekday = [column.name for column in result.columns].index("weekday")
        hours = [
            Hour(int(str(row[weekday])) - 1, int(str(hour)), int(value or 0))
            for row, (hour, value) in zip(result.rows, pairs, strict=True)
        ]
        return specs_time.hours(hours, frame)
    if drawn.kind == "drop_off":
        steps = [Step(str(label), int(value or 0)) for label, value in pairs]
        return specs.drop_off(steps, max((step.reached or 0 for step in steps), default=0), frame)
    return specs.bars([Bar(str(label), value) for label, value in pairs], frame)


def _number(cell: object) -> float | None:
    return cell if isinstance(cell, int | float) and not isinstance(cell, bool) else None
