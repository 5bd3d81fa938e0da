"""From statements to the completion report: the main job, door to door."""

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Doors
from tests.statements import answered, completed, lesson
from tests.warehouse.record import voids
from tests.warehouse.rich import harm

PLAN: dict[str, Any] = {
    "name": "Spring",
    "time_zone": "Europe/Berlin",
    "lessons": [
        {"activity_id": lesson(1)["id"], "title": "First steps", "due_on": "2026-03-02"},
        {"activity_id": lesson(2)["id"]},
    ],
    "learners": [
        {"name": "Ann", "email": "Ann@example.org"},
        {"name": "Ben", "phone": "+1 555 010 0123"},
        {"name": "=Cy", "accounts": [{"home_page": "https://school.example", "name": "cy"}], "time_zone": "Asia/Tokyo"},
    ],
}


def put_plan(doors: Doors, plan: dict[str, Any] = PLAN, slug: str = "spring") -> dict[str, Any]:
    answer = doors.client.put(f"/api/cohorts/{slug}", json=plan, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def report(doors: Doors, cohort_id: str, **query: str) -> Any:
    return doors.client.get(f"/api/reports/cohorts/{cohort_id}/completions", params=query, headers=doors.admin)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/reports/cohorts/7d0b5a52-7c4e-4f0e-9a53-1f0d1f6c2b11/completions"),
        ("GET", "/api/cohorts"),
        ("PUT", "/api/cohorts/spring"),
        ("GET", "/api/debug/pipeline"),
    ],
)
@pytest.mark.parametrize("token", [None, "Bearer wrong", "Bearer ", "Basic dGhlOmFkbWlu"])
def test_without_the_admin_token_there_is_nothing_to_see(
    doors: Doors, method: str, path: str, token: str | None
) -> None:
    answer = doors.client.request(method, path, headers={"Authorization": token} if token else {}, json={})
    assert (answer.status_code, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")


def test_the_ingest_credential_opens_no_report(doors: Doors) -> None:
    answer = doors.client.get(f"/api/reports/cohorts/{uuid4()}/completions", auth=doors.sender)
    assert answer.status_code == 401


def test_statements_go_in_and_the_report_comes_out(doors: Doors, drain: Callable[[], int]) -> None:
    cohort = put_plan(doors)
    assert (cohort["learners"], cohort["lessons"]) == (3, 2)
    by_phone = {"account": {"homePage": "https://app.7taps.com", "name": "+15550100123"}}
    for statement in (
        completed("ANN@example.org", 1, at="2026-03-02T09:30:00+01:00"),
        completed("ann@example.org", 1, at="2026-03-05T08:00:00Z"),
        answered("ann@example.org", 2),
        completed(number=2, actor=by_phone),
        completed("stranger@example.org", 1),
    ):
        assert doors.put(statement, statement["id"]).status_code == 204
    drain()
    body = report(doors, cohort["id"]).json()
    assert body["cohort"]["name"] == "Spring"
    assert (body["learner_count"], body["lesson_count"], body["rate"]) == (3, 2, round(2 / 6, 4))
    assert [(x["title"], x["started"], x["completed"], x["rate"], x["position"]) for x in body["lessons"]] == [
        ("First steps", 1, 1, 0.3333, 1),
        ("Lesson 2", 2, 1, 0.3333, 2),
    ]
    learners = {x["name"]: x for x in body["learners"]}
    assert set(learners) == {"Ann", "Ben", "=Cy"}
    first, second = learners["Ann"]["lessons"]
    assert first["completed_at"] == "2026-03-02T08:30:00Z"
    assert second["completed_at"] is None
    assert learners["Ann"]["rate"] == 0.5
    assert learners["=Cy"]["lessons"] == []


def test_the_report_as_csv(doors: Doors, drain: Callable[[], int]) -> None:
    cohort = put_plan(doors)
    statement = completed("ann@example.org", 1)
    doors.put(statement, statement["id"])
    drain()
    for answer in (
        report(doors, cohort["id"], format="csv"),
        doors.client.get(
            f"/api/reports/cohorts/{cohort['id']}/completions", headers={**doors.admin, "Accept": "text/csv"}
        ),
    ):
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == 6
        ann = next(row for row in rows if row["learner"] == "Ann" and row["position"] == "1")
        assert (ann["completed_at"], ann["due_on"]) == ("2026-03-02T08:00:00.000000Z", "2026-03-02")
        assert {row["learner"] for row in rows} == {"Ann", "Ben", "'=Cy"}
        assert {row["phone"] for row in rows} == {"", "+15550100123"}


def test_a_cohort_without_a_plan_reports_the_lessons_that_were_touched(doors: Doors, drain: Callable[[], int]) -> None:
    cohort = put_plan(doors, {**PLAN, "lessons": []})
    for statement in (completed("ann@example.org", 7), answered("ann@example.org", 8)):
        doors.put(statement, statement["id"])
    drain()
    body = report(doors, cohort["id"]).json()
    assert sorted(x["title"] for x in body["lessons"]) == ["Lesson 7", "Lesson 8"]


def test_an_empty_cohort_has_no_rate_rather_than_zero(doors: Doors) -> None:
    cohort = put_plan(doors, {"name": "Empty"})
    body = report(doors, cohort["id"]).json()
    assert (body["rate"], body["learners"], body["lessons"]) == (None, [], [])


def test_putting_the_same_plan_again_changes_nothing(doors: Doors) -> None:
    first = put_plan(doors)
    ids = {x["id"] for x in report(doors, first["id"]).json()["learners"]}
    assert put_plan(doors) == first
    assert {x["id"] for x in report(doors, first["id"]).json()["learners"]} == ids


def test_a_learner_left_out_leaves_the_cohort(doors: Doors) -> None:
    cohort = put_plan(doors)
    put_plan(doors, {**PLAN, "learners": PLAN["learners"][:1]})
    assert [x["name"] for x in report(doors, cohort["id"]).json()["learners"]] == ["Ann"]


def test_an_unknown_cohort_is_a_404(doors: Doors) -> None:
    answer = report(doors, str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("change", "path", "word"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone", "IANA"),
        ({"learners": [{"name": "Nobody"}]}, "learners[0]", "recognised"),
        ({"learners": [{"name": "N", "phone": "12"}]}, "learners[0].phone", "digits"),
        ({"lessons": [{"activity_id": "no iri"}]}, "lessons[0].activity_id", "pattern"),
        ({"lessons": [{"activity_id": "https://x.example"}] * 2}, "lessons", "twice"),
        ({"colour": "red"}, "colour", "not known"),
    ],
)
def test_a_wrong_plan_is_refused_by_path(doors: Doors, change: dict[str, Any], path: str, word: str) -> None:
    answer = doors.client.put("/api/cohorts/spring", json={**PLAN, **change}, headers=doors.admin)
    assert answer.status_code == 400
    problem = answer.json()["problems"][0]
    assert problem["path"] == path
    assert word in problem["message"]


def test_the_pipeline_tells_what_waits_and_what_is_stored(doors: Doors, drain: Callable[[], int]) -> None:
    doors.post([completed(), completed()])
    doors.post({"actor": 1})
    look = lambda: doors.client.get("/api/debug/pipeline", headers=doors.admin).json()  # noqa: E731
    before = look()
    assert (before["stream_length"], before["raw_statements"], before["dead_letters"]) == (1, 0, 1)
    assert before["oldest_waiting_seconds"] >= 0
    drain()
    after = look()
    assert (after["stream_length"], after["raw_statements"], after["flat_statements"]) == (0, 2, 2)
    assert after["last_statement"]["verb"] == "completed"
    assert after["estimated"] == []


@pytest.mark.parametrize("leftover", [False, True])
def test_a_lesson_whose_only_statement_was_voided_is_not_one_that_was_touched(
    doors: Doors, drain: Callable[[], int], leftover: bool
) -> None:
    """While no lessons are planned the report lists those that were touched; a row without statements is no touch."""
    cohort = put_plan(doors, {**PLAN, "lessons": []})
    one, kept = completed("ann@example.org", 1), completed("ann@example.org", 2)
    assert doors.post([one, kept, voids(one)]).status_code == 200
    drain()
    if leftover:
        harm(
            "INSERT INTO gold.lesson_progress (learner_id, lesson_id) SELECT p.learner_id, l.id "
            "FROM gold.lesson_progress p, lessons l WHERE l.id <> p.lesson_id"
        )
    assert [lesson["title"] for lesson in report(doors, cohort["id"]).json()["lessons"]] == ["Lesson 2"]
