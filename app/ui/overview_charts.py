"""The charts of the overview: how far each cohort is, where people drop off, when learners are active."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.accounts.visibility import ADMIN
from app.analytics import today
from app.analytics.schemas_today import ActivityPattern, CohortToday
from app.charts import specs, specs_time
from app.charts.rows import Bar, Frame, Hour
from app.platform import clock
from app.ui.figures import Chart, figure, width_of
from app.ui.remembering import remembered

PATTERN_SECONDS = 300
"""The last four whole weeks do not change but by what arrives late."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COMPLETION, DROP_OFF, HOURS = "completion-by-cohort", "drop-off", "activity-by-hour"
MAX_BARS = 12
WIDTH = 560


@figure(COMPLETION)
def completion_by_cohort(db: Session, parameters: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """Completion rate of each cohort, the cohorts that began last."""
    return completion_chart(today.cohorts_today(db, ADMIN, limit=MAX_BARS), zone, width_of(parameters, WIDTH))


def completion_chart(cohorts: list[CohortToday], zone: ZoneInfo, width: int = WIDTH) -> Chart:
    """The same of cohorts that were counted already."""
    shown = [one for one in cohorts if one.completion_rate is not None][:MAX_BARS]
    best = max(shown, key=lambda one: one.completion_rate or 0, default=None)
    title = "No cohort has learners and lessons yet"
    if best is not None:
        title = f"{best.cohort.name} is the furthest: {(best.completion_rate or 0):.0%} of its lessons completed"
    return Chart(
        title=title,
        period=f"All of the course so far, {_moment(zone)}",
        spec=specs.bars(
            [Bar(one.cohort.name, (one.completion_rate or 0) * 100) for one in shown],
            Frame("% of all lessons of all learners completed", "", title=title, width=width),
        ),
        header=("Cohort", "Learners", "Lessons", "Completed", "Completion rate"),
        rows=[
            (one.cohort.name, one.learner_count, one.lesson_count, one.completed_count, one.completion_rate)
            for one in shown
        ],
    )


@figure(HOURS)
def activity_by_hour(db: Session, parameters: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """When learners are active: hour by weekday, in the viewer's time zone."""
    day = clock.now().astimezone(zone).date()
    pattern = remembered(db, (HOURS, zone.key, day), PATTERN_SECONDS, lambda: today.activity_pattern(db, ADMIN, zone))
    return hours_chart(pattern, zone, width_of(parameters, WIDTH))


def hours_chart(pattern: ActivityPattern, zone: ZoneInfo, width: int = WIDTH) -> Chart:
    """The same of a pattern that was counted already."""
    busiest = max(pattern.hours, key=lambda one: one.statement_count)
    title = "No activity in the last four weeks"
    if busiest.statement_count:
        title = f"Learners are most active on {WEEKDAYS[busiest.weekday]}s at {busiest.hour}:00"
    return Chart(
        title=title,
        period=f"{pattern.week_count} weeks up to yesterday, hours in {zone.key}",
        spec=specs_time.hours(
            [Hour(one.weekday, one.hour, one.statement_count) for one in pattern.hours],
            Frame("activities", "", zone.key, title=title, width=width),
        ),
        header=("Weekday", "Hour", "Activities"),
        rows=[(WEEKDAYS[one.weekday], one.hour, one.statement_count) for one in pattern.hours],
    )


def _moment(zone: ZoneInfo) -> str:
    local = clock.now().astimezone(zone)
    return f"as of {local.day} {local:%b %Y, %H:%M} {zone.key}"
