"""The charts of the pages of cohorts and lessons."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from app.analytics import answers, lesson_list
from app.analytics.drop_off import cohort_drop_off
from app.analytics.rules import rating_of
from app.analytics.schemas import PlannedLesson, QuestionAnswers
from app.analytics.selection import Filters, Page
from app.charts import specs, specs_time
from app.charts.building import MOST_ROWS, Spec, table_of, title_of
from app.charts.rows import Answer, Day, Frame, Step
from app.errors import NotFound
from app.ui import asking
from app.ui.asking import ATTRIBUTE, Word, wrong
from app.ui.figures import Chart, Figure, drawn_chart, figure, width_of
from app.ui.formatting import percent

WIDTH = 520
"""Pixels: half of a wide page."""
_DAY, _WORD, _ID = TypeAdapter(asking.Day), TypeAdapter(Word), TypeAdapter(UUID)


def filters_in(asked: Mapping[str, str]) -> Filters:
    """The filters of a chart, as they stand in its address. BadRequest names the one that is wrong."""

    def read(name: str, kind: TypeAdapter[Any], expected: str) -> Any:
        try:
            return kind.validate_python(asked[name]) if asked.get(name) else None
        except ValidationError:
            raise wrong(name, "is not right", expected) from None

    return Filters(
        cohort_id=read("cohort", _ID, "The id of a cohort"),
        lesson_id=read("lesson", _ID, "The id of a lesson"),
        first_day=read("from", _DAY, "A day such as 2026-03-02"),
        last_day=read("to", _DAY, "A day such as 2026-03-02"),
        time_zone=read("time_zone", _WORD, "One such as Europe/Berlin"),
        attributes={
            name.removeprefix(ATTRIBUTE): (value,)
            for name, value in asked.items()
            if name.startswith(ATTRIBUTE) and value and "\x00" not in name + value
        },
    )


def period_of(filters: Filters) -> str:
    """Which days a chart is about, in words."""
    first, last = filters.first_day, filters.last_day
    if first and last:
        return f"{first} to {last}"
    return f"since {first}" if first else f"until {last}" if last else "all days"


@figure("drop-off")
def drop_off(db: Session, asked: Mapping[str, str], _zone: ZoneInfo) -> Chart:
    """Where the learners of a cohort drop off: how many of those who began reached each lesson."""
    filters = filters_in(asked)
    told = cohort_drop_off(db, _needed(filters.cohort_id, "cohort"), replace(filters, lesson_id=None), Page())
    began = told.learner_count - told.not_started_count
    frame = Frame("learners who reached it", period_of(filters), told.time_zone, width=width_of(asked, WIDTH))
    drawn = _chart(specs.drop_off([Step(_title(step), step.reached) for step in told.steps], began, frame))
    return replace(
        drawn,
        header=("Step", "Lesson", "Started", "Completed", "Reached", "Stopped here"),
        rows=[(step.step, _title(step), step.started, step.completed, step.reached, step.lost) for step in told.steps],
    )


@figure("lesson-days")
def lesson_days(db: Session, asked: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """When a lesson was completed: learners who had, day by day."""
    filters = filters_in(asked)
    lesson = _needed(filters.lesson_id, "lesson")
    told = lesson_list.lesson_days(db, lesson, in_zone(filters, zone))
    so_far = {one.day: one.completions_so_far for one in told.days}
    rows: list[Day] = []
    if told.days:
        last = told.days[-1].day
        day = max(told.days[0].day, last - timedelta(days=MOST_ROWS - 1))
        while day <= last:
            rows.append(Day(day, so_far.get(day, rows[-1].value if rows else 0)))
            day += timedelta(days=1)
    best = max(told.days, key=lambda one: one.completions, default=None)
    title = (
        f"{told.days[-1].completions_so_far} completed it; most on one day: {best.completions} on "
        f"{best.day.day} {best.day:%b %Y}"
        if best
        else ""
    )
    frame = Frame("learners who completed it", period_of(filters), told.time_zone, title, width_of(asked, WIDTH))
    return _chart(specs_time.growth(rows, frame))


@figure("answers")
def question(db: Session, asked: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """What was answered to a question of a lesson: how many learners named which choice, the right ones marked."""
    filters = in_zone(filters_in(asked), zone)
    try:
        wanted = UUID(asked.get("question", ""))
    except ValueError:
        raise wrong("question", "is no id", "The id of a question of the lesson") from None
    found = answers.question_answers(db, _needed(filters.lesson_id, "lesson"), wanted, filters)
    if found is None:
        raise NotFound("Nobody has answered this question.")
    return chart_of(found, filters, width_of(asked, WIDTH))


def figure_of(found: QuestionAnswers, lesson_id: UUID, filters: Filters, asked: Mapping[str, str | None]) -> Figure:
    """The chart of answers that have been read, drawn for the page. asked: the parameters of its address."""
    chart = chart_of(found, filters, width_of(asked, WIDTH))
    return drawn_chart(chart, "answers", lesson=lesson_id, question=found.question_id, **asked)


def chart_of(found: QuestionAnswers, filters: Filters, width: int = WIDTH) -> Chart:
    """The chart of the answers to a question. Ratings stand in the order of their numbers, others the most first."""
    shown = found.distribution
    if found.kind == "rating":
        shown = sorted(shown, key=lambda one: (rating_of(None, one.value) or 0, one.value))
    frame = Frame(
        "learners, by their latest answer", period_of(filters), filters.zone(None).key, finding_of(found), width
    )
    return _chart(specs.answers([Answer(one.text or one.value, one.count, one.is_right) for one in shown], frame))


def finding_of(found: QuestionAnswers) -> str:
    """What the answers to a question say, in a sentence."""
    if not found.learner_count:
        return "Nobody has answered yet"
    if found.kind == "quiz" and found.judged_count:
        return f"{percent(found.correct_share)} answered right: {found.correct_count} of {found.judged_count}"
    if found.kind == "rating" and found.mean is not None:
        return f"{found.mean:.2f} on average, of {found.rated_count} ratings"
    if found.distribution:
        first = found.distribution[0]
        return f"{percent(first.share)} say “{first.text or first.value}”"
    return f"{found.learner_count} answered in their own words"


def _chart(spec: Spec) -> Chart:
    (title, period), table = title_of(spec), table_of(spec)
    return Chart(title, period, spec, table.header, table.rows)


def _title(lesson: PlannedLesson) -> str:
    return lesson.title or lesson.activity_id


def in_zone(filters: Filters, zone: ZoneInfo) -> Filters:
    """The same filters. Days are the viewer's where neither the address nor a cohort says another time zone."""
    if filters.time_zone or filters.cohort_id:
        return filters
    return replace(filters, time_zone=zone.key)


def _needed(value: UUID | None, name: str) -> UUID:
    if value is None:
        raise wrong(name, "is missing", f"The id of a {name}")
    return value
