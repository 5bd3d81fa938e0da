"""The page of one learner, and what is done there to one: reminders, merging, erasing."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app import audit
from app.database import session_scope
from app.models import Notification, User
from app.notifications.models import ReminderStop
from tests.conftest import Doors
from tests.doors.people_pages import NOBODY, course, course_id, names, page, press, refused, twin  # noqa: F401
from tests.rooms.analytics.course import NOW, Course, answer, at, did
from tests.statements import completed
from tests.warehouse.record import load


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
    assert f"{count} activities of Eve count for Ann" in said
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
