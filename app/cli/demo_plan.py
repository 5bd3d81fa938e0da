"""Everything that happens in `demo`, planned without a clock, a network or a file.

The same seed, last day and sizes give the same plan, down to the bytes of every delivery.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.cli import demo_answers, demo_learners
from app.cli.demo_course import LESSONS, Lesson
from app.cli.demo_learners import REGIONS, Identities, Learner, Region
from app.cli.demo_statements import DEFECTS, Delivery, Event, Verb, delivery

MAX_COHORTS = len(REGIONS)

_REPEATED_SHARE = 0.02
_LATE_SESSIONS_SHARE = 0.03
_FUTURE_SESSIONS_SHARE = 0.003
_BROKEN_PER_STATEMENTS = 1_000
_LEAVES_MIDWAY_SHARE = 0.09
_COMES_BACK_SHARE = 0.5
_OTHER_CASE_SHARE = 0.4
_PASS_MARK = 0.5
_DAYS_TO_DUE = 2
_HABITS = ((8.2, 0.7), (12.6, 0.4), (19.5, 1.2))
"""When people learn: hours of their own day, and the spread: before work, at lunch, evenings."""
_HABIT_WEIGHTS = (55, 30, 15)


@dataclass(frozen=True, slots=True)
class ScheduledLesson:
    """A lesson of a cohort: open from the one day, due on the other."""

    lesson: Lesson
    opens_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class CohortPlan:
    """People who go through the course together."""

    slug: str
    name: str
    time_zone: str
    lessons: tuple[ScheduledLesson, ...]
    learners: tuple[Learner, ...]

    def as_request(self) -> dict[str, Any]:
        """The body with which the cohort is made."""
        return {
            "name": self.name,
            "time_zone": self.time_zone,
            "lessons": [
                {
                    "activity_id": one.lesson.url,
                    "title": one.lesson.title,
                    "due_on": one.due_on.isoformat(),
                }
                for one in self.lessons
            ],
            "learners": [learner.roster_row() for learner in self.learners],
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The cohorts, and what their learners do, in the order in which word of it is sent."""

    cohorts: tuple[CohortPlan, ...]
    events: tuple[Event, ...]

    def deliveries(self) -> Iterator[Delivery]:
        """The requests to make, each written out when it is asked for."""
        return (delivery(event) for event in self.events)


def generate(*, seed: int, ends_on: date, learners: int = 300, days: int = 30, cohorts: int = 4) -> Plan:
    """Plan a course that is watched for `days` days until `ends_on` begins, in UTC.

    `ends_on` itself stays empty: a plan for today must not depend on the time of day. ValueError
    when there are fewer learners than cohorts, more than MAX_COHORTS cohorts, or no days.
    """
    if not 1 <= cohorts <= MAX_COHORTS:
        raise ValueError(f"the number of cohorts is from 1 to {MAX_COHORTS}")
    if learners < cohorts:
        raise ValueError("there is at least one learner per cohort")
    if not 1 <= days <= 365:
        raise ValueError("the number of days is from 1 to 365")
    random = Random(f"{seed} {ends_on} {learners} {days} {cohorts}")  # noqa: S311
    ends_at = datetime.combine(ends_on, time(), UTC)
    # The people do not depend on the day, so that the demo of another day meets the same ones.
    people_random = Random(f"{seed} people")  # noqa: S311
    taken = Identities(people_random)
    plans: list[CohortPlan] = []
    events: list[Event] = []
    for number, size in enumerate(_sizes(learners, cohorts)):
        starts_on = ends_on - timedelta(days=round(days * (1 - 0.6 * number / cohorts)))
        plan = _cohort(
            REGIONS[number],
            size,
            starts_on=starts_on,
            days=days,
            random=people_random,
            taken=taken,
        )
        plans.append(plan)
        for learner in plan.learners:
            events += _course_of(learner, plan.lessons, ends_at, random)
    events += _repeated(events, ends_at, random)
    events += _broken(events, random)
    events.sort(key=lambda event: event.sent_at)
    return Plan(tuple(plans), tuple(events))


def _sizes(total: int, cohorts: int) -> list[int]:
    """Sizes that fall from cohort to cohort, none of them empty."""
    weights = [0.75**number for number in range(cohorts)]
    spare = total - cohorts
    sizes = [1 + int(spare * weight / sum(weights)) for weight in weights]
    sizes[0] += total - sum(sizes)
    return sizes


def _cohort(region: Region, size: int, *, starts_on: date, days: int, random: Random, taken: Identities) -> CohortPlan:
    pace = days * 0.85 / len(LESSONS)
    lessons = []
    for place, lesson in enumerate(LESSONS):
        opens_on = starts_on + timedelta(days=int(place * pace))
        due_on = opens_on + timedelta(days=_DAYS_TO_DUE)
        lessons.append(ScheduledLesson(lesson, opens_on, due_on))
    people = demo_learners.learners(region, size, random, taken)
    return CohortPlan(region.slug, region.name, region.time_zone, tuple(lessons), tuple(people))


