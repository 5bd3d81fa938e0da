"""How a cohort is doing: completion, how long it takes, who is active, who is at risk and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts import visibility
from app.analytics import queries, queries_overview, rules
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.schemas import AtRiskLearner, AtRiskReport, CohortOverview, LessonOverview
from app.analytics.scope import CohortScope, cohort_scope
from app.analytics.selection import Filters, Page
from app.analytics.tables import Cell
from app.platform import clock


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on somebody is at risk: so many lessons overdue, so many days silent."""

    behind_lessons: int = rules.BEHIND_LESSONS
    silent_days: int = rules.SILENT_DAYS


@dataclass(frozen=True, slots=True)
class CohortReading:
    """What was read of a cohort: its learners, and those of them at risk, the worst off first.

    learners: rows of queries_overview.learners. todays: the day it is, by time zone; home_today: where none is known.
    started, finished, active: how many learners have begun, have completed every lesson, did anything lately.
    """

    scope: CohortScope
    viewer: visibility.Viewer
    now: datetime
    learners: Sequence[Row[Any]]
    at_risk: list[tuple[Row[Any], rules.Risk]]
    todays: Mapping[str, date]
    home_today: date
    started: int
    finished: int
    active: int

    def today_of(self, time_zone: str | None) -> date:
        """The day it is for a learner of this time zone."""
        return self.todays.get(time_zone or "", self.home_today)


def cohort_overview(db: Session, cohort_id: UUID, filters: Filters, limits: Limits, page: Page) -> CohortOverview:
    """The figures of the cohort, and the first page of who is at risk. Errors as for cohort_scope.

    With days, lessons count what was first started and completed on them; who is active, finished or at risk is told
    as of now.
    """
    return overview_of(db, read_cohort(db, cohort_id, filters, limits), limits, page)


def overview_of(db: Session, read: CohortReading, limits: Limits, page: Page) -> CohortOverview:
    """The overview of a cohort that has been read."""
    scope, count = read.scope, len(read.learners)
    found = {row.lesson_id: row for row in queries_overview.lessons(db, scope.part, scope.lesson_ids)}
    lessons = [_lesson(scope, lesson, found.get(lesson.id), count) for lesson in scope.lessons]
    completed = sum(lesson.completed for lesson in lessons)
    return CohortOverview.model_construct(
        **_at_risk(db, read, limits, page).__dict__,
        completion_rate=rules.rate(completed, count * len(lessons)),
        completed_count=completed,
        started_learner_count=read.started,
        finished_learner_count=read.finished,
        active_learner_count=read.active,
        active_days=rules.ACTIVE_DAYS,
        lessons=lessons,
    )


def cohort_at_risk(db: Session, cohort_id: UUID, filters: Filters, limits: Limits, page: Page) -> AtRiskReport:
    """One page of who is at risk and why. Errors as for cohort_scope."""
    return _at_risk(db, read_cohort(db, cohort_id, filters, limits), limits, page)


def read_cohort(db: Session, cohort_id: UUID, filters: Filters, limits: Limits) -> CohortReading:
    """The learners of a cohort with what they did, for all that is told of them. Errors as for cohort_scope."""
    scope, now = cohort_scope(db, cohort_id, filters), clock.now()
    home = scope.cohort.time_zone
    zones = queries_overview.time_zones(db, scope.part)
    todays = {zone: rules.today(now, zone, home) for zone in zones}
    cohort_today = rules.today(now, home, "UTC")
    due = [(lesson.id, lesson.due_on) for lesson in scope.lessons]
    days = sorted({cohort_today, *todays.values()})
    learners: Sequence[Any] = queries_overview.learners(db, scope.part, due, days)
    starts_on = scope.cohort.starts_on
    begins = rules.start_of(starts_on, clock.zone_of(home) or scope.zone) if starts_on else None
    overdue = {
        day: (place, sum(due_on is not None and due_on < day for _, due_on in due)) for place, day in enumerate(days)
    }
    at_risk: list[tuple[Row[Any], rules.Risk]] = []
    started_count = finished_count = active_count = 0
    active_since = now - timedelta(days=rules.ACTIVE_DAYS)
    # Taken apart at once: of a thousand rows, to ask each for its values by name takes a tenth of the whole report.
    for row in learners:
        _, joined_at, time_zone, last_at, started, completed, *completed_of_due = row
        place, were_due = overdue[todays.get(time_zone, cohort_today)]
        is_finished = bool(due) and completed == len(due)
        started_count += started > 0
        finished_count += is_finished
        active_count += last_at is not None and last_at >= active_since
        risk = rules.risk(
            overdue=were_due - completed_of_due[place],
            is_finished=is_finished,
            last_at=last_at,
            begun_at=max(joined_at, begins) if begins else joined_at,
            now=now,
            behind_lessons=limits.behind_lessons,
            silent_days=limits.silent_days,
        )
        if risk.reasons:
            at_risk.append((row, risk))
    at_risk.sort(key=_worst_first)
    counts = {"started": started_count, "finished": finished_count, "active": active_count}
    return CohortReading(scope, filters.viewer, now, learners, at_risk, todays, cohort_today, **counts)


