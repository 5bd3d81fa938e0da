"""Quiet hours of cohorts, and how long a mail server that is away is left alone. Pure, so no stores are asked."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from app.notifications import rules
from app.notifications.rules import ask_again_at, decide
from app.notifications.standing import Membership, OpenLesson, Standing
from tests.rooms.notifications.test_rules import LIMITS, NO_QUIET, learner, moments, sent_at

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 6, 10)


def in_cohorts(*cohorts: tuple[int, tuple[int, int] | None]) -> Standing:
    """A learner with one open lesson in each of these: reminder hour, quiet hours."""
    ids = [uuid4() for _ in cohorts]
    return learner(
        memberships=tuple(
            Membership(one, "c", "UTC", hour, True, quiet) for one, (hour, quiet) in zip(ids, cohorts, strict=True)
        ),
        lessons=tuple(OpenLesson(uuid4(), one, date(2026, 6, 1), 1) for one in ids),
    )


def hours_sent(standing: Standing) -> list[int]:
    return [moment.astimezone(BERLIN).hour for moment in sent_at(standing, moments("Europe/Berlin", DAY))]


@pytest.mark.parametrize(
    ("cohorts", "sent"),
    [
        ([(9, None)], 9),
        ([(9, (18, 12))], 12),
        ([(7, (0, 0))], 7),  # none are quiet in this cohort, whatever the settings say
        ([(22, (0, 0))], 22),
        ([(13, (12, 15))], 15),
        ([(9, (18, 12)), (10, None)], 12),  # in peace in one cohort is in peace in all
        ([(9, (12, 18)), (13, (20, 10))], 10),
        ([(9, (0, 12)), (9, (12, 0))], 9),  # no hour is left: those of the settings
    ],
)
def test_quiet_hours_of_cohorts(cohorts: list[tuple[int, tuple[int, int] | None]], sent: int) -> None:
    for order in permutations(cohorts):
        assert hours_sent(in_cohorts(*order)) == [sent]


def test_in_a_quiet_noon_the_afternoon_is_told_and_in_the_evening_that_the_day_is_over() -> None:
    standing = in_cohorts((9, (12, 14)))
    noon = datetime(2026, 6, 10, 12, 30, tzinfo=BERLIN)
    told = decide(standing, noon, LIMITS)
    assert (told.reason, told.at) == ("later", datetime(2026, 6, 10, 14, tzinfo=BERLIN))
    assert decide(in_cohorts((9, (18, 8))), noon.replace(hour=19), LIMITS).reason == "day_over"
    assert decide(in_cohorts((9, (18, 8))), noon.replace(hour=19), NO_QUIET).reason == "day_over"


def test_a_server_is_left_alone_for_longer_each_time_and_never_for_long() -> None:
    now = datetime(2026, 6, 10, 12, tzinfo=UTC)
    longest = [(ask_again_at(now, failures, 1) - now) / timedelta(minutes=1) for failures in (1, 2, 3, 4, 5, 10**9)]
    assert longest == [5, 10, 20, 30, 30, 30]
    assert max(longest) == rules.AWAY_MOST_MINUTES
    assert ask_again_at(now, 3, 0) - now == timedelta(minutes=15)
