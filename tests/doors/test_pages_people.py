"""The page of all learners: found, filtered, in order, as a file; and what no page of theirs says of anybody."""

import re
from uuid import UUID

import pytest
from sqlalchemy import text, update

from app.config import get_settings
from app.database import session_scope
from app.models import User
from tests.conftest import Doors
from tests.doors.people_pages import HOSTILE, NOBODY, course, course_id, names, page, twin  # noqa: F401
from tests.rooms.analytics.course import PEOPLE, Course, at
from tests.statements import completed
from tests.warehouse.record import load


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ui/learners"),
        ("GET", "/ui/learners/file"),
        ("GET", f"/ui/learners/{NOBODY}"),
        ("POST", f"/ui/learners/{NOBODY}/resume"),
        ("GET", f"/ui/learners/{NOBODY}/export"),
        ("GET", f"/ui/learners/{NOBODY}/erase"),
        ("POST", f"/ui/learners/{NOBODY}/erase"),
        ("GET", f"/ui/learners/{NOBODY}/merge"),
        ("POST", f"/ui/learners/{NOBODY}/merge"),
        ("GET", f"/ui/learners/{NOBODY}/split"),
        ("POST", f"/ui/learners/{NOBODY}/split"),
    ],
)
def test_anonymous_is_refused(doors: Doors, method: str, path: str) -> None:
    assert doors.client.request(method, path, follow_redirects=False).status_code == 401
    assert doors.client.request(method, path, auth=doors.sender, follow_redirects=False).status_code == 401


def test_the_list_says_how_far_everybody_is(doors: Doors, course: Course) -> None:
    found = {one["name"]: one for one in twin(doors, "/ui/learners")["list"]["learners"]}
    told = {name: (one["completed"], one["planned"], one["overdue"], one["state"]) for name, one in found.items()}
    # Ben is in two cohorts and lesson 2 in both, so 4 are planned for him and it is due on the earlier day. In Tokyo it
    # is the 10th too; in Kiritimati the 11th, so that lesson 3 is overdue for Cyd. Eve left, so nothing is
    # planned; she did nothing for a week.
    assert told == {
        "Ann": (4, 4, 0, "finished"),
        "Ben": (1, 4, 1, "on_track"),
        "Cyd": (1, 4, 2, "behind"),
        "Dee": (0, 4, 2, "not_started"),
        "Eve": (2, 0, 0, "silent"),
        "Fay": (0, 1, 1, "on_track"),
        "Gus": (0, 4, 2, "not_started"),
    }
    assert {one["slug"] for one in found["Ben"]["cohorts"]} == {"spring", "autumn"}
    said = page(doors, "/ui/learners")
    assert "7 learners: 1 behind, 1 silent for a week, 2 not started." in said
    assert "4 of 4" in said
    assert "cyd@example.org" in said


def test_what_is_completed_on_ones_own_day_due_is_not_overdue(doors: Doors, course: Course) -> None:
    """In Kiritimati lesson 3 is overdue already, nowhere else; so its completion counts there and nowhere else."""
    with session_scope() as db:
        load(db, completed("cyd@example.org", 3, at(10)))
    (cyd,) = twin(doors, "/ui/learners", q="cyd")["list"]["learners"]
    assert (cyd["completed"], cyd["overdue"], cyd["state"]) == (2, 1, "on_track")


