"""Reports page by page: everything once, where they go on, and cursors of others."""

from typing import Any

import pytest

from app.analytics.answers import SORTED_QUESTIONS
from app.database import session_scope
from tests.conftest import Doors
from tests.doors.report_files import LISTS, course, csv_rows, get, paths  # noqa: F401
from tests.rooms.analytics.course import Course, answer, at
from tests.statements import lesson
from tests.warehouse.record import load


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_cover_everything_once(doors: Doors, course: Course, name: str, limit: int) -> None:
    path, key = paths(course)[name], LISTS[name]
    whole = get(doors, path, limit=50).json()
    assert whole["next"] is None
    assert len(whole[key]) > 2
    found: list[Any] = []
    more: str | None = f"{path}?limit={limit}"
    while more:
        assert more.startswith("/api/reports/")
        page = get(doors, more).json()
        assert 1 <= len(page[key]) <= limit
        found += page[key]
        assert len(found) <= len(whole[key]), "a page came again"
        more = page["next"]
        assert {k: v for k, v in page.items() if k.endswith("_count")} == {
            k: v for k, v in whole.items() if k.endswith("_count")
        }
    if name.endswith("answers"):
        for one in (*found, *whole[key]):
            one["texts"] = one["texts"] and one["texts"].split("?")[0]
    assert found == whole[key]


def test_the_overview_goes_on_at_the_report_of_those_at_risk(doors: Doors, course: Course) -> None:
    page = get(doors, paths(course)["overview"], **{"limit": 1, "silent_days": 6, "from": "2026-03-01"}).json()
    names = [one["name"] for one in page["at_risk"]]
    while page["next"]:
        assert "/at-risk?" in page["next"]
        page = get(doors, page["next"]).json()
        names += [one["name"] for one in page["at_risk"]]
    assert names == ["=cmd|Dee", "=cmd|Gus", "=cmd|Cyd", "=cmd|Ben"]


def test_the_link_to_answers_in_words_keeps_the_filters(doors: Doors, course: Course) -> None:
    query = {"attr.Team": "Red", "limit": 50, "time_zone": "Asia/Tokyo"}
    form = get(doors, paths(course)["answers"], **query).json()["questions"][3]
    found = get(doors, form["texts"]).json()
    assert (found["time_zone"], [one["response"][:8] for one in found["answers"]]) == (
        "Asia/Tokyo",
        ["Nothing ", "=HYPERLI"],
    )


def test_one_reports_cursor_is_not_anothers(doors: Doors, course: Course) -> None:
    more = get(doors, paths(course)["at-risk"], limit=1).json()["next"].partition("cursor=")[2]
    assert get(doors, paths(course)["completions"], cursor=more).status_code == 400


@pytest.mark.parametrize("name", ["answers", "lesson answers"])
def test_more_questions_than_can_be_sorted_are_all_there_once(doors: Doors, course: Course, name: str) -> None:
    """Of a sender that makes up a question for each answer; the other lessons keep their order."""
    with session_scope() as db:
        for number in (1, 3):
            load(db, answered_within(number, "the only one", 9))
        load(db, *(answered_within(2, f"made-up-{n}", n % 9 + 1) for n in range(SORTED_QUESTIONS + 7)))
    path, found = paths(course)[name], []
    more: str | None = f"{path}?limit=50"
    while more:
        page = get(doors, more).json()
        found += [(one["lesson"]["title"], one["object_id"], one["answer_count"]) for one in page["questions"]]
        assert len(set(found)) == len(found), "a page came again"
        more = page["next"]
    assert len([one for one in found if "made-up" in one[1]]) == SORTED_QUESTIONS + 7
    assert len([one for one in found if one[0] == "Lesson 2"]) == SORTED_QUESTIONS + 7 + 4
    titles = [title for title, _, _ in found]
    assert titles == sorted(titles)
    assert set(titles) == ({"Lesson 1", "Lesson 2", "Lesson 3"} if name == "answers" else {"Lesson 2"})
    assert {row["object_id"] for row in csv_rows(doors, path)} == {one[1] for one in found}


def answered_within(number: int, card: str, day: int) -> Any:
    made = answer("Ann", card, "poll", "a", at(day))
    made["object"]["id"] = f"{lesson(number)['id']}#{card}"
    made["context"]["contextActivities"]["parent"] = [lesson(number)]
    return made
