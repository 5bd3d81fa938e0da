"""A cohort's plan carries the hours of its reminders; the reminders go by them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.platform import clock
from tests.conftest import Doors

PATH = "/api/cohorts/spring"


def plan(**more: Any) -> dict[str, Any]:
    return {
        "name": "Spring",
        "time_zone": "Europe/Berlin",
        "lessons": [{"activity_id": "https://app.7taps.com/lessons/1", "due_on": "2026-03-09"}],
        "learners": [{"name": "Ann", "email": "ann@example.org"}],
        **more,
    }


def hours(answer: dict[str, Any]) -> tuple[int, int | None, int | None]:
    return answer["reminder_hour"], answer["quiet_from_hour"], answer["quiet_until_hour"]


def test_strangers_are_refused(doors: Doors) -> None:
    assert doors.client.put(PATH, json=plan(reminder_hour=7)).status_code == 401


def test_the_plan_says_when_and_a_plan_that_does_not_say_leaves_it(doors: Doors) -> None:
    def put(**more: Any) -> dict[str, Any]:
        answer = doors.client.put(PATH, json=plan(**more), headers=doors.admin)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    assert hours(put()) == (9, None, None)
    told = put(reminder_hour=7, quiet_from_hour=18, quiet_until_hour=6)
    assert hours(told) == (7, 18, 6)
    assert hours(put()) == (7, 18, 6)
    path = f"/api/reminders/cohorts/{told['id']}"
    assert hours(doors.client.get(path, headers=doors.admin).json()) == (7, 18, 6)
    # 7 in the morning is quiet by the settings, and not in this cohort.
    for hour, reason in ((5, "later"), (7, "due"), (19, "day_over")):
        with clock.set_now(datetime(2026, 3, 10, hour - 1, 30, tzinfo=UTC)):
            page = doors.client.get("/api/debug/reminder-preview", headers=doors.admin).json()
        assert [row["reason"] for row in page["learners"]] == [reason]
    assert hours(put(quiet_from_hour=None, quiet_until_hour=None)) == (7, None, None)
    body = {"reminder_hour": 10, "quiet_from_hour": 0, "quiet_until_hour": 0}
    assert hours(doors.client.put(path, json=body, headers=doors.admin).json()) == (10, 0, 0)
    assert hours(put()) == (10, 0, 0)


@pytest.mark.parametrize(
    "more",
    [
        {"reminder_hour": 24},
        {"reminder_hour": -1},
        {"reminder_hour": None},
        {"reminder_hour": "nine"},
        {"quiet_from_hour": 18},
        {"quiet_until_hour": 18},
        {"quiet_from_hour": 18, "quiet_until_hour": 24},
    ],
)
def test_wrong_hours_are_told(doors: Doors, more: dict[str, Any]) -> None:
    answer = doors.client.put(PATH, json=plan(**more), headers=doors.admin)
    assert answer.status_code == 400
    assert "hour" in answer.text
    template = doors.client.put(
        f"/api/reminders/cohorts/{'0' * 8}-0000-4000-8000-{'0' * 12}", json=more, headers=doors.admin
    )
    assert template.status_code == 400
