"""The pages of lessons: all of them in order, one over time, its answers, and what their forms change."""

from collections.abc import Callable
from typing import Any

import pytest

from app.audit import acts_on
from app.database import session_scope
from tests.conftest import Doors
from tests.doors.course_pages import FIRST, SECOND, course, page, plan, send, twin  # noqa: F401
from tests.doors.test_reports import put_plan
from tests.statements import answered, completed


def test_all_lessons_in_the_order_of_the_course(doors: Doors, drain: Callable[[], int], course: dict[str, Any]) -> None:
    untitled = completed("ann@example.org", 9)
    del untitled["object"]["definition"]["name"]
    send(doors, drain, untitled, completed("stranger@example.org", 2))
    found = twin(doors, "/ui/lessons")["list"]
    assert [(one["title"], one["position"]) for one in found["lessons"]] == [
        ("First steps", 1),
        ("Second", 2),
        (None, None),
    ]
    second = found["lessons"][1]
    names = ("started", "completed", "planned_count", "planned_completed", "planned_rate")
    assert [second[name] for name in names] == [3, 2, 3, 1, 0.3333]
    assert second["cohorts"] == ["Spring"]
    assert found["untitled_count"] == 1
    assert [one["title"] for one in twin(doors, "/ui/lessons", sort="-order")["list"]["lessons"]][:2] == [
        "Second",
        "First steps",
    ]
    text = page(doors, "/ui/lessons").text
    assert "Give it a title" in text
    assert "in no plan" in text


def test_without_a_lesson_the_page_says_where_they_come_from(doors: Doors) -> None:
    assert "No lessons yet" in page(doors, "/ui/lessons").text


def test_a_learner_of_two_cohorts_counts_once_for_a_lesson(doors: Doors, course: dict[str, Any]) -> None:
    put_plan(doors, plan(name="Again"), "again")
    second = twin(doors, "/ui/lessons")["list"]["lessons"][1]
    assert (second["planned_count"], second["planned_completed"]) == (3, 1)
    assert second["cohorts"] == ["Again", "Spring"]


def test_a_lesson_over_time_by_cohort_and_who_has_not(doors: Doors, course: dict[str, Any]) -> None:
    told = twin(doors, f"/ui/lessons/{FIRST}")
    assert [(one["completions"], one["completions_so_far"]) for one in told["days"]["days"]] == [(1, 1)]
    assert [(one["name"], one["learners"], one["completed"], one["rate"]) for one in told["cohorts"]] == [
        ("Spring", 3, 1, 0.3333)
    ]
    assert [(one["name"], one["overdue_days"]) for one in told["incomplete"]["learners"]] == [("Ben", 10), ("Cy", 10)]
    text = page(doors, f"/ui/lessons/{FIRST}").text
    assert "2 of the 3 learners" in text
    assert "10 days" in text
    assert f"/api/reports/lessons/{FIRST}/incomplete?format=csv" in text
    assert "/ui/test-reminders" in text


def test_answers_are_counted_and_the_right_one_is_marked(doors: Doors, course: dict[str, Any]) -> None:
    told = twin(doors, f"/ui/lessons/{SECOND}")["answers"]["questions"]
    assert [one["kind"] for one in told] == ["quiz"]
    assert {one["text"]: one["is_right"] for one in told[0]["distribution"]} == {"Oat": False, "Whole": True}
    text = page(doors, f"/ui/lessons/{SECOND}").text
    assert "answered right: 1 of 2" in text
    question = told[0]["question_id"]
    chart = f"/ui/charts/answers?lesson={SECOND}&amp;question={question}"
    assert chart in text
    numbers = doors.client.get(chart.replace("&amp;", "&") + "&as=csv", headers=doors.admin)
    assert numbers.status_code == 200
    assert "Whole" in numbers.text