def _course_of(
    learner: Learner, lessons: tuple[ScheduledLesson, ...], ends_at: datetime, random: Random
) -> Iterator[Event]:
    """What one learner does, lesson after lesson, until they drop out or the plan ends."""
    free_from = datetime.min.replace(tzinfo=UTC)
    for scheduled in lessons:
        if random.random() >= learner.stays:
            return
        begins = _moment(learner, scheduled.opens_on, random)
        if begins < free_from:
            # Behind already: the next lesson follows in the same sitting.
            begins = free_from + timedelta(seconds=random.uniform(20, 240))
        leaves = random.random() < _LEAVES_MIDWAY_SHARE
        session = list(_session(learner, scheduled.lesson, begins, random, leaves=leaves))
        if leaves and random.random() < _COMES_BACK_SHARE:
            again = begins + timedelta(hours=random.uniform(5, 50))
            session += _session(learner, scheduled.lesson, again, random, attempt=2)
        session = [event for event in session if event.happened_at < ends_at]
        if not session:
            return
        free_from = session[-1].happened_at
        yield from _as_delivered(session, ends_at, random)


def _moment(learner: Learner, opens_on: date, random: Random) -> datetime:
    """When the learner turns to a lesson that opens on this day of theirs."""
    day = opens_on + timedelta(days=int(learner.delay_days * random.uniform(0.4, 1.6)))
    if day.weekday() == 6 and random.random() < 0.6:
        day += timedelta(days=1)
    hour, spread = random.choices(_HABITS, _HABIT_WEIGHTS)[0]
    seconds = max(5 * 3600.0, min(23 * 3600.0, random.gauss(hour, spread) * 3600))
    local = datetime.combine(day, time(), ZoneInfo(learner.time_zone)) + timedelta(seconds=seconds)
    return local.astimezone(UTC)


def _session(
    learner: Learner,
    lesson: Lesson,
    begins: datetime,
    random: Random,
    *,
    leaves: bool = False,
    attempt: int = 1,
) -> Iterator[Event]:
    """One sitting with a lesson: open it, go from card to card, complete it unless one leaves."""
    now = begins
    other_case = learner.other_case is not None and random.random() < _OTHER_CASE_SHARE

    def event(verb: Verb, card: int | None = None, **more: Any) -> Event:
        return Event(now, now, learner, lesson, verb, card, attempt=attempt, **more)

    opened = event("launched" if attempt == 1 else "attempted", other_case=other_case)
    yield opened
    right = asked = 0
    seen = random.randrange(1, len(lesson.cards)) if leaves else len(lesson.cards)
    for place, card in enumerate(lesson.cards[:seen]):
        seconds = round(random.lognormvariate(2.3, 0.5), 1)
        now += timedelta(seconds=seconds)
        if card.kind == "content":
            yield event("experienced", place, seconds=seconds, other_case=other_case)
            continue
        answer: int | str
        score = None
        if card.kind == "form":
            answer = demo_answers.free_text(learner, lesson, random)
        elif card.kind == "rating":
            answer = demo_answers.rating(learner, random)
        else:
            answer = demo_answers.choice(card, learner, random)
        if card.correct is not None:
            score = int(answer == card.correct)
            right, asked = right + score, asked + 1
        yield event("answered", place, answer=answer, score=score, seconds=seconds, other_case=other_case)
    if leaves:
        return
    now += timedelta(seconds=1.5)
    if lesson.tested and asked:
        verb: Verb = "passed" if right / asked >= _PASS_MARK else "failed"
        yield event(verb, score=right, out_of=asked, other_case=other_case)
    now += timedelta(seconds=0.5)
    total = (now - begins).total_seconds()
    yield event("completed", seconds=total, other_case=other_case)


def _as_delivered(session: list[Event], ends_at: datetime, random: Random) -> list[Event]:
    """The session as a telephone sends it: mostly at once, now and then late or by a wrong clock."""
    chance = random.random()
    if chance < _FUTURE_SESSIONS_SHARE:
        ahead = ends_at - session[0].happened_at + timedelta(days=random.uniform(2, 60))
        return [replace(event, happened_at=event.happened_at + ahead, quirk="future") for event in session]
    room = (ends_at - session[-1].happened_at).total_seconds() / 86_400
    if chance < _FUTURE_SESSIONS_SHARE + _LATE_SESSIONS_SHARE and room > 1:
        behind = timedelta(days=random.uniform(1, min(6, room)))
        return [replace(event, sent_at=event.sent_at + behind, quirk="late") for event in session]
    return session


def _repeated(events: list[Event], ends_at: datetime, random: Random) -> Iterator[Event]:
    for event in events:
        if random.random() < _REPEATED_SHARE:
            again = event.sent_at + timedelta(minutes=random.uniform(0.2, 300))
            yield replace(event, sent_at=min(again, ends_at), quirk="repeat")


def _broken(events: list[Event], random: Random) -> list[Event]:
    """A few statements more, each with something wrong, so that the good ones stay complete."""
    if not events:
        return []
    count = max(len(DEFECTS), len(events) // _BROKEN_PER_STATEMENTS)
    origins = [random.choice(events) for _ in range(count)]
    return [replace(event, quirk="broken", defect=number % len(DEFECTS)) for number, event in enumerate(origins)]
