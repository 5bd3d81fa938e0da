"""The pages of cohorts: all of them beside each other, and who did what in one of them."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.platform import clock
from tests.conftest import Doors
from tests.doors.course_pages import SECOND, course, page, plan, send, twin  # noqa: F401
from tests.doors.test_reports import put_plan
from tests.statements import completed, lesson


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