def _worst_first(one: tuple[Row[Any], rules.Risk]) -> tuple[int, datetime, UUID]:
    return -one[1].overdue, one[1].silent_since, one[0].id


def _at_risk(db: Session, read: CohortReading, limits: Limits, page: Page) -> AtRiskReport:
    scope, rest = read.scope, read.at_risk
    if page.cursor:
        after = read_cursor(page.cursor, int, datetime, UUID)
        rest = [one for one in rest if _worst_first(one) > after]
    shown = rest[: page.limit]
    people = queries.people(db, [row.id for row, _ in shown])
    return AtRiskReport.model_construct(
        cohort=scope.name,
        generated_at=read.now,
        time_zone=scope.zone.key,
        learner_count=len(read.learners),
        lesson_count=len(scope.lessons),
        behind_lessons=limits.behind_lessons,
        silent_days=limits.silent_days,
        at_risk_count=len(read.at_risk),
        at_risk=[
            AtRiskLearner.model_construct(
                **visibility.shown(read.viewer, people[row.id]),
                reasons=list(risk.reasons),
                overdue_lessons=risk.overdue,
                silent_days=risk.silent_days,
                last_activity_at=row.last_at,
            )
            for row, risk in shown
            if row.id in people
        ],
        next=page.next(write_cursor(*_worst_first(shown[-1])) if len(rest) > page.limit else None),
    )


def _lesson(scope: CohortScope, lesson: Any, row: Row[Any] | None, learner_count: int) -> LessonOverview:
    """The figures of a lesson. Of an even number of completions, the median is between the two in the middle."""
    at = sum(moment.timestamp() for moment in row.at) / len(row.at) if row and row.at else None

    def since(moment: datetime | None) -> float | None:
        return None if at is None or moment is None else rules.rounded(at - moment.timestamp())

    starts_on = scope.cohort.starts_on
    return LessonOverview.model_construct(
        **lesson.__dict__,
        completed=row.completed if row else 0,
        started=row.started if row else 0,
        rate=rules.rate(row.completed if row else 0, learner_count),
        median_seconds_to_complete=rules.rounded(row.seconds) if row else None,
        median_seconds_since_due=since(rules.start_of(lesson.due_on, scope.zone) if lesson.due_on else None),
        median_seconds_since_start=since(rules.start_of(starts_on, scope.zone) if starts_on else None),
    )


COLUMNS = (
    "cohort",
    "lesson",
    "position",
    "due_on",
    "learners",
    "started",
    "completed",
    "rate",
    "median_seconds_to_complete",
    "median_seconds_since_due",
    "median_seconds_since_start",
)


def rows(report: CohortOverview) -> Iterator[tuple[Cell, ...]]:
    """One row per lesson."""
    for lesson in report.lessons:
        yield (
            report.cohort.name,
            lesson.title or lesson.activity_id,
            lesson.position,
            lesson.due_on,
            report.learner_count,
            lesson.started,
            lesson.completed,
            lesson.rate,
            lesson.median_seconds_to_complete,
            lesson.median_seconds_since_due,
            lesson.median_seconds_since_start,
        )


AT_RISK_COLUMNS = (
    "cohort",
    "learner",
    "email",
    "phone",
    "reasons",
    "overdue_lessons",
    "silent_days",
    "last_activity_at",
)


def at_risk_rows(report: AtRiskReport) -> Iterator[tuple[Cell, ...]]:
    """One row per learner at risk."""
    for one in report.at_risk:
        yield (
            report.cohort.name,
            one.name,
            one.email,
            one.phone,
            " and ".join(one.reasons),
            one.overdue_lessons,
            one.silent_days,
            one.last_activity_at,
        )
