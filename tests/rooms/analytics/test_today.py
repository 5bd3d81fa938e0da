"""The overview of everything, worked out by hand, and told as the reports of each cohort tell it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.cohorts import put_cohort
from app.accounts.visibility import ADMIN, Viewer
from app.analytics import today
from app.analytics.overview import Limits, cohort_overview
from app.analytics.search import search
from app.analytics.selection import Filters, Page
from app.platform import clock
from app.schemas import CohortPlan
from tests.rooms.analytics.course import NOW, Course

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


@pytest.fixture
def course(db: Session) -> Course:
    return Course(db)


def test_today_beside_the_same_hours_a_week_before(db: Session, course: Course) -> None:
    with clock.set_now(NOW):
        told = today.today(db, ADMIN, BERLIN)
    # Ann on the 10th: two launches, two completions; Ben on the 3rd and a group: two launches and completions, hers.
    assert (told.statement_count, told.completed_count) == (4, 2)
    assert (told.statement_count_before, told.completed_count_before) == (4, 2)
    # 3 March 12:00 to 10 March: Ann, Ben (4th), Cyd, Fay (4th). The week before: Ann, Ben and Eve (2nd and 3rd).
    assert (told.active_learner_count, told.active_learner_count_before) == (4, 3)
    assert told.learner_count == db.execute(text("SELECT count(*) FROM users")).scalar_one()


def test_today_is_the_viewers_day(db: Session, course: Course) -> None:
    with clock.set_now(NOW):
        assert today.today(db, ADMIN, ZoneInfo("Pacific/Kiritimati")).statement_count == 0


def test_the_clock_on_the_wall_is_compared_across_summer_time(db: Session, course: Course) -> None:
    """On 29 March Berlin's clocks go forward: at 10:00 summer time a week before it was 9:00 in UTC."""
    db.execute(text("UPDATE silver.statements_flat SET occurred_at = '2026-03-23T08:30:00Z'"))
    with clock.set_now(datetime(2026, 3, 30, 8, 0, tzinfo=UTC)):
        assert today.today(db, ADMIN, BERLIN).statement_count_before > 0


def test_cohorts_are_told_as_their_own_report_tells_them(db: Session, course: Course) -> None:
    put_cohort(db, "empty", CohortPlan.model_validate({"name": "Empty"}))
    put_cohort(
        db,
        "unplanned",
        CohortPlan.model_validate({"name": "Unplanned", "learners": [{"name": "Ann", "email": "ann@example.org"}]}),
    )
    with clock.set_now(NOW):
        told = today.cohorts_today(db, ADMIN)
        assert {one.cohort.slug for one in told} == {"spring", "autumn", "empty", "unplanned"}
        for one in told:
            report = cohort_overview(db, one.cohort.id, Filters(), Limits(), Page())
            expected = today.CohortToday.model_validate(report, from_attributes=True)
            assert one == expected
    assert {one.cohort.slug: one.at_risk_count for one in told}["spring"] > 0


def test_activity_by_hour_is_in_the_viewers_zone(db: Session, course: Course) -> None:
    with clock.set_now(NOW):
        berlin, kolkata = today.activity_pattern(db, ADMIN, BERLIN), today.activity_pattern(db, ADMIN, KOLKATA)
    at = lambda pattern, day, hour: pattern.hours[day * 24 + hour].statement_count  # noqa: E731
    # Sunday 8 March, from 21:00 UTC on: Ann with lesson 2 and its four cards.
    assert at(berlin, 6, 22) == 6
    assert at(kolkata, 0, 2) == 6
    assert sum(one.statement_count for one in berlin.hours) == sum(one.statement_count for one in kolkata.hours)
    assert len(berlin.hours) == 168


def test_newest_activity_is_told_in_words(db: Session, course: Course) -> None:
    latest = today.latest_activity(db, ADMIN, 5)
    assert [one.stored_at for one in latest] == sorted((one.stored_at for one in latest), reverse=True)
    assert (latest[0].learner, latest[0].did, latest[0].what, latest[0].lesson) == (
        "Ben",
        "answered",
        "form 10",
        "Lesson 2",
    )


def test_who_may_see_nobody_counts_nobody(db: Session, course: Course) -> None:
    stranger = Viewer("stranger")
    with clock.set_now(NOW):
        told = today.today(db, stranger, BERLIN)
        assert (told.learner_count, told.active_learner_count, told.statement_count) == (0, 0, 0)
        assert told.completed_count == 0
        assert {one.learner_count for one in today.cohorts_today(db, stranger)} == {0}
        assert sum(one.statement_count for one in today.activity_pattern(db, stranger, BERLIN).hours) == 0
    assert today.latest_activity(db, stranger) == []
    assert search(db, stranger, "ann").learners == []


def test_the_counts_of_statements_read_the_index_alone(db: Session, course: Course) -> None:
    db.execute(text("SET LOCAL enable_seqscan = off"))
    db.execute(text("SET LOCAL enable_bitmapscan = off"))
    plan = db.execute(
        text(
            "EXPLAIN SELECT learner_id FROM silver.statements_flat flat "
            "WHERE occurred_at >= now() - interval '1 day' AND lesson_id IS NOT NULL GROUP BY learner_id"
        )
    ).scalars()
    assert "Index Only Scan using ix_statements_flat_occurred_at" in "\n".join(plan)
