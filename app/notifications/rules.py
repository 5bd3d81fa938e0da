"""When is which learner's reminder due? Pure: the same standing at the same moment always gives the same answer."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.notifications.standing import Decision, OpenLesson, Reason, Standing
from app.platform import clock

MIN_HOURS_BETWEEN = 8
"""Between two reminders, also when a learner moves to a zone where the next day has begun. Less than a quiet night."""
FURTHEST_AHEAD = timedelta(hours=14)
"""No zone's day begins earlier than this before that of UTC."""
RETRY_MINUTES = (5, 15, 45)
"""How long after the first, second and third temporary refusal the next attempt is made; after that, every hour."""
RETRY_LATER_MINUTES = 60

AWAY_MINUTES, AWAY_MOST_MINUTES = 5, 30
"""How long a mail server that takes nothing from us is left alone: doubled each time, and never longer than the second,
so that whoever is due is reminded the same day unless it comes back in the last half hour of it."""
AWAY_JITTER = 0.25
"""The share of that time that chance may take off, so that not all who wait for a server come at the same moment."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that rules go by. Quiet hours are those of a local day; from == until: there are none."""

    quiet_from_hour: int
    quiet_until_hour: int
    max_unanswered: int

    @property
    def quiet(self) -> frozenset[int]:
        """The quiet hours of the day, each 0 to 23."""
        return hours_between(self.quiet_from_hour, self.quiet_until_hour)


def hours_between(start: int, end: int) -> frozenset[int]:
    """The hours of a day from the one until the other, over midnight if need be; start == end: none."""
    return frozenset(
        hour for hour in range(24) if (start <= hour < end if start <= end else hour >= start or hour < end)
    )


def decide(standing: Standing, now: datetime, limits: Limits) -> Decision:
    """Whether the learner is to be reminded at `now` (aware), and if not, why and when. See docs/reminders.md."""
    zone_name = zone_of(standing)
    zone = clock.zone_of(zone_name) or ZoneInfo("UTC")
    local = now.astimezone(zone)
    day = local.date()
    lessons = lessons_left(standing, day)
    cohort_id = lessons[0].cohort_id if lessons else None

    def told(reason: Reason, at: datetime | None = None) -> Decision:
        return Decision(reason, day, zone.key, at, lessons, cohort_id)

    if not any(membership.has_dates for membership in standing.memberships):
        return told("no_dates")
    if not lessons:
        return told("nothing_due")
    if not standing.email:
        return told("no_email")
    if standing.unsubscribed:
        return told("unsubscribed")
    if standing.bounced:
        return told("bounced")
    quiet = quiet_hours(standing, day, limits)
    hour = reminder_hour(standing, day, quiet)
    tomorrow = first_moment(day + timedelta(days=1), hour, zone)

    def told_when_quiet_ends() -> Decision:
        after = [later for later in range(local.hour + 1, 24) if later not in quiet]
        return told("later", first_moment(day, after[0], zone)) if after else told("day_over", tomorrow)

    last = standing.last
    if last is not None and last.local_day >= day:
        # The day was claimed already: it is over for this learner, unless the mail server asked to come back.
        if last.local_day > day or last.status != "waiting" or last.retry_at is None:
            return told("unknown_outcome" if last.status in ("sending", "unknown") else "reminded", tomorrow)
        if local.hour in quiet:
            return told_when_quiet_ends()
        return told("due", now) if last.retry_at <= now else told("retry", last.retry_at)
    if standing.unanswered >= limits.max_unanswered:
        return told("unanswered")
    if local.hour < hour:
        return told("later", first_moment(day, hour, zone))
    if local.hour in quiet:
        return told_when_quiet_ends()
    if last is not None and now < (earliest := last.claimed_at + timedelta(hours=MIN_HOURS_BETWEEN)):
        return told("later", earliest)
    return told("due", now)


def lessons_left(standing: Standing, day: date) -> tuple[OpenLesson, ...]:
    """The open lessons that are due on this local day or were before; the next one first. A lesson of two cohorts
    counts once, where it was due first."""
    due = sorted(
        (lesson for lesson in standing.lessons if lesson.due_on <= day),
        key=lambda lesson: (lesson.due_on, lesson.position, lesson.cohort_id.bytes, lesson.lesson_id.bytes),
    )
    found: dict[UUID, OpenLesson] = {}
    for lesson in due:
        found.setdefault(lesson.lesson_id, lesson)
    return tuple(found.values())


def quiet_hours(standing: Standing, day: date, limits: Limits) -> frozenset[int]:
    """The hours in which the learner is left in peace: those of each cohort in which something is left on this day.

    Where these leave no hour of the day, those of the settings alone.
    """
    cohorts = _with_something_left(standing, day)
    own = [m.quiet for m in standing.memberships if m.cohort_id in cohorts]
    together = frozenset[int]().union(*(limits.quiet if one is None else hours_between(*one) for one in own))
    return together if len(together) < 24 else limits.quiet


def reminder_hour(standing: Standing, day: date, quiet: frozenset[int]) -> int:
    """The earliest hour among the cohorts in which something is left on this day; where that is a quiet one, the end
    of the quiet hours, which may be in the morning of the same day.

    A lesson of two cohorts is left in both, whichever of them `lessons_left` counts it in.
    """
    cohorts = _with_something_left(standing, day)
    return min(_first_open(m.reminder_hour, quiet) for m in standing.memberships if m.cohort_id in cohorts)


def _first_open(hour: int, quiet: frozenset[int]) -> int:
    return next(later % 24 for later in range(hour, hour + 24) if later % 24 not in quiet)


def _with_something_left(standing: Standing, day: date) -> set[UUID]:
    return {lesson.cohort_id for lesson in standing.lessons if lesson.due_on <= day}


def zone_of(standing: Standing) -> str:
    """The learner's own time zone, else that of the cohort they joined first, so that their day is always one day."""
    named = (standing.time_zone, *(membership.time_zone for membership in standing.memberships))
    return next((name for name in named if name and clock.zone_of(name)), "UTC")


def first_moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which a clock in the zone shows this hour of this day or, where a change of the
    clocks leaves it out, a later one."""
    # PEP 495: fold 0 is the first of two equal times, and in a gap the offset from before it, which leads behind it.
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def retry_at(now: datetime, attempts: int) -> datetime:
    """When to try again after this many attempts, at least one."""
    minutes = RETRY_MINUTES[attempts - 1] if attempts <= len(RETRY_MINUTES) else RETRY_LATER_MINUTES
    return now + timedelta(minutes=minutes)


def ask_again_at(now: datetime, failures: int, chance: float) -> datetime:
    """When a mail server is asked again that took nothing in this many runs in a row, at least one.

    chance: from 0 to 1, as random numbers are; 1 is the longest wait.
    """
    minutes = min(AWAY_MINUTES * 2 ** min(failures - 1, 10), AWAY_MOST_MINUTES)
    return now + timedelta(minutes=minutes * (1 - AWAY_JITTER * (1 - chance)))


def latest_day(now: datetime) -> date:
    """The latest day that it is anywhere: lessons due after it are due for nobody yet."""
    return (now.astimezone(UTC) + FURTHEST_AHEAD).date()
