"""What is wrong with a request is said with what would be right, in words of our own for what people meet most."""

from typing import Any

import pytest

from tests.conftest import Doors


@pytest.mark.parametrize(
    ("path", "where", "message", "expected"),
    [
        ("/ui/learners?state=asleep&format=json", "?state", "is none of what it can be.", "'behind'"),
        ("/api/reports/learners/nonsense/timeline", "/learner_id", "is no id.", "A UUID"),
        ("/api/dead-letters?limit=many", "?limit", "is no whole number.", "A whole number"),
        ("/api/debug/query", "?name", "is missing.", "A value"),
    ],
)
def test_a_wrong_parameter(doors: Doors, path: str, where: str, message: str, expected: str) -> None:
    answer = doors.client.get(path, headers=doors.admin)
    assert answer.status_code == 400
    told = answer.json()
    (problem,) = told["problems"]
    assert (problem["path"], problem["message"]) == (where, message)
    assert expected in problem["expected"]
    assert told["detail"] == f"{where} {message} Expected: {problem['expected']}"


def test_a_field_that_no_door_knows(doors: Doors) -> None:
    body: dict[str, Any] = {"sql": "delete from users"}
    answer = doors.client.post("/api/debug/query", json=body, headers=doors.admin)
    assert answer.status_code == 400
    assert [(one["path"], one["message"]) for one in answer.json()["problems"]] == [
        ("name", "is missing."),
        ("sql", "is not known here."),
    ]


def test_a_page_says_it_to_people(doors: Doors) -> None:
    answer = doors.client.get("/ui/cohorts/nonsense", headers=doors.admin | {"Accept": "text/html"})
    assert answer.status_code == 400
    assert "is no id" in answer.text
    assert "A UUID such as" in answer.text
