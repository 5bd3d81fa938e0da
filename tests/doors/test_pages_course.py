"""The pages of cohorts and lessons: what they say of what is stored, to people and as JSON, and what their forms do."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.lessons import lesson_id_of
from app.audit import acts_on
from app.database import session_scope
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


def test_without_a_cohort_the_page_says_how_one_comes_to_be(doors: Doors) -> None:
    answer = page(doors, "/ui/cohorts")
    assert answer.status_code == 200
    assert "No cohorts yet" in answer.text
    assert "/ui/roster" in answer.text


def test_all_cohorts_beside_each_other(doors: Doors, course: dict[str, Any]) -> None:
    put_plan(doors, plan(name="Autumn", learners=[], lessons=[]), "autumn")
    found = twin(doors, "/ui/cohorts", sort="-learners")["list"]
    assert [row["cohort"]["name"] for row in found["cohorts"]] == ["Spring", "Autumn"]
    spring, autumn = found["cohorts"]
    assert {key: spring[key] for key in spring if key.endswith(("_count", "_rate"))} == {
        "learner_count": 3,
        "lesson_count": 2,
        "completed_count": 2,
        "completion_rate": 0.3333,
        "active_learner_count": 2,
        "finished_learner_count": 1,
        "at_risk_count": 0,
    }
    assert spring["next_lesson"]["title"] == "Second"
    assert (autumn["completion_rate"], autumn["next_lesson"]) == (None, None)
    text = page(doors, "/ui/cohorts").text
    assert f'href="/ui/cohorts/{course["id"]}">Spring</a>' in text
    assert text.index("Autumn") < text.index("Spring")
    assert "No cohort of that name" in page(doors, "/ui/cohorts", q="winter").text


def test_a_list_says_of_each_cohort_what_its_overview_says(doors: Doors, drain: Callable[[], int]) -> None:
    """Also without a plan, with learners of other time zones, and with learners at risk."""
    today = clock.now().date()
    late = [{"activity_id": lesson(n)["id"], "due_on": str(today - timedelta(days=n))} for n in range(1, 5)]
    everywhere = [
        {"name": zone, "email": f"{zone.lower().replace('/', '.')}@example.org", "time_zone": zone}
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Tokyo")
    ]
    ids = [
        put_plan(doors, plan(lessons=late, learners=everywhere), "late")["id"],
        put_plan(doors, plan(lessons=[], learners=everywhere[:2]), "free")["id"],
        put_plan(doors, plan(starts_on=str(today - timedelta(days=9))), "begun")["id"],
    ]
    at = str(clock.now() - timedelta(days=8)).replace(" ", "T")
    just_now = str(clock.now() - timedelta(hours=1)).replace(" ", "T")
    send(doors, drain, *(completed("asia.tokyo@example.org", n, at=just_now) for n in (1, 2, 3)))
    send(doors, drain, completed("pacific.pago_pago@example.org", 7, at=at))
    listed = {row["cohort"]["id"]: row for row in twin(doors, "/ui/cohorts")["list"]["cohorts"]}
    seen = set()
    for key in ids:
        told = twin(doors, f"/ui/cohorts/{key}")["overview"]
        names = [name for name in listed[key] if name.endswith(("_count", "_rate"))]
        assert {name: listed[key][name] for name in names} == {name: told[name] for name in names}
        seen.add(told["at_risk_count"])
    assert len(seen) > 1


def test_a_cohort_shows_who_did_what(doors: Doors, course: dict[str, Any]) -> None:
    path = f"/ui/cohorts/{course['id']}"
    told = twin(doors, path)
    assert [(one["name"], one["cells"], one["completed"]) for one in told["grid"]["learners"]] == [
        ("Ann", "dd", 2),
        ("Ben", "lp", 0),
        ("Cy", "ln", 0),
    ]
    assert [one["rate"] for one in told["grid"]["lessons"]] == [0.3333, 0.3333]
    assert (told["week_before"]["completed_then"], told["week_before"]["finished_then"]) == (1, 0)
    text = page(doors, path).text
    assert "<td class=d>done<td class=d>done" in text
    assert "<td class=l>late<td class=p>started" in text
    assert "1 more than 7 days ago" in text
    assert f"/ui/test-reminders?cohort={course['id']}" in text
    assert f"/api/reports/cohorts/{course['id']}/completions?format=csv" in text
    assert "Where learners stop" in text
    assert re.search(r'class="grid-title">[^<]+</span>', text), "the columns are named, not only numbered"


@pytest.mark.parametrize(("sort", "names"), [("name", "Ann Ben Cy"), ("least", "Cy Ben Ann"), ("silent", "Cy Ben Ann")])
def test_the_grid_in_another_order(doors: Doors, course: dict[str, Any], sort: str, names: str) -> None:
    found = twin(doors, f"/ui/cohorts/{course['id']}", sort=sort)["grid"]
    assert [one["name"] for one in found["learners"]] == names.split()


@pytest.mark.parametrize("sort", ["name", "least", "silent"])
def test_the_pages_of_the_grid_hold_everybody_once(
    doors: Doors, course: dict[str, Any], sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.analytics.grid.GRID_LEARNERS", 2)
    path, names = f"/ui/cohorts/{course['id']}?format=json&sort={sort}", []
    while path:
        found = doors.client.get(path, headers=doors.admin).json()["grid"]
        names += [one["name"] for one in found["learners"]]
        path = found["next"]
    assert sorted(names) == ["Ann", "Ben", "Cy"]


def test_days_and_lesson_narrow_the_grid(doors: Doors, course: dict[str, Any]) -> None:
    path = f"/ui/cohorts/{course['id']}"
    yesterday = str(clock.now().date() - timedelta(days=1))
    cells = {one["name"]: one["cells"] for one in twin(doors, path, **{"from": yesterday})["grid"]["learners"]}
    assert cells == {"Ann": "nd", "Ben": "lp", "Cy": "ln"}
    narrowed = twin(doors, path, lesson=str(SECOND))
    assert [one["cells"] for one in narrowed["grid"]["learners"]] == ["d", "p", "n"]
    assert [one["title"] for one in narrowed["lessons"]] == ["First steps", "Second"]
    nobody = page(doors, path, **{"attr.Team": "Blue"})
    assert nobody.status_code == 200
    assert "Nobody fits these filters" in nobody.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "tomorrow"}, "?from"),
        ({"sort": "height"}, "?sort"),
        ({"cursor": "nonsense"}, "?cursor"),
        ({"time_zone": "Mars/Olympus"}, "?time_zone"),
        ({"lesson": str(uuid4())}, "?lesson"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "?to"),
        ({"risks": "0"}, "?risks"),
        ({"attr.": "x"}, "?attr."),
        ({"attr.Team": "x" * 201}, "?attr.Team"),
    ],
)
def test_a_wrong_parameter_is_named(doors: Doors, course: dict[str, Any], query: dict[str, str], words: str) -> None:
    answer = page(doors, f"/ui/cohorts/{course['id']}", **query)
    assert answer.status_code == 400
    assert words in answer.text
    as_json = doors.client.get(f"/ui/cohorts/{course['id']}", params=query, headers=doors.admin)
    assert (as_json.status_code, as_json.json()["problems"][0]["path"]) == (400, words)


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
