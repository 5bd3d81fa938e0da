"""A small course, and how its pages are asked: by a person, as JSON, and after statements came in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.lessons import lesson_id_of
from app.platform import clock
from tests.conftest import Doors
from tests.doors.test_reports import put_plan
from tests.statements import answered, completed, lesson

FIRST, SECOND = lesson_id_of(lesson(1)["id"]), lesson_id_of(lesson(2)["id"])
HOSTILE = '<script>alert("x")</script> \u202e'


def plan(**more: Any) -> dict[str, Any]:
    """Two lessons, one due ten days ago and one in ten; Ann, Ben and Cy."""
    today = clock.now().date()
    return {
        "name": "Spring",
        "time_zone": "UTC",
        "lessons": [
            {"activity_id": lesson(1)["id"], "title": "First steps", "due_on": str(today - timedelta(days=10))},
            {"activity_id": lesson(2)["id"], "title": "Second", "due_on": str(today + timedelta(days=10))},
        ],
        "learners": [
            {"name": "Ann", "email": "ann@example.org"},
            {"name": "Ben", "email": "ben@example.org"},
            {"name": "Cy", "email": "cy@example.org"},
        ],
        **more,
    }


def page(doors: Doors, path: str, **query: str) -> Any:
    return doors.client.get(path, params=query, headers={**doors.admin, "Accept": "text/html"})


def twin(doors: Doors, path: str, **query: str) -> Any:
    answer = doors.client.get(path, params={**query, "format": "json"}, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(doors: Doors, drain: Callable[[], int], *statements: dict[str, Any]) -> None:
    for statement in statements:
        assert doors.put(statement, statement["id"]).status_code == 204
    drain()


@pytest.fixture
def course(doors: Doors, drain: Callable[[], int]) -> dict[str, Any]:
    """Ann did both lessons, Ben opened the second one; Cy did nothing."""
    cohort = put_plan(doors, plan())
    long_ago, now = str(clock.now() - timedelta(days=30)), str(clock.now() - timedelta(hours=1))
    send(
        doors,
        drain,
        completed("ann@example.org", 1, at=long_ago.replace(" ", "T")),
        completed("ann@example.org", 2, at=now.replace(" ", "T")),
        answered("ben@example.org", 2, timestamp=now.replace(" ", "T")),
        answered(
            "ann@example.org",
            2,
            response="a",
            timestamp=now.replace(" ", "T"),
            result={"response": "a", "success": False},
        ),
    )
    return cohort
