"""When reminders go out: zones, changes of the clocks, missed ticks, patience within the day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.jobs import scheduler
from app.platform import clock
from tests.flow.post_office import PostOffice
from tests.flow.reminding import MORNING, course, rows, send


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
    ],
)
def test_a_change_of_the_clocks_sends_once_a_day(office: PostOffice, zone: str, day: date) -> None:
    course("ann@example.org", due=day - timedelta(days=9), lessons=1, zone=zone, hour=9)
    start = datetime.combine(day - timedelta(days=1), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    for ticks in range(3 * 24 * 2):
        send(start + timedelta(minutes=30 * ticks))
    dates = [letter.message["Date"].datetime.astimezone(ZoneInfo(zone)) for letter in office.letters]
    assert [(moment.date() - day).days for moment in dates] == [-1, 0, 1]
    assert {(moment.hour, moment.minute) for moment in dates} == {(9, 0)}


def test_learners_in_twelve_zones_each_at_their_own_nine(office: PostOffice) -> None:
    from tests.rooms.notifications.test_rules import TWELVE_ZONES

    for number, zone in enumerate(TWELVE_ZONES):
        course(f"l{number}@example.org", slug=f"c{number}", lessons=1, learner_zone=zone, zone="UTC")
    for ticks in range(60 * 2):
        send(datetime(2026, 3, 8, tzinfo=UTC) + timedelta(minutes=15 * ticks * 2))
    first: dict[str, datetime] = {}
    for letter in office.letters:
        first.setdefault(letter.recipient, letter.message["Date"].datetime)
    local = [first[f"l{number}@example.org"].astimezone(ZoneInfo(zone)) for number, zone in enumerate(TWELVE_ZONES)]
    assert {moment.date() for moment in local} == {date(2026, 3, 9)}
    assert {moment.hour for moment in local} == {9}
    days = [(x.recipient, x.message["Date"].datetime.date()) for x in office.letters]
    assert len(days) == len(set(days))


def test_greylisting_is_retried_with_patience_within_the_day(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    office.at_recipient = lambda address: "451 4.7.1 greylisted, come back" if address.startswith("ann") else None
    send()
    assert rows() == [("ann@example.org", "waiting", 1), ("ben@example.org", "sent", 1)]
    send(MORNING + timedelta(minutes=4))
    assert office.tried.count("ann@example.org") == 1
    send(MORNING + timedelta(minutes=5))
    assert rows()[0] == ("ann@example.org", "waiting", 2)
    office.at_recipient = lambda address: None
    send(MORNING + timedelta(minutes=19))
    assert office.recipients() == ["ben@example.org"]
    send(MORNING + timedelta(minutes=20))
    assert rows() == [("ann@example.org", "sent", 3), ("ben@example.org", "sent", 1)]
    assert office.recipients() == ["ben@example.org", "ann@example.org"]
    send(MORNING + timedelta(hours=2))
    assert len(office.letters) == 2


def test_a_retry_never_reaches_into_quiet_hours_and_the_next_day_begins_anew(office: PostOffice) -> None:
    course("ann@example.org")
    office.at_data = lambda address: "452 4.3.1 no room"
    evening = MORNING.replace(hour=20, minute=50)
    send(evening)
    office.at_data = lambda address: None
    send(evening + timedelta(minutes=15))
    assert office.letters == []
    send(MORNING + timedelta(days=1))
    assert rows() == [("ann@example.org", "waiting", 1), ("ann@example.org", "sent", 1)]
    send(MORNING + timedelta(days=3))
    assert rows()[0] == ("ann@example.org", "failed", 1)


def test_a_missed_tick_is_caught_up_the_same_day_and_a_missed_day_is_not_doubled(office: PostOffice) -> None:
    course("ann@example.org", lessons=1)
    for at in (MORNING.replace(hour=8, minute=59), MORNING.replace(hour=19), MORNING.replace(hour=23)):
        with clock.set_now(at):
            scheduler.schedule_daily_reminders.fn()
            scheduler.schedule_daily_reminders.fn()
    with clock.set_now(MORNING + timedelta(days=3)):
        scheduler.schedule_daily_reminders.fn()
    sent = [letter.message["Date"].datetime.astimezone(MORNING.tzinfo) for letter in office.letters]
    assert [(moment.day, moment.hour) for moment in sent] == [(10, 19), (13, 9)]
