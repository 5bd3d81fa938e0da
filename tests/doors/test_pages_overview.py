"""The overview, the search, the definitions and the files of charts, as browsers and programs get them."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Doors
from tests.doors.test_reports import put_plan
from tests.statements import completed

HOSTILE = '<script>alert("x")</script>\u202e'


def page(doors: Doors, path: str, **query: str) -> Any:
    headers = {**doors.admin, "Accept": "text/html", "Cookie": "time_zone=Europe/Berlin"}
    return doors.client.get(path, params=query or None, headers=headers)


def twin(doors: Doors, path: str, **query: str) -> Any:
    answer = doors.client.get(path, params={**query, "format": "json"}, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(doors: Doors, drain: Callable[[], int], *statements: dict[str, Any]) -> None:
    for one in statements:
        assert doors.put(one, one["id"]).status_code == 204
    drain()


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.mark.parametrize("path", ["/ui", "/ui/search", "/ui/definitions", "/ui/charts/drop-off", "/ui/live"])
def test_strangers_see_nothing(doors: Doors, path: str) -> None:
    assert doors.client.get(path).status_code == 401


def test_a_fresh_system_says_what_to_do(doors: Doors) -> None:
    text = page(doors, "/ui").text
    assert "Connect 7taps" in text
    assert "/api/xapi/statements</code>" in text
    assert "make demo" in text
    assert twin(doors, "/ui")["is_fresh"] is True


def test_the_overview_tells_what_happened(doors: Doors, drain: Callable[[], int]) -> None:
    cohort = put_plan(doors)
    send(doors, drain, completed("ann@example.org", 1, at=now()))
    answer, told = page(doors, "/ui"), twin(doors, "/ui")
    assert answer.status_code == 200
    assert "1 of 3 learners were active in the last 7 days." in answer.text
    assert re.search(r"Ann</a> completed “(First steps|Lesson 1)”", answer.text)
    assert f'href="/ui/cohorts/{cohort["id"]}"' in answer.text
    assert (told["today"]["completed_count"], told["today"]["active_learner_count"]) == (1, 1)
    assert [(one["cohort"]["name"], one["completion_rate"]) for one in told["cohorts"]] == [("Spring", 0.1667)]
    assert told["cohort"]["id"] == cohort["id"]
    assert answer.text.count("<svg") > 3
    assert "style=" not in re.sub(r"<svg.*?</svg>", "", answer.text, flags=re.DOTALL)


def test_what_learners_write_is_only_text(doors: Doors, drain: Callable[[], int]) -> None:
    plan = {"name": HOSTILE, "learners": [{"name": HOSTILE, "email": "ann@example.org"}], "lessons": []}
    put_plan(doors, plan)
    actor = {"mbox": "mailto:ann@example.org", "name": HOSTILE}
    send(doors, drain, completed("ann@example.org", 1, at=now(), actor=actor))
    for path, query in (("/ui", {}), ("/ui/search", {"q": "<script>"}), ("/ui/statements", {})):
        text = page(doors, path, **query).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/ui?cohort=7", 400, "cohort"),
        ("/ui?cohort=7d0b5a52-7c4e-4f0e-9a53-1f0d1f6c2b11", 404, "no cohort"),
        ("/ui/search?q=%00", 400, "NUL"),
        ("/ui/search?q=" + "x" * 201, 400, "q"),
        ("/ui/charts/nothing", 404, "activity-by-hour"),
        ("/ui/charts/activity-by-hour?as=pdf", 400, "svg, png, csv or spec"),
        ("/ui/charts/drop-off?as=csv", 400, "cohort"),
        ("/ui/charts/drop-off?cohort=7d0b5a52-7c4e-4f0e-9a53-1f0d1f6c2b11", 404, "no cohort"),
    ],
)
def test_what_is_wrong_is_said(doors: Doors, path: str, status: int, word: str) -> None:
    for accept in ("text/html", "application/json"):
        answer = doors.client.get(path, headers={**doors.admin, "Accept": accept})
        assert answer.status_code == status
        assert word in answer.text


def test_a_chart_is_a_file_of_each_kind(doors: Doors, drain: Callable[[], int]) -> None:
    cohort = put_plan(
        doors,
        {
            "name": "=1+1",
            "learners": [{"name": "Ann", "email": "ann@example.org"}],
            "lessons": [{"activity_id": "https://app.7taps.com/lessons/1", "title": "=2+2"}],
        },
    )
    send(doors, drain, completed("ann@example.org", 1, at=now()))
    path = f"/ui/charts/drop-off?cohort={cohort['id']}"
    svg, png, table = (page(doors, f"{path}&as={kind}") for kind in ("svg", "png", "csv"))
    assert (svg.headers["Content-Type"], png.headers["Content-Type"]) == ("image/svg+xml", "image/png")
    assert svg.text.startswith("<svg")
    assert png.content.startswith(b"\x89PNG")
    assert table.headers["Content-Disposition"] == 'attachment; filename="drop-off.csv"'
    [row] = csv.DictReader(io.StringIO(table.text))
    assert (row["Lesson"], row["Reached"], row["Completed"]) == ("'=2+2", "1", "1")


def test_the_search_finds_people_lessons_and_cohorts(doors: Doors) -> None:
    put_plan(doors)
    assert [one["name"] for one in twin(doors, "/ui/search", q="AN")["found"]["learners"]] == ["Ann"]
    assert [one["name"] for one in twin(doors, "/ui/search", q="(555) 010-01")["found"]["learners"]] == ["Ben"]
    assert [one["title"] for one in twin(doors, "/ui/search", q="first st")["found"]["lessons"]] == ["First steps"]
    assert [one["name"] for one in twin(doors, "/ui/search", q="spr")["found"]["cohorts"]] == ["Spring"]
    assert "Nothing found" in page(doors, "/ui/search", q="zzz").text
    assert "Nothing searched yet" in page(doors, "/ui/search").text


@pytest.mark.parametrize("wild", ["%", "_", "a%n", "\\"])
def test_wildcards_are_letters(doors: Doors, wild: str) -> None:
    put_plan(doors)
    found = twin(doors, "/ui/search", q=wild)["found"]
    assert (found["learners"], found["lessons"], found["cohorts"]) == ([], [], [])


def test_the_search_is_bounded(doors: Doors) -> None:
    put_plan(
        doors, {"name": "Many", "learners": [{"name": f"Many {n}", "email": f"many{n}@example.org"} for n in range(30)]}
    )
    found = twin(doors, "/ui/search", q="many")["found"]
    assert (len(found["learners"]), found["more_learners"]) == (20, True)


def test_every_definition_has_its_place(doors: Doors) -> None:
    text = page(doors, "/ui/definitions").text
    assert 'id="CohortOverview-completion_rate"' in text
    assert 'id="Completed"' in text
    assert {"title", "definitions"} == set(twin(doors, "/ui/definitions")["sections"][0])
