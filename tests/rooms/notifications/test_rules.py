"""When whose reminder is due: zones, changes of the clocks, midnight, quiet hours. Pure, so no stores are asked."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from app.notifications import rules
from app.notifications.rules import Limits, decide
from app.notifications.standing import LastReminder, Membership, OpenLesson, Standing

LIMITS = Limits(quiet_from_hour=21, quiet_until_hour=8, max_unanswered=3)
NO_QUIET = Limits(quiet_from_hour=0, quiet_until_hour=0, max_unanswered=3)
TWELVE_ZONES = (
    "Pacific/Kiritimati",
    "Pacific/Auckland",
    "Australia/Adelaide",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Asia/Dubai",
    "Europe/Berlin",
    "UTC",
    "America/St_Johns",
    "America/New_York",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
)


def learner(
    zone: str | None = "Europe/Berlin", hour: int = 9, due: date = date(2026, 3, 1), **more: object
) -> Standing:
    cohort_id = uuid4()
    values: dict[str, object] = {
        "learner_id": uuid4(),
        "name": "Ann",
        "email": "ann@example.org",
        "time_zone": zone,
        "memberships": (Membership(cohort_id, "Spring", "UTC", hour, True),),
        "lessons": (OpenLesson(uuid4(), cohort_id, due, 1),),
    }
    return Standing(**{**values, **more})  # type: ignore[arg-type]


def moments(zone: str, day: date, minutes: int = 5, days: int = 1) -> list[datetime]:
    """Every tick of this local day (or several), as UTC."""
    start = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=2)
    ticks = [start + timedelta(minutes=minutes * i) for i in range((24 * days + 4) * 60 // minutes)]
    last = day + timedelta(days=days - 1)
    return [tick for tick in ticks if day <= tick.astimezone(ZoneInfo(zone)).date() <= last]


def sent_at(standing: Standing, ticks: list[datetime], limits: Limits = LIMITS) -> list[datetime]:
    """When reminders go out when every tick is looked at and each one sent is remembered, as the ledger does."""
    out = []
    for tick in ticks:
        decision = decide(standing, tick, limits)
        if decision.reason == "due":
            out.append(tick)
            last = LastReminder(decision.local_day, "sent", tick, None)
            standing = Standing(**{name: getattr(standing, name) for name in standing.__slots__} | {"last": last})
    return out


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Africa/Cairo", date(2026, 4, 24)),
        ("Africa/Cairo", date(2026, 10, 29)),
        ("America/Havana", date(2026, 11, 1)),
    ],
)
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 9, 23])
def test_a_change_of_the_clocks_neither_doubles_nor_loses_a_reminder(zone: str, day: date, hour: int) -> None:
    days = [day - timedelta(days=1), day, day + timedelta(days=1)]
    out = sent_at(learner(zone, hour), moments(zone, days[0], days=3), NO_QUIET)
    local = [moment.astimezone(ZoneInfo(zone)) for moment in out]
    assert [moment.date() for moment in local] == days
    assert [moment.hour for moment in local if moment.date() != day] == [hour, hour]
    # In a gap of the clocks the first moment after it; otherwise the hour itself, the first time it comes.
    assert local[1].hour in (hour, hour + 1)
    assert local[1].fold == 0


def test_the_moment_that_is_foretold_is_the_one_at_which_it_is_due() -> None:
    for zone, day, hour in (
        ("Europe/Berlin", date(2026, 3, 29), 2),
        ("Europe/Berlin", date(2026, 10, 25), 2),
        ("America/New_York", date(2026, 3, 8), 2),
        ("America/New_York", date(2026, 11, 1), 1),
    ):
        standing = learner(zone, hour)
        early = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
        told = decide(standing, early, NO_QUIET)
        assert told.reason == "later"
        assert told.at is not None
        assert decide(standing, told.at, NO_QUIET).reason == "due"
        assert decide(standing, told.at - timedelta(seconds=1), NO_QUIET).reason == "later"


@pytest.mark.parametrize("zone", TWELVE_ZONES)
def test_in_twelve_zones_everybody_is_reminded_at_nine_of_their_own_day(zone: str) -> None:
    due = date(2026, 6, 10)
    ticks = [datetime(2026, 6, 8, tzinfo=UTC) + timedelta(minutes=5 * i) for i in range(12 * 24 * 4)]
    out = [moment.astimezone(ZoneInfo(zone)) for moment in sent_at(learner(zone, due=due), ticks)]
    assert (out[0].date(), out[0].hour, out[0].minute) == (due, 9, 0)
    assert len({moment.date() for moment in out}) == len(out)


def test_midnight_begins_the_day_on_which_a_lesson_is_due() -> None:
    due = date(2026, 6, 10)
    standing = learner("Asia/Tokyo", 0, due)
    midnight = datetime(2026, 6, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert decide(standing, midnight - timedelta(seconds=1), NO_QUIET).reason == "nothing_due"
    assert decide(standing, midnight, NO_QUIET).reason == "due"
    # Claimed in the last second of one day, the next day has begun a second later; nobody is mailed twice for that.
    last = LastReminder(date(2026, 6, 10), "sent", midnight + timedelta(hours=23, minutes=59, seconds=59), None)
    after = decide(learner("Asia/Tokyo", 0, due, last=last), midnight + timedelta(days=1), NO_QUIET)
    assert (after.reason, after.at) == ("later", last.claimed_at + timedelta(hours=rules.MIN_HOURS_BETWEEN))


@pytest.mark.parametrize(
    ("hour", "sent"), [(9, 9), (8, 8), (7, 8), (0, 8), (20, 20), (21, 8), (23, 8)]
)  # an hour in the night: the morning
def test_quiet_hours_move_a_reminder_to_their_end(hour: int, sent: int) -> None:
    day = date(2026, 6, 10)
    out = [m.astimezone(ZoneInfo("Europe/Berlin")) for m in sent_at(learner(hour=hour), moments("Europe/Berlin", day))]
    assert [moment.hour for moment in out] == [sent]


def test_after_downtime_the_same_day_catches_up_and_the_night_waits_for_the_morning() -> None:
    zone = ZoneInfo("Europe/Berlin")
    late, night = datetime(2026, 6, 10, 20, 59, tzinfo=zone), datetime(2026, 6, 10, 21, 0, tzinfo=zone)
    assert decide(learner(), late, LIMITS).reason == "due"
    told = decide(learner(), night, LIMITS)
    assert (told.reason, told.at) == ("day_over", datetime(2026, 6, 11, 9, tzinfo=zone))


def test_the_cohorts_zone_counts_where_the_learner_has_none_and_wrong_names_count_as_none() -> None:
    noon = datetime(2026, 6, 10, 12, tzinfo=UTC)
    membership = Membership(uuid4(), "Spring", "Asia/Tokyo", 9, True)
    for name in (None, "", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "a\0b"):
        standing = learner(name, memberships=(membership,), lessons=())
        assert rules.zone_of(standing) == "Asia/Tokyo"
        assert decide(standing, noon, LIMITS).time_zone == "Asia/Tokyo"
    assert rules.zone_of(learner("America/Lima", memberships=(membership,))) == "America/Lima"
    assert rules.zone_of(learner(None, memberships=())) == "UTC"


def test_a_learner_in_two_cohorts_gets_one_digest_at_the_earlier_hour() -> None:
    first, second = uuid4(), uuid4()
    shared, other, early = uuid4(), uuid4(), uuid4()
    standing = learner(
        memberships=(Membership(first, "A", "UTC", 17, True), Membership(second, "B", "UTC", 10, True)),
        lessons=(
            OpenLesson(shared, first, date(2026, 6, 9), 2),
            OpenLesson(shared, second, date(2026, 6, 1), 2),
            OpenLesson(other, first, date(2026, 6, 10), 1),
            OpenLesson(early, first, date(2026, 6, 2), 1),
            OpenLesson(uuid4(), first, date(2026, 6, 11), 3),
        ),
    )
    ten = datetime(2026, 6, 10, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    decision = decide(standing, ten, LIMITS)
    assert decision.reason == "due"
    assert [lesson.lesson_id for lesson in decision.lessons] == [shared, early, other]
    assert decision.cohort_id == second
    assert decide(standing, ten - timedelta(minutes=1), LIMITS).reason == "later"


NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
TODAY = date(2026, 6, 10)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, "due"),
        ({"email": None}, "no_email"),
        ({"unsubscribed": True}, "unsubscribed"),
        ({"bounced": True}, "bounced"),
        ({"unanswered": 2}, "due"),
        ({"unanswered": 3}, "unanswered"),
        ({"lessons": ()}, "nothing_due"),
        ({"memberships": (Membership(UUID(int=1), "A", "UTC", 9, False),), "lessons": ()}, "no_dates"),
        ({"last": LastReminder(TODAY, "sent", NOON - timedelta(hours=9), None)}, "reminded"),
        ({"last": LastReminder(TODAY, "failed", NOON - timedelta(hours=9), None)}, "reminded"),
        ({"last": LastReminder(TODAY, "bounced", NOON - timedelta(hours=9), None)}, "reminded"),
        ({"last": LastReminder(TODAY, "unknown", NOON - timedelta(hours=9), None)}, "unknown_outcome"),
        ({"last": LastReminder(TODAY, "sending", NOON, None)}, "unknown_outcome"),
        ({"last": LastReminder(TODAY, "waiting", NOON, NOON + timedelta(minutes=1))}, "retry"),
        ({"last": LastReminder(TODAY, "waiting", NOON, NOON)}, "due"),
        ({"last": LastReminder(TODAY - timedelta(days=1), "sent", NOON - timedelta(hours=27), None)}, "due"),
        ({"last": LastReminder(TODAY - timedelta(days=1), "waiting", NOON - timedelta(hours=20), NOON)}, "due"),
        # They moved west: what is tomorrow where they were reminded is today here.
        ({"last": LastReminder(TODAY + timedelta(days=1), "sent", NOON - timedelta(hours=9), None)}, "reminded"),
    ],
)
def test_the_reason(more: dict[str, object], reason: str) -> None:
    assert decide(learner(**more), NOON, LIMITS).reason == reason  # type: ignore[arg-type]


def test_who_moves_to_where_the_next_day_has_begun_is_not_mailed_again_within_hours() -> None:
    honolulu = datetime(2026, 6, 10, 9, tzinfo=ZoneInfo("Pacific/Honolulu"))
    last = LastReminder(date(2026, 6, 10), "sent", honolulu, None)
    moved = learner("Pacific/Auckland", last=last)
    assert decide(moved, honolulu + timedelta(hours=2), LIMITS).reason == "later"
    assert decide(moved, honolulu + timedelta(hours=8), LIMITS).reason == "due"


def test_the_server_is_asked_again_later_and_later() -> None:
    waits = [(rules.retry_at(NOON, attempts) - NOON).total_seconds() / 60 for attempts in range(1, 6)]
    assert waits == [5, 15, 45, 60, 60]


def test_no_zone_is_further_ahead_than_what_is_looked_at() -> None:
    for name in TWELVE_ZONES:
        for hours in range(48):
            now = NOON + timedelta(hours=hours)
            assert now.astimezone(ZoneInfo(name)).date() <= rules.latest_day(now)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_lesson_of_two_cohorts_is_sent_at_the_earlier_hour_whichever_cohort_it_is_counted_in(swapped: bool) -> None:
    early, late = (UUID(int=2), UUID(int=1)) if swapped else (UUID(int=1), UUID(int=2))
    shared = uuid4()
    standing = learner(
        memberships=(Membership(early, "A", "UTC", 9, True), Membership(late, "B", "UTC", 11, True)),
        lessons=tuple(OpenLesson(shared, cohort, date(2026, 6, 1), 1) for cohort in (early, late)),
    )
    assert decide(standing, datetime(2026, 6, 10, 9, tzinfo=ZoneInfo("Europe/Berlin")), LIMITS).reason == "due"
