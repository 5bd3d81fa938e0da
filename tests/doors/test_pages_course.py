"""The pages of cohorts and lessons alike: who may come in, what is not there, and that texts of people stay texts."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.conftest import Doors
from tests.doors.course_pages import FIRST, HOSTILE, page, plan, send, twin
from tests.doors.test_reports import put_plan
from tests.statements import answered, lesson

PATHS = [
    ("GET", "/ui/cohorts"),
    ("GET", f"/ui/cohorts/{uuid4()}"),
    ("GET", "/ui/lessons"),
    ("GET", f"/ui/lessons/{FIRST}"),
    ("GET", f"/ui/lessons/{FIRST}/answers/{uuid4()}"),
    ("POST", f"/ui/lessons/{FIRST}"),
    ("POST", f"/ui/lessons/{FIRST}/cohorts/{uuid4()}"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nobody_sees_or_does_anything_without_being_known(doors: Doors, method: str, path: str) -> None:
    assert doors.client.request(method, path, data={}).status_code == 401


@pytest.mark.parametrize("path", ["/ui/cohorts/{}", "/ui/lessons/{}", "/ui/lessons/{}/answers/" + str(uuid4())])
def test_what_is_not_there_is_a_404(doors: Doors, path: str) -> None:
    assert page(doors, path.format(uuid4())).status_code == 404


def test_what_learners_and_admins_write_is_shown_and_does_nothing(doors: Doors, drain: Callable[[], int]) -> None:
    people = [{"name": HOSTILE, "email": "h@example.org"}]
    cohort = put_plan(
        doors, plan(name=HOSTILE, learners=people, lessons=[{"activity_id": lesson(1)["id"], "title": HOSTILE}])
    )
    words = answered("h@example.org", 1, result={"response": HOSTILE})
    words["context"]["extensions"] = {"https://app.7taps.com/xapi/extensions/card-type": "form"}
    send(doors, drain, words)
    asked = twin(doors, f"/ui/lessons/{FIRST}")["answers"]["questions"][0]["question_id"]
    for path in (
        "/ui/cohorts",
        f"/ui/cohorts/{cohort['id']}",
        "/ui/lessons",
        f"/ui/lessons/{FIRST}",
        f"/ui/lessons/{FIRST}/answers/{asked}",
    ):
        answer = page(doors, path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;" in answer.text, path


@pytest.mark.parametrize("name", ["drop-off", "lesson-days", "answers"])
@pytest.mark.parametrize(
    "query",
    [
        {"due_on": ""},
        {"cohort": "x"},
        {"lesson": "x"},
        {"lesson": str(FIRST), "question": "x", "from": "x"},
        {"cohort": str(uuid4())},
    ],
)
def test_a_chart_of_nothing_that_is_there_is_refused(doors: Doors, name: str, query: dict[str, str]) -> None:
    answer = doors.client.get(f"/ui/charts/{name}", params=query, headers=doors.admin)
    assert answer.status_code in (400, 404)
