"""The charts of the overview: how far each cohort is, where people drop off, when learners are active."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.accounts.visibility import ADMIN
from app.analytics import today
from app.analytics.drop_off import cohort_drop_off
from app.analytics.schemas_today import ActivityPattern, CohortToday
from app.analytics.selection import Filters, Page
from app.errors import BadRequest, Problem
from app.platform import clock
from app.ui.figures import Chart, figure
from app.ui.remembering import remembered

PATTERN_SECONDS = 300
"""The last four whole weeks do not change but by what arrives late."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COMPLETION, DROP_OFF, HOURS = "completion-by-cohort", "drop-off", "activity-by-hour"
MAX_LABEL_CHARACTERS = 32
MAX_BARS = 12


@figure(COMPLETION)
def completion_by_cohort(db: Session, parameters: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """Completion rate of each cohort, the cohorts that began last."""
    return completion_chart(today.cohorts_today(db, ADMIN, limit=MAX_BARS), zone)


def completion_chart(cohorts: list[CohortToday], zone: ZoneInfo) -> Chart:
    """The same of cohorts that were counted already."""
    shown = [one for one in cohorts if one.completion_rate is not None][:MAX_BARS]
    best = max(shown, key=lambda one: one.completion_rate or 0, default=None)
    title = "No cohort has learners and lessons yet"
    if best is not None:
        title = f"{best.cohort.name} is the furthest: {(best.completion_rate or 0):.0%} of its lessons completed"
    values = [{"cohort": _label(one.cohort.name, n), "rate": one.completion_rate} for n, one in enumerate(shown)]
    names = [value["cohort"] for value in values]
    bars: dict[str, Any] = {
        "y": {"field": "cohort", "type": "nominal", "sort": names, "title": None},
        "x": {
            "field": "rate",
            "type": "quantitative",
            "scale": {"domain": [0, 1]},
            "axis": {"format": "%", "title": "completed, of all lessons of all learners", "tickCount": 5},
        },
    }
    return Chart(
        title=title,
        period=f"All of the course so far, {_moment(zone)}",
        spec=_spec(
            title,
            values,
            height=max(60, 32 * len(values)),
            layer=[
                {"mark": {"type": "bar", "height": 16}, "encoding": bars},
                {
                    "mark": {"type": "text", "align": "left", "dx": 4},
                    "encoding": {**bars, "text": {"field": "rate", "type": "quantitative", "format": ".0%"}},
                },
            ],
        ),
        header=("Cohort", "Learners", "Lessons", "Completed", "Completion rate"),
        rows=[
            (one.cohort.name, one.learner_count, one.lesson_count, one.completed_count, one.completion_rate)
            for one in shown
        ],
    )


@figure(DROP_OFF)
def drop_off(db: Session, parameters: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """Learners who reached each lesson of a cohort. parameters: cohort, its id."""
    try:
        cohort_id = UUID(parameters.get("cohort", ""))
    except ValueError as error:
        wrong = Problem("?cohort", "is not the id of a cohort.", "A UUID, as in the address of the cohort's page.")
        raise BadRequest(f"{wrong.path} {wrong.message} {wrong.expected}", [wrong]) from error
    report = cohort_drop_off(db, cohort_id, Filters(viewer=ADMIN), Page())
    worst = max(report.steps, key=lambda step: step.lost, default=None)
    title = f"{report.cohort.name} has no lessons yet"
    if worst is not None:
        title = f"Nobody of {report.cohort.name} has dropped off"
        if worst.lost:
            title = f"Most stop at lesson {worst.step}, {worst.title or worst.activity_id}: {worst.lost} learners"
    values = [
        {"step": step.step, "lesson": step.title or step.activity_id, "reached": step.reached, "lost": step.lost}
        for step in report.steps
    ]
    return Chart(
        title=title,
        period=f"{report.cohort.name}, {report.learner_count} learners, all of the course so far, {_moment(zone)}",
        spec=_spec(
            title,
            values,
            height=220,
            mark={"type": "bar"},
            encoding={
                "x": {"field": "step", "type": "ordinal", "title": "lesson", "axis": {"labelAngle": 0}},
                "y": {
                    "field": "reached",
                    "type": "quantitative",
                    "title": "learners who reached it",
                    "axis": {"tickMinStep": 1, "tickCount": 5},
                },
            },
        ),
        header=("Step", "Lesson", "Started", "Completed", "Reached", "Stopped here"),
        rows=[
            (step.step, step.title or step.activity_id, step.started, step.completed, step.reached, step.lost)
            for step in report.steps
        ],
    )


@figure(HOURS)
def activity_by_hour(db: Session, parameters: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """When learners are active: hour by weekday, in the viewer's time zone."""
    day = clock.now().astimezone(zone).date()
    pattern = remembered(db, (HOURS, zone.key, day), PATTERN_SECONDS, lambda: today.activity_pattern(db, ADMIN, zone))
    return hours_chart(pattern, zone, day)


def hours_chart(pattern: ActivityPattern, zone: ZoneInfo, day: date) -> Chart:
    """The same of a pattern that was counted already."""
    busiest = max(pattern.hours, key=lambda one: one.statement_count)
    title = "No activity in the last four weeks"
    if busiest.statement_count:
        title = f"Learners are most active on {WEEKDAYS[busiest.weekday]}s at {busiest.hour}:00"
    values = [
        {"day": WEEKDAYS[one.weekday][:3], "hour": one.hour, "statements": one.statement_count} for one in pattern.hours
    ]
    return Chart(
        title=title,
        period=f"{pattern.week_count} weeks up to yesterday, hours in {zone.key}",
        spec=_spec(
            title,
            values,
            height=180,
            mark={"type": "rect"},
            encoding={
                "x": {"field": "hour", "type": "ordinal", "title": "hour", "axis": {"labelAngle": 0}},
                "y": {"field": "day", "type": "ordinal", "sort": [name[:3] for name in WEEKDAYS], "title": None},
                "color": {"field": "statements", "type": "quantitative", "title": "activities"},
            },
        ),
        header=("Weekday", "Hour", "Activities"),
        rows=[(WEEKDAYS[one.weekday], one.hour, one.statement_count) for one in pattern.hours],
    )


def _spec(title: str, values: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """What all of them have in common. The title stands in the page, so the picture only describes itself with it."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "description": title,
        "width": 520,
        "data": {"values": values},
        "config": {"view": {"stroke": None}, "axis": {"gridOpacity": 0.3, "domain": False, "ticks": False}},
        **more,
    }


def _label(name: str, place: int) -> str:
    """Names may repeat, and two bars must not become one."""
    short = name if len(name) <= MAX_LABEL_CHARACTERS else f"{name[: MAX_LABEL_CHARACTERS - 1]}…"
    return short + "\u200b" * place


def _moment(zone: ZoneInfo) -> str:
    local = clock.now().astimezone(zone)
    return f"as of {local.day} {local:%b %Y, %H:%M} {zone.key}"
