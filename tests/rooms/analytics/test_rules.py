"""What the numbers mean, apart from where they are kept."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.analytics import rules

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("card_type", "interaction", "judged", "kind"),
    [
        ("Poll", "choice", True, "poll"),
        ("quiz", None, False, "quiz"),
        ("rating", None, False, "rating"),
        ("form", "choice", False, "text"),
        ("unheard-of", "likert", False, "rating"),
        (None, "numeric", False, "rating"),
        (None, "long-fill-in", False, "text"),
        (None, "fill-in", True, "quiz"),
        (None, "choice", True, "quiz"),
        (None, "choice", False, "poll"),
        (None, None, True, "quiz"),
        (None, None, False, "text"),
    ],
)
def test_what_a_question_is(card_type: str | None, interaction: str | None, judged: bool, kind: str) -> None:
    assert rules.question_kind(card_type, interaction, is_judged=judged) == kind


@pytest.mark.parametrize(
    ("raw", "choice", "expected"),
    [
        (3.0, "stars-4", 3.0),
        (None, "stars-4", 4.0),
        (None, "4.5", 4.5),
        (None, "-2", -2.0),
        (None, "good", None),
        (None, None, None),
        (0.0, "5", 0.0),
    ],
)
def test_the_number_of_a_rating(raw: float | None, choice: str | None, expected: float | None) -> None:
    assert rules.rating_of(raw, choice) == expected


def test_a_distribution_counts_each_choice_once_per_answer_and_ends() -> None:
    assert rules.distribution([("a[,]b", 2), ("b", 1), ("a[,]a", 1), (None, 9)]) == [("a", 3), ("b", 3)]
    assert len(rules.distribution((f"{n}", 1) for n in range(99))) == rules.MAX_CHOICES


def test_days_last_as_long_as_they_do_where_the_clocks_change() -> None:
    """29 March 2026 has 23 hours in Berlin, 25 October has 25."""
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 3, 30), 24)):
        since, until = rules.span(day, day, BERLIN)
        assert since
        assert until
        assert until - since == timedelta(hours=hours)
    assert rules.span(None, None, BERLIN) == (None, None)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Pacific/Kiritimati", 11), ("Pacific/Pago_Pago", 10), (None, 10), ("Mars/Olympus", 10)],
)
def test_a_learners_day_is_their_own(zone: str | None, expected: int) -> None:
    assert rules.today(NOW, zone, "Europe/Berlin") == date(2026, 3, expected)


@pytest.mark.parametrize(("due", "days"), [(9, 1), (10, 0), (11, 0), (None, 0)])
def test_a_lesson_is_overdue_from_the_day_after(due: int | None, days: int) -> None:
    assert rules.overdue_days(due and date(2026, 3, due), date(2026, 3, 10)) == days


@pytest.mark.parametrize(
    ("overdue", "silent", "finished", "reasons"),
    [
        (2, 0, False, ("behind",)),
        (1, 7, False, ("silent",)),
        (2, 7, False, ("behind", "silent")),
        (1, 6, False, ()),
        (9, 99, True, ()),
    ],
)
def test_who_is_at_risk(overdue: int, silent: int, finished: bool, reasons: tuple[str, ...]) -> None:
    at = NOW - timedelta(days=silent)
    found = rules.risk(
        overdue=overdue, is_finished=finished, last_at=at, begun_at=NOW, now=NOW, behind_lessons=2, silent_days=7
    )
    assert (found.reasons, found.silent_days) == (reasons, silent)


def test_silence_begins_with_joining_and_is_never_negative() -> None:
    for begun, days in ((NOW - timedelta(days=8), 8), (NOW + timedelta(days=3), 0)):
        found = rules.risk(
            overdue=0, is_finished=False, last_at=None, begun_at=begun, now=NOW, behind_lessons=2, silent_days=7
        )
        assert found.silent_days == days


def test_nothing_has_no_share() -> None:
    assert (rules.rate(0, 0), rules.rate(1, 3), rules.rate(2, 3)) == (None, 0.3333, 0.6667)
