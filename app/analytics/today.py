"""How things go now: across all cohorts, beside how they went a week before."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts.visibility import Viewer
from app.analytics import queries_today, rules
from app.analytics.overview import Limits, cohort_overview
from app.analytics.schemas_today import ActivityPattern, CohortToday, HourOfWeek, LatestActivity, MinuteAccepted, Today
from app.analytics.selection import Filters, Page, Part
from app.platform import clock
from app.schemas import CohortName

PATTERN_WEEKS = 4
MAX_COHORTS = 50
"""As many cohorts as the overview tells of, those that began last."""
MAX_UNPLANNED = 5
MAX_LATEST = 50
THROUGHPUT_MINUTES = 15
THROUGHPUT_COUNTED = 200_000
"""So many statements, the newest, are counted: some 13,000 a minute, more than one loader takes."""

_DID = {
    "completed": "completed",
    "passed": "passed",
    "failed": "did not pass",
    "answered": "answered",
    "launched": "opened",
    "initialized": "opened",
    "attempted": "started",
    "started": "started",
    "experienced": "looked at",
    "viewed": "looked at",
    "progressed": "went on with",
    "terminated": "left",
    "exited": "left",
    "suspended": "paused",
    "resumed": "went on with",
    "rated": "rated",
    "interacted": "used",
}


def today(db: Session, viewer: Viewer, zone: ZoneInfo) -> Today:
    """The numbers of today, which began at midnight in this time zone, and of the same hours a week before."""
    filters, now = Filters(viewer=viewer), clock.now()
    flat, progress = Part(*filters.statements("flat.learner_id")), Part(*filters.statements("p.learner_id"))
    midnight = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
    # By the clock on the wall: a change to or from summer time in between does not compare 8 o'clock with 9.
    then = (now.astimezone(zone).replace(tzinfo=None) - timedelta(days=7)).replace(tzinfo=zone)
    midnight_then, then = datetime.combine(then.date(), time(), zone).astimezone(UTC), then.astimezone(UTC)
    week = timedelta(days=rules.ACTIVE_DAYS)
    completed, completed_before = queries_today.count_completions(db, progress, (midnight, now), (midnight_then, then))
    return Today(
        generated_at=now,
        time_zone=zone.key,
        learner_count=queries_today.count_learners(db, Part(*filters.learners("u"))),
        active_days=rules.ACTIVE_DAYS,
        active_learner_count=queries_today.count_active(db, flat, now - week, now),
        active_learner_count_before=queries_today.count_active(db, flat, now - 2 * week, now - week),
        statement_count=queries_today.count_statements(db, flat, midnight, now),
        statement_count_before=queries_today.count_statements(db, flat, midnight_then, then),
        completed_count=completed,
        completed_count_before=completed_before,
    )


def cohorts_today(db: Session, viewer: Viewer, *, limit: int = MAX_COHORTS) -> list[CohortToday]:
    """How far each cohort is and how many are at risk, the cohort that began last first; as cohort_overview says it.

    Of cohorts without a plan only the first few are told, because which lessons they have takes a look of its own.
    """
    filters, now = Filters(viewer=viewer), clock.now()
    found = queries_today.cohorts(db, min(limit, MAX_COHORTS))
    planned = [cohort for cohort in found if cohort.lesson_count]
    members: dict[UUID, list[Row[Any]]] = {cohort.id: [] for cohort in planned}
    due: dict[UUID, list[date]] = {cohort.id: [] for cohort in planned}
    todays = sorted({(now + timedelta(hours=hours)).date() for hours in (-12, 0, 14)})
    if planned:
        for lesson in queries_today.due_lessons(db, list(members)):
            due[lesson.cohort_id].append(lesson.due_on)
        for row in queries_today.planned_members(db, Part(*filters.learners("u")), list(members), todays):
            members[row.cohort_id].append(row)
    told: list[CohortToday] = []
    unplanned = 0
    for cohort in found:
        if cohort.lesson_count:
            told.append(_planned(cohort, members[cohort.id], due[cohort.id], todays, now))
        elif unplanned < MAX_UNPLANNED:
            unplanned += 1
            report = cohort_overview(db, cohort.id, filters, Limits(), Page(limit=1))
            told.append(CohortToday.model_validate(report, from_attributes=True))
    return told


def activity_pattern(db: Session, viewer: Viewer, zone: ZoneInfo) -> ActivityPattern:
    """Statements by weekday and hour of the last four whole weeks, up to the last midnight in this time zone."""
    part = Part(*Filters(viewer=viewer).statements("flat.learner_id"))
    last_day = clock.now().astimezone(zone).date()
    since = rules.start_of(last_day - timedelta(weeks=PATTERN_WEEKS), zone)
    until = rules.start_of(last_day, zone)
    counted: Counter[tuple[int, int]] = Counter()
    for row in queries_today.by_quarter_hour(db, part, since, until):
        local = row.at.astimezone(zone)
        counted[local.weekday(), local.hour] += row.statements
    return ActivityPattern(
        since=since,
        until=until,
        time_zone=zone.key,
        week_count=PATTERN_WEEKS,
        hours=[
            HourOfWeek(weekday=weekday, hour=hour, statement_count=counted[weekday, hour])
            for weekday in range(7)
            for hour in range(24)
        ],
    )


def accepted_by_minute(db: Session) -> list[MinuteAccepted]:
    """How much was accepted in each of the last minutes, the oldest first, minutes without anything too."""
    this_minute = clock.now().replace(second=0, microsecond=0)
    minutes = [this_minute - timedelta(minutes=ago) for ago in range(THROUGHPUT_MINUTES - 1, -1, -1)]
    found = {row.at: row.statements for row in queries_today.stored_by_minute(db, minutes[0], THROUGHPUT_COUNTED)}
    return [MinuteAccepted(at=minute, statement_count=found.get(minute, 0)) for minute in minutes]


def latest_activity(db: Session, viewer: Viewer, limit: int = MAX_LATEST) -> list[LatestActivity]:
    """What was stored last, in words, the newest first."""
    part = Part(*Filters(viewer=viewer).statements("flat.learner_id"))
    return [_in_words(row) for row in queries_today.latest(db, part, min(limit, MAX_LATEST))]


def _planned(
    cohort: Row[Any], members: Sequence[Row[Any]], due: Sequence[date], todays: Sequence[date], now: datetime
) -> CohortToday:
    begins = None
    if cohort.starts_on:
        begins = rules.start_of(cohort.starts_on, clock.zone_of(cohort.time_zone) or ZoneInfo("UTC"))
    places = {day: (f"overdue_{place}", sum(due_on < day for due_on in due)) for place, day in enumerate(todays)}
    of_zone: dict[str | None, tuple[str, int]] = {}
    at_risk = 0
    for row in members:
        if row.time_zone not in of_zone:
            of_zone[row.time_zone] = places[rules.today(now, row.time_zone, cohort.time_zone)]
        completed_of_these, were_due = of_zone[row.time_zone]
        risk = rules.risk(
            overdue=were_due - (getattr(row, completed_of_these) or 0),
            is_finished=row.completed == cohort.lesson_count,
            last_at=row.last_at,
            begun_at=max(row.joined_at, begins) if begins else row.joined_at,
            now=now,
            behind_lessons=rules.BEHIND_LESSONS,
            silent_days=rules.SILENT_DAYS,
        )
        at_risk += bool(risk.reasons)
    completed = sum(row.completed or 0 for row in members)
    return CohortToday(
        cohort=CohortName(id=cohort.id, slug=cohort.slug, name=cohort.name, time_zone=cohort.time_zone),
        learner_count=len(members),
        lesson_count=cohort.lesson_count,
        completed_count=completed,
        completion_rate=rules.rate(completed, len(members) * cohort.lesson_count),
        at_risk_count=at_risk,
    )


def _in_words(row: Row[Any]) -> LatestActivity:
    what = row.object_name or row.title or row.object_id
    return LatestActivity(
        statement_id=row.statement_id,
        learner_id=row.learner_id,
        learner=row.name or row.email or row.phone or row.actor_name or "Somebody",
        did=_DID.get(row.verb, row.verb.replace("-", " ").replace("_", " ")),
        what=what,
        lesson_id=row.lesson_id,
        lesson=row.title if row.title != what else None,
        completes_lesson=row.completes_lesson,
        occurred_at=row.occurred_at,
        stored_at=row.stored_at,
    )