def test_the_page_by_name_says_what_the_look_at_everybody_says(
    doors: Doors, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.analytics import learners

    whole = twin(doors, "/ui/learners")["list"]
    monkeypatch.setattr(learners, "SEEN_LEARNERS", 3)
    by_index = twin(doors, "/ui/learners")["list"]
    assert by_index["learners"] == whole["learners"]
    assert (by_index["learner_count"], by_index["counts"]) == (7, None)
    assert "7 learners." in page(doors, "/ui/learners")


@pytest.mark.parametrize("seen", [3, 6_000])
@pytest.mark.parametrize("sort", ["name", "-name", "completed", "-completed", "last", "-last"])
def test_pages_follow_each_other_in_every_order(
    doors: Doors, course: Course, monkeypatch: pytest.MonkeyPatch, sort: str, seen: int
) -> None:
    from app.analytics import learners
    from app.analytics.learners import Asked
    from app.analytics.selection import Filters, Page

    monkeypatch.setattr(learners, "SEEN_LEARNERS", seen)
    with session_scope() as db:
        asked = Asked(sort=sort)  # type: ignore[arg-type]
        whole = [one.id for one in learners.list_learners(db, Filters(), asked, Page(50)).learners]
        walked: list[UUID] = []
        cursor = None
        for _ in range(len(PEOPLE)):
            one = learners.list_learners(db, Filters(), asked, Page(2, cursor))
            walked += [line.id for line in one.learners]
            if (cursor := one.next) is None:
                break
    assert walked == whole
    assert len(set(walked)) == len(PEOPLE)
    told = names(doors, sort=sort)
    if sort.endswith("name"):
        assert told == sorted(PEOPLE, reverse=sort.startswith("-"))
    if sort == "-completed":
        assert told[:2] == ["Ann", "Eve"]
    if sort == "last":
        assert set(told[:2]) == {"Dee", "Gus"}


def test_learners_are_found_and_filtered(doors: Doors, course: Course) -> None:
    with session_scope() as db:
        db.execute(update(User).where(User.name == "Fay").values(phone="+16175550123", avatar="fjord"))
        spring = db.execute(text("SELECT id FROM cohorts WHERE slug = 'spring'")).scalar_one()
    assert names(doors, q="BEN@") == ["Ben"]
    assert names(doors, q="(617) 555-01") == ["Fay"]
    assert names(doors, q="fjo") == ["Fay"]
    assert names(doors, q="%") == []
    assert names(doors, cohort=str(spring)) == ["Ann", "Ben", "Cyd", "Dee", "Gus"]
    assert names(doors, state="not_started") == ["Dee", "Gus"]
    assert names(doors, **{"attr.Team": "Red"}) == ["Ben", "Fay"]
    assert names(doors, q="", cohort="", state="", sort="") == sorted(PEOPLE)
    said = page(doors, "/ui/learners", **{"attr.Team": "Red", "q": "a"})
    assert "Team: Red" in said
    assert "Search: a" in said
    assert '<option value="Blue">' in said
    assert "Nobody fits" in page(doors, "/ui/learners", q="no such name")


def test_the_file_holds_what_the_filters_show(doors: Doors, course: Course) -> None:
    got = doors.client.get("/ui/learners/file", params={"attr.Team": "Red"}, headers=doors.admin)
    assert got.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[0] for line in got.text.splitlines()] == ["learner", "Ben", "Fay"]
    got = doors.client.get("/ui/learners/file", params={"as": "xlsx"}, headers=doors.admin)
    assert got.content.startswith(b"PK")


def test_an_empty_list_offers_the_next_step(doors: Doors) -> None:
    said = page(doors, "/ui/learners")
    assert "No learners yet" in said
    assert 'href="/ui/roster"' in said


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"cohort": "x"}, "?cohort"),
        ({"cohort": NOBODY}, "?cohort"),
        ({"state": "asleep"}, "?state"),
        ({"sort": "mood"}, "?sort"),
        ({"cursor": "x"}, "?cursor"),
        ({"cursor": "WzEsMl0"}, "?cursor"),
        ({"q": "a\x00b"}, "?q"),
        ({"q": "a" * 201}, "?q"),
        ({"attr.": "x"}, "?attr."),
        ({"attr.Team": "x" * 201}, "?attr.Team"),
    ],
)
def test_a_wrong_parameter_is_named(doors: Doors, query: dict[str, str], path: str) -> None:
    got = doors.client.get("/ui/learners", params=query, headers=doors.admin)
    assert (got.status_code, got.json()["problems"][0]["path"]) == (400, path)
    assert "400" in page(doors, "/ui/learners", 400, **query) or "not right" in page(
        doors, "/ui/learners", 400, **query
    )


def test_what_people_call_themselves_is_only_text(doors: Doors, course: Course) -> None:
    with session_scope() as db:
        db.execute(update(User).where(User.name == "Fay").values(name=HOSTILE, attributes={HOSTILE: HOSTILE}))
    key = course_id(HOSTILE)
    for path in ("/ui/learners", f"/ui/learners/{key}", f"/ui/learners/{key}/merge", f"/ui/learners/{key}/erase"):
        raw = doors.client.get(path, headers={**doors.admin, "Accept": "text/html"}).text
        assert "<script>alert" not in raw, path
        assert "&lt;script&gt;alert" in raw, path


def test_under_pseudonyms_no_page_says_who_anybody_is(
    doors: Doors, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = re.compile(rf"@example\.org|fjord|\b({'|'.join(PEOPLE)})\b")
    with session_scope() as db:
        db.execute(update(User).where(User.name == "Fay").values(avatar="fjord"))
    fay = course_id("Fay")
    paths = ("/ui/learners", f"/ui/learners/{fay}", f"/ui/learners/{fay}/merge", f"/ui/learners/{fay}/split")
    assert all(secrets.search(page(doors, path)) for path in paths)
    monkeypatch.setenv("LEARNER_DISPLAY", "pseudonyms")
    get_settings.cache_clear()
    try:
        for path in (*paths, f"/ui/learners/{fay}/erase", "/ui/learners/file"):
            got = doors.client.get(path, headers={**doors.admin, "Accept": "text/html"})
            assert (got.status_code, secrets.search(got.text)) == (200, None), path
        told = twin(doors, "/ui/learners")["list"]["learners"]
        one = next(line for line in told if line["id"] == str(fay))
        assert names(doors, q=one["name"]) == [one["name"]]
        assert doors.client.get("/ui/learners", params={"q": "Fay"}, headers=doors.admin).status_code == 400
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
