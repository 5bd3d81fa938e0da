"""The pages of learners, of one learner, and what is done there to one: what they say, and that they do it."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from app import audit
from app.config import get_settings
from app.database import session_scope
from app.models import Notification, User
from app.notifications.models import ReminderStop
from app.platform import clock
from tests.conftest import Doors
from tests.rooms.analytics.course import NOW, PEOPLE, Course, answer, at, did
from tests.statements import completed
from tests.warehouse.record import load

HOSTILE = "<script>alert('x')</script>\u202egro.elpmaxe"
NOBODY = "7d0b5a52-7c4e-4f0e-9a53-1f0d1f6c2b11"


@pytest.fixture
def course(doors: Doors) -> Iterator[Course]:
    """The small course, on its Tuesday."""
    with clock.set_now(NOW), session_scope() as db:
        made = Course(db)
        # Whoever took a statement back is nobody of the course.
        db.execute(text("DELETE FROM users WHERE name IS NULL"))
    with clock.set_now(NOW):
        yield made


def page(doors: Doors, path: str, status: int = 200, **query: Any) -> str:
    """The page as a person reads it: entities undone, spaces joined."""
    headers = {**doors.admin, "Accept": "text/html"}
    got = doors.client.get(path, params=query, headers=headers)
    assert got.status_code == status, got.text[:2_000]
    assert got.headers["content-type"].startswith("text/html")
    return re.sub(r"\s+", " ", html.unescape(got.text))


def twin(doors: Doors, path: str, **query: Any) -> Any:
    got = doors.client.get(path, params={**query, "format": "json"}, headers=doors.admin)
    assert got.status_code == 200, got.text
    return got.json()


def names(doors: Doors, **query: Any) -> list[str | None]:
    return [one["name"] for one in twin(doors, "/ui/learners", **query)["list"]["learners"]]


def press(doors: Doors, path: str, **fields: Any) -> Any:
    """Send a form, and stay where it leads."""
    return doors.client.post(path, data=fields, headers=doors.admin, follow_redirects=False)


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


def course_id(name: str) -> UUID:
    with session_scope() as db:
        return db.execute(select(User.id).where(User.name == name)).scalar_one()


def test_a_learner_is_told_in_their_own_words_and_days(doors: Doors, course: Course) -> None:
    with session_scope() as db:
        load(
            db,
            answer("Cyd", "7", "poll", "b", at(9, "12:30:00"), success=False),
            did("Cyd", 2, at(9, "23:30:00")),
        )
    key = course_id("Cyd")
    told = twin(doors, f"/ui/learners/{key}")
    # In Kiritimati, 14 hours ahead, noon of the 9th is the 10th, and the last hour of the 9th too.
    assert [day["day"] for day in told["days"]] == ["2026-03-10", "2026-03-09"]
    newest, asked = told["days"][0]["entries"]
    assert newest["did"] == "Opened"
    assert (asked["did"], asked["what"], asked["answer"], asked["success"]) == ("Answered", "poll 7", "Whole", False)
    said = page(doors, f"/ui/learners/{key}")
    assert "1 of 4 lessons completed, 2 late. Last active" in said
    assert "“poll 7” with “Whole”" in said
    assert "took" not in said
    assert "at 02:30<" in said
    assert "Pacific/Kiritimati" in said
    lessons = {one["title"]: one for one in told["lessons"]}
    assert [lessons[f"Lesson {n}"]["overdue_days"] for n in (1, 2, 3, 4)] == [0, 6, 1, 0]
    # One statement of the course and the two of today came under the address.
    assert {one["words"]: one["statements"] for one in told["known_by"]}["E-mail"] == 3


def test_a_timeline_goes_on_where_its_page_ended(doors: Doors, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.ui import learner

    whole = [e["statement_id"] for d in twin(doors, f"/ui/learners/{course_id('Ann')}")["days"] for e in d["entries"]]
    monkeypatch.setattr(learner, "TIMELINE_ENTRIES", 4)
    walked, query = [], {}
    for _ in range(10):
        told = twin(doors, f"/ui/learners/{course_id('Ann')}", **query)
        walked += [e["statement_id"] for d in told["days"] for e in d["entries"]]
        if told["next"] is None:
            break
        query = {"cursor": told["next"]}
    assert walked == whole
    assert len(whole) > 8


def test_reminders_and_who_wants_none(doors: Doors, course: Course) -> None:
    key = course_id("Dee")
    with session_scope() as db:
        db.add(
            Notification(
                id=uuid4(),
                learner_id=key,
                local_day=NOW.date(),
                time_zone="Europe/Berlin",
                lessons=2,
                status="bounced",
                claimed_at=NOW,
                answer="550 no such mailbox",
            )
        )
        db.add(ReminderStop(learner_id=key, unsubscribed_at=NOW))
    said = page(doors, f"/ui/learners/{key}")
    assert "Bounced" in said
    assert "550 no such mailbox" in said
    assert "They want no reminders." in said
    got = press(doors, f"/ui/learners/{key}/resume")
    assert (got.status_code, got.headers["location"]) == (303, f"/ui/learners/{key}?told=resumed")
    assert "They want no reminders." not in page(doors, f"/ui/learners/{key}", told="resumed")
    assert "Reminders resumed" in page(doors, f"/ui/learners/{key}")


def test_a_learner_who_is_not_there(doors: Doors) -> None:
    for path in ("", "/merge", "/split", "/erase", "/export"):
        assert doors.client.get(f"/ui/learners/{NOBODY}{path}", headers=doors.admin).status_code == 404, path
    for path in ("/merge", "/split", "/erase", "/resume"):
        got = press(doors, f"/ui/learners/{NOBODY}{path}", other=NOBODY, identifier=NOBODY)
        assert got.status_code in (400, 404), path


def test_two_that_are_one_are_merged_after_a_look(doors: Doors, course: Course) -> None:
    ann, eve = course_id("Ann"), course_id("Eve")
    assert "eve@example.org" in page(doors, f"/ui/learners/{ann}/merge", q="eve")
    said = page(doors, f"/ui/learners/{ann}/merge", other=str(eve))
    count = twin(doors, f"/ui/learners/{ann}/merge", other=str(eve))["other"]["statements"]
    assert count > 0
    assert f"{count} things that Eve did count for Ann" in said
    assert course_id("Eve") == eve
    got = press(doors, f"/ui/learners/{ann}/merge", other=str(eve))
    assert (got.status_code, got.headers["location"]) == (303, f"/ui/learners/{ann}?told=merged")
    assert names(doors, q="eve") == []
    known = {one["value"] for one in twin(doors, f"/ui/learners/{ann}")["known_by"]}
    assert {"ann@example.org", "eve@example.org"} <= known
    assert "Merged with another learner" in page(doors, f"/ui/learners/{ann}", told="merged")
    assert press(doors, f"/ui/learners/{ann}/merge", other="nobody").status_code == 400

    # And split again: what came under the address goes with it.
    (key,) = [one["key"] for one in twin(doors, f"/ui/learners/{ann}")["known_by"] if one["value"] == "eve@example.org"]
    assert "Choose at least one" in refused(doors, f"/ui/learners/{ann}/split", name="Eve")
    assert "no learner" in refused(doors, f"/ui/learners/{ann}/split", identifier=key, into="Eve")
    everything = [one["key"] for one in twin(doors, f"/ui/learners/{ann}/split")["known_by"]]
    assert "Leave at least one" in refused(doors, f"/ui/learners/{ann}/split", identifier=everything)
    got = press(doors, f"/ui/learners/{ann}/split", identifier=key, name="Eve again")
    assert got.status_code == 303
    other = course_id("Eve again")
    assert got.headers["location"] == f"/ui/learners/{other}?told=split"
    assert sum(len(day["entries"]) for day in twin(doors, f"/ui/learners/{other}")["days"]) == count


def refused(doors: Doors, path: str, **fields: Any) -> str:
    got = doors.client.post(path, data=fields, headers={**doors.admin, "Accept": "text/html"})
    assert got.status_code == 400
    return re.sub(r"\s+", " ", html.unescape(got.text))


def test_a_learner_is_erased_only_by_the_button(doors: Doors, drain: Callable[[], int]) -> None:
    doors.post([completed("ann@example.org", 1), completed("ann@example.org", 2), completed("ben@example.org", 1)])
    drain()
    with session_scope() as db:
        ann = db.execute(select(User.id).where(User.email == "ann@example.org")).scalar_one()
    told = twin(doors, f"/ui/learners/{ann}/erase")["erased"]
    assert (told["dry_run"], told["deleted"]["bronze.statements_raw"]) == (True, 2)
    said = page(doors, f"/ui/learners/{ann}/erase")
    assert "Nothing has been deleted yet." in said
    assert "Statements: everything they did, as it was received" in said
    assert len(names(doors)) == 2
    export = doors.client.get(f"/ui/learners/{ann}/export", headers=doors.admin)
    assert export.headers["content-disposition"] == f'attachment; filename="learner-{ann}.json"'
    assert len(export.json()["statements"]) == 2
    got = press(doors, f"/ui/learners/{ann}/erase")
    assert (got.status_code, got.headers["location"]) == (303, "/ui/learners?told=erased")
    assert "The learner is erased" in page(doors, "/ui/learners", told="erased")
    assert doors.client.get(f"/ui/learners/{ann}", headers=doors.admin).status_code == 404
    with session_scope() as db:
        assert db.execute(text("SELECT count(*) FROM bronze.statements_raw")).scalar_one() == 1
        (act,) = db.scalars(select(audit.AuditEntry))
        assert (act.act, act.actor, act.target) == ("learner.erase", "admin token", f"learner:{ann}")


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