def test_answers_in_words_can_be_searched(doors: Doors, drain: Callable[[], int], course: dict[str, Any]) -> None:
    for email, words in (("ann@example.org", "I love the MILK part"), ("ben@example.org", "Too long")):
        said = answered(email, 1, result={"response": words})
        said["context"]["extensions"] = {"https://app.7taps.com/xapi/extensions/card-type": "form"}
        send(doors, drain, said)
    told = twin(doors, f"/ui/lessons/{FIRST}")
    question = told["answers"]["questions"][0]
    assert question["kind"] == "text"
    path = f"/ui/lessons/{FIRST}/answers/{question['question_id']}"
    assert question["texts"] == path
    assert path in page(doors, f"/ui/lessons/{FIRST}").text
    found = twin(doors, path, q="milk")
    assert [one["response"] for one in found["texts"]["answers"]] == ["I love the MILK part"]
    text = page(doors, path, q="milk").text
    assert "I love the MILK part" in text
    assert "Too long" not in text
    assert "search=milk" in text
    assert "No answer holds that" in page(doors, path, q="sugar").text


def test_a_title_is_given_on_the_page(doors: Doors, course: dict[str, Any]) -> None:
    path = f"/ui/lessons/{FIRST}"
    given = {"title": "Hello & welcome", "link": "https://example.org/1"}
    answer = doors.client.post(path, data=given, headers=doors.admin, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}?told=saved")
    text = page(doors, path, told="saved").text
    assert "Hello &amp; welcome" in text
    assert "The title and the link are saved." in text
    with session_scope() as db:
        assert [act.act for act in acts_on(db, f"lesson:{FIRST}")] == ["lesson.change"]


def test_a_link_that_is_none_is_told_and_nothing_is_saved(doors: Doors, course: dict[str, Any]) -> None:
    answer = doors.client.post(
        f"/ui/lessons/{FIRST}",
        data={"title": "New", "link": "javascript:alert(1)"},
        headers={**doors.admin, "Accept": "text/html"},
    )
    assert answer.status_code == 400
    assert "A link is a web address" in answer.text
    assert 'value="New"' in answer.text
    assert twin(doors, f"/ui/lessons/{FIRST}")["lesson"]["title"] == "First steps"


def test_place_and_day_of_a_lesson_are_changed_on_the_page(doors: Doors, course: dict[str, Any]) -> None:
    path = f"/ui/lessons/{SECOND}/cohorts/{course['id']}"
    answer = doors.client.post(
        path, data={"position": "1", "due_on": "2026-12-24"}, headers=doors.admin, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    planned = doors.client.get("/api/cohorts/spring/lessons", headers=doors.admin).json()["lessons"]
    assert [(one["title"], one["position"]) for one in planned] == [("Second", 1), ("First steps", 2)]
    assert planned[0]["due_on"] == "2026-12-24"


def test_days_after_the_start_need_a_start_and_follow_it(doors: Doors, course: dict[str, Any]) -> None:
    path = f"/ui/lessons/{SECOND}/cohorts/{course['id']}"
    headers = {**doors.admin, "Accept": "text/html"}
    refused = doors.client.post(path, data={"position": "2", "due_after_days": "7"}, headers=headers)
    assert refused.status_code == 400
    assert "The first day of the cohort." in refused.text
    given = {"position": "2", "due_after_days": "7", "starts_on": "2026-12-01"}
    assert doors.client.post(path, data=given, headers=headers, follow_redirects=False).status_code == 303
    moved = {"position": "2", "due_after_days": "7", "starts_on": "2026-12-03"}
    assert doors.client.post(path, data=moved, headers=headers, follow_redirects=False).status_code == 303
    planned = doors.client.get("/api/cohorts/spring/lessons", headers=doors.admin).json()
    assert (planned["starts_on"], planned["lessons"][1]["due_on"]) == ("2026-12-03", "2026-12-10")


@pytest.mark.parametrize(
    "given",
    [
        {"due_on": ""},
        {"position": "0"},
        {"position": "x"},
        {"position": "1", "due_on": "soon"},
        {"position": "1", "due_on": "2026-12-24", "due_after_days": "3"},
        {"position": "1", "due_after_days": "-1"},
    ],
)
def test_a_plan_that_is_not_right_changes_nothing(doors: Doors, course: dict[str, Any], given: dict[str, str]) -> None:
    before = doors.client.get("/api/cohorts/spring/lessons", headers=doors.admin).json()
    answer = doors.client.post(
        f"/ui/lessons/{SECOND}/cohorts/{course['id']}", data=given, headers={**doors.admin, "Accept": "text/html"}
    )
    assert answer.status_code == 400
    assert "Nothing was saved" in answer.text
    assert doors.client.get("/api/cohorts/spring/lessons", headers=doors.admin).json() == before
