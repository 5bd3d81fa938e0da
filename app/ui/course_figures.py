"""The charts of the pages of cohorts and lessons."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.analytics import answers, lesson_list
from app.analytics.drop_off import cohort_drop_off
from app.analytics.schemas import QuestionAnswers
from app.analytics.selection import Filters, Page
from app.errors import NotFound
from app.ui import course_specs
from app.ui.asking import ATTRIBUTE, Day, Word, wrong
from app.ui.figures import Chart, Figure, drawn_chart, figure
from app.ui.formatting import percent
from pydantic import TypeAdapter, ValidationError

_DAY, _WORD, _ID = TypeAdapter(Day), TypeAdapter(Word), TypeAdapter(UUID)
_FEW = 3


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


def period_of(filters: Filters, zone: str) -> str:
    """Which days a chart is about, in words."""
    first, last = filters.first_day, filters.last_day
    if first and last:
        return f"{first} to {last}, {zone}"
    return f"since {first}, {zone}" if first else f"until {last}, {zone}" if last else f"all days, {zone}"


@figure("drop-off")
def drop_off(db: Session, asked: Mapping[str, str], _zone: ZoneInfo) -> Chart:
    """Where the learners of a cohort drop off: who reached and who completed each lesson."""
    filters = filters_in(asked)
    cohort = _needed(filters.cohort_id, "cohort")
    told = cohort_drop_off(db, cohort, filters, Page())
    steps = [step for step in told.steps if step.reached]
    # Who is at the last lesson has not been lost on the way.
    worst = max(steps[:-1], key=lambda step: (step.lost_rate or 0, step.lost), default=None)
    if worst and worst.lost:
        title = (
            f"Most are lost after “{worst.title or worst.activity_id}”: {worst.lost} of the {worst.reached} who came "
            f"to it ({percent(worst.lost_rate)}) came no further"
        )
    else:
        title = "Nobody who started has dropped off so far"
    rows = [
        (step.step, step.title or step.activity_id, step.reached, step.completed, step.lost, step.lost_rate)
        for step in told.steps
    ]
    return Chart(
        title=title,
        period=f"{told.cohort.name}, {told.learner_count} learners, {period_of(filters, told.time_zone)}",
        spec=course_specs.funnel(title, rows, told.learner_count),
        header=("Step", "Lesson", "Reached", "Completed", "Came no further", "Share of those who reached it"),
        rows=rows,
    )


@figure("lesson-days")
def lesson_days(db: Session, asked: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """When a lesson was completed: learners who had, day by day."""
    filters = filters_in(asked)
    told = lesson_list.lesson_days(db, _needed(filters.lesson_id, "lesson"), in_zone(filters, zone))
    total = told.days[-1].completions_so_far if told.days else 0
    if told.days:
        best = max(told.days, key=lambda one: one.completions)
        title = f"{total} completed it; most on one day: {best.completions} on {best.day.day} {best.day:%b %Y}"
    else:
        title = "Nobody has completed it yet"
    rows = [(one.day, one.completions, one.completions_so_far) for one in told.days]
    return Chart(
        title=title,
        period=f"{told.cohort.name if told.cohort else 'all learners'}, {period_of(filters, told.time_zone)}",
        spec=course_specs.days(title, rows),
        header=("Day", "Completed on it", "Completed so far"),
        rows=rows,
    )


@figure("answers")
def question(db: Session, asked: Mapping[str, str], zone: ZoneInfo) -> Chart:
    """What was answered to a question of a lesson: how many learners named which choice, the right ones marked."""
    filters = in_zone(filters_in(asked), zone)
    lesson = _needed(filters.lesson_id, "lesson")
    try:
        wanted = UUID(asked.get("question", ""))
    except ValueError:
        raise wrong("question", "is no id", "The id of a question of the lesson") from None
    found = answers.question_answers(db, lesson, wanted, filters)
    if found is None:
        raise NotFound("Nobody has answered this question.")
    return chart_of(found, period_of(filters, filters.zone(None).key))


def figure_of(
    found: QuestionAnswers, lesson_id: UUID, filters: Filters, asked: Mapping[str, str | None]
) -> Figure:
    """The chart of the answers that have been read, drawn for the page. asked: the parameters of its address."""
    chart = chart_of(found, period_of(filters, filters.zone(None).key))
    return drawn_chart(chart, "answers", lesson=lesson_id, question=found.question_id, **asked)


def chart_of(found: QuestionAnswers, period: str) -> Chart:
    """The chart of the answers to a question."""
    title = finding_of(found)
    ordered = sorted(found.distribution, key=lambda one: _natural(one.value)) if found.kind == "rating" else found.distribution
    rows = [(one.text or one.value, one.count, one.share, _RIGHT[one.is_right]) for one in ordered]
    return Chart(
        title=title,
        period=f"{found.learner_count} learners, each with their latest answer, {period}",
        spec=course_specs.choices(title, rows, is_ordered=found.kind == "rating"),
        header=("Answer", "Learners", "Share", "Right?"),
        rows=rows,
    )


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


_RIGHT = {True: "right", False: "wrong", None: ""}


def _natural(value: str) -> tuple[float, str]:
    digits = "".join(one for one in value if one.isdigit() or one in ".-").lstrip("-")
    try:
        return float(digits), value
    except ValueError:
        return float("inf"), value


def in_zone(filters: Filters, zone: ZoneInfo) -> Filters:
    """The same filters. Days are the viewer's where neither the address nor a cohort says another time zone."""
    if filters.time_zone or filters.cohort_id:
        return filters
    return replace(filters, time_zone=zone.key)


def _needed(value: UUID | None, name: str) -> UUID:
    if value is None:
        raise wrong(name, "is missing", f"The id of a {name}")
    return value
