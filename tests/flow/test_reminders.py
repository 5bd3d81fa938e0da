"""Reminders through a real mail server: exactly those who need one get one, and what it holds."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.models import MergedLearner
from app.config import get_settings
from app.database import session_scope
from app.jobs import reminder
from app.notifications import acts, ledger
from app.notifications.models import ReminderStop
from app.platform import clock
from tests.conftest import Doors
from tests.flow.post_office import PostOffice
from tests.flow.reminding import MORNING, course, learner_id, rows, send
from tests.statements import answered, completed


def test_the_reminder_arrives_with_both_unsubscribe_headers_and_the_link_works(
    office: PostOffice, doors: Doors
) -> None:
    course("ann@example.org", name="Ann\r\nBcc: everybody@example.org <b>")
    assert send().sent == 1
    (letter,) = office.letters
    mail = letter.message
    assert letter.recipient == "ann@example.org"
    assert (mail["From"], mail["Subject"]) == ("Spring course <course@school.example>", "2 lessons left in Spring")
    assert (mail["Bcc"], len(mail["To"].addresses)) == (None, 1)
    assert mail["To"].addresses[0].addr_spec == "ann@example.org"
    assert mail["Date"].datetime == MORNING
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (
        mail["Message-ID"]
        == f"<reminder-{ledger.reminder_id(learner_id('ann@example.org'), date(2026, 3, 10))}@school.example>"
    )
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    for body in (plain, html):
        assert "https://app.7taps.com/lessons/1" in body
        assert body.count("Lesson 2") == 1
    assert "&lt;b&gt;" in html
    assert not re.search(r"<img|<script|url\(|http-equiv", html)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip("<>")
    assert re.fullmatch(r"https://analytics\.example\.org/unsubscribe/[\w=-]{64}", link)
    assert link in plain
    # The header is on one line as RFC 2369 readers expect, and not encoded.
    assert f"<{link}>".encode() in letter.raw.replace(b"\r\n ", b"")
    path = link.removeprefix("https://analytics.example.org")

    page = doors.client.get(path)
    assert (page.status_code, "No more reminders" in page.text) == (200, True)
    assert send(MORNING + timedelta(days=1)).sent == 1  # looking changed nothing
    done = doors.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert doors.client.post(path).status_code == 200
    assert send(MORNING + timedelta(days=2)).due == 0
    assert len(office.letters) == 2
    wrong = path[:-6] + ("A" if path[-6] != "A" else "B") + path[-5:]
    for other in (wrong, path[:-4], "/unsubscribe/x", "/unsubscribe/" + "A" * 64, "/unsubscribe/%00é"):
        assert {doors.client.get(other).status_code, doors.client.post(other).status_code} == {404}


def test_exactly_those_who_need_one(office: PostOffice, doors: Doors, drain: Callable[[], int]) -> None:
    course("ann@example.org", "ben@example.org", "cyd@example.org", None)
    course("dates@example.org", slug="undated", due=None)
    course("later@example.org", slug="summer", due=date(2026, 6, 1))
    done = [completed(f"{name}@example.org", number) for name, number in (("ann", 1), ("ann", 2), ("ben", 1))]
    for statement in (*done, answered("cyd@example.org", 1)):
        assert doors.put(statement, statement["id"]).status_code == 204
    drain()
    with session_scope() as db:
        incomplete = reminder.get_incomplete_users(db, date(2026, 3, 10))
        assert {user.email for user in incomplete} == {"ben@example.org", "cyd@example.org", None}
        assert {user.email for user in reminder.get_incomplete_users(db, date(2026, 3, 9))} == {"cyd@example.org", None}
        assert list(reminder.get_incomplete_users(db, date(2026, 3, 11))) == []
    send()
    subjects = {letter.recipient: letter.message["Subject"] for letter in office.letters}
    assert subjects == {"ben@example.org": "1 lesson left: Lesson 2", "cyd@example.org": "2 lessons left in Spring"}
    # A completion that is voided is none: ann is reminded the day after.
    void = {
        "id": str(uuid4()),
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": done[1]["id"]},
    }
    assert doors.put(void, void["id"]).status_code == 204
    drain()
    send(MORNING + timedelta(days=1))
    assert office.recipients().count("ann@example.org") == 1


def test_a_learner_in_two_cohorts_gets_one_digest(office: PostOffice) -> None:
    course("ann@example.org", slug="spring", lessons=1)
    course("ann@example.org", slug="summer", lessons=3, hour=11)
    assert send().sent == 1
    send(MORNING + timedelta(hours=3))
    (letter,) = office.letters
    assert "2 lessons are left" in letter.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_completed_a_moment_before_it_is_sent(office: PostOffice, doors: Doors, drain: Callable[[], int]) -> None:
    course("ann@example.org", "ben@example.org", lessons=1)
    statements = {email: completed(email, 1) for email in ("ann@example.org", "ben@example.org")}

    def finish_the_other(recipient: str) -> None:
        (other,) = set(statements) - {recipient}
        doors.put(statements[other], statements[other]["id"])
        drain()

    office.on_arrival = finish_the_other
    run = send()
    assert (run.due, run.sent, len(office.letters), len(rows())) == (2, 1, 1, 1)


def test_it_stops_after_reminders_that_nobody_answers_until_they_do_something(
    office: PostOffice, doors: Doors, drain: Callable[[], int]
) -> None:
    course("ann@example.org", "ben@example.org", lessons=2)
    for day in range(6):
        send(MORNING + timedelta(days=day))
    assert office.recipients().count("ann@example.org") == 3
    with clock.set_now(MORNING + timedelta(days=6)):
        page = doors.client.get("/api/debug/reminder-preview?reason=unanswered", headers=doors.admin).json()
        assert {(row["email"], row["unanswered"]) for row in page["learners"]} == {
            ("ann@example.org", 3),
            ("ben@example.org", 3),
        }
        path = f"/api/reminders/learners/{learner_id('ben@example.org')}/resume"
        assert doors.client.post(path, headers=doors.admin).status_code == 200
    statement = completed("ann@example.org", 1, at="2026-03-15T08:00:00Z")
    doors.put(statement, statement["id"])
    drain()
    run = send(MORNING + timedelta(days=6))
    assert (run.sent, run.stopped_unanswered) == (2, 0)
    assert office.letters[-1].message["Subject"] in ("1 lesson left: Lesson 2", "2 lessons left in Spring")
    for day in range(7, 12):
        run = send(MORNING + timedelta(days=day))
    assert run.stopped_unanswered == 2
    assert office.recipients().count("ann@example.org") == office.recipients().count("ben@example.org") == 6


def test_the_most_that_a_run_sends_is_a_setting_and_the_next_run_goes_on(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    course(*(f"l{n}@example.org" for n in range(5)))
    monkeypatch.setenv("REMINDERS_PER_RUN_MAX", "2")
    get_settings.cache_clear()
    runs = [send(MORNING + timedelta(minutes=5 * n)) for n in range(4)]
    assert [run.sent for run in runs] == [2, 2, 1, 0]
    assert runs[0].stopped == "REMINDERS_PER_RUN_MAX, 2"


def test_without_a_mail_server_mails_are_files_that_the_doors_show(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    try:
        course("ann@example.org", "not an address@x")
        run = send()
        assert (run.sent, run.bounced) == (1, 1)
        (path,) = (tmp_path / "outbox").iterdir()
        row_id = ledger.reminder_id(learner_id("ann@example.org"), date(2026, 3, 10))
        answer = doors.client.get(f"/api/reminders/{row_id}/mail", headers=doors.admin)
        assert answer.content == path.read_bytes()
        assert b"To: Ann <ann@example.org>" in answer.content
        assert doors.client.get(f"/api/reminders/{uuid4()}/mail", headers=doors.admin).status_code == 404
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_two_learners_who_become_one_keep_their_days_and_their_no(office: PostOffice) -> None:
    course("ann@example.org", "ann2@example.org")
    send()
    first, second = learner_id("ann@example.org"), learner_id("ann2@example.org")
    with session_scope() as db:
        acts.unsubscribe(db, second)
        acts.follow_merge(db, second, first)
        db.execute(text("DELETE FROM users WHERE id = :id"), {"id": second})
    assert rows() == [("ann@example.org", "sent", 1)]
    assert send(MORNING + timedelta(days=1)).due == 0


def merged_as(db: Session) -> dict[UUID, UUID]:
    return {row.gone_id: row.kept_id for row in db.scalars(select(MergedLearner))}


def test_the_link_of_an_earlier_mail_counts_for_who_the_learner_became(office: PostOffice, doors: Doors) -> None:
    """Cyd is merged into Ben, and Ben into Ann: whoever reads Cyd's mailbox wants no more, and means Ann."""
    course("ann@example.org", "ben@example.org", "cyd@example.org")
    send()
    links = {letter.recipient: letter.message["List-Unsubscribe"].strip("<>") for letter in office.letters}
    path = links["cyd@example.org"].removeprefix("https://analytics.example.org")
    ann, ben, cyd = (learner_id(f"{name}@example.org") for name in ("ann", "ben", "cyd"))
    for kept, gone in ((ben, cyd), (ann, ben)):
        merged = doors.client.post(f"/api/learners/{kept}/merge", json={"other": str(gone)}, headers=doors.admin)
        assert merged.status_code == 200
    assert send(MORNING + timedelta(days=1)).sent == 1
    assert doors.client.post(path).status_code == 200
    assert doors.client.post(path).status_code == 200
    assert send(MORNING + timedelta(days=2)).due == 0
    with session_scope() as db:
        assert db.get_one(ReminderStop, ann).unsubscribed_at is not None
        # Merges from before the table was there are read from the audit log, to the same end.
        assert merged_as(db) == {ben: ann, cyd: ann}
        db.execute(text("DELETE FROM merged_learners"))
        db.execute(text(import_module("migrations.versions.0019_merges_and_imports").FROM_THE_LOG))
        assert merged_as(db) == {ben: ann, cyd: ann}
    # Erased: nobody is there to be reminded, and the answer tells nothing.
    assert doors.client.delete(f"/api/learners/{ann}", headers=doors.admin).status_code == 200
    assert doors.client.post(path).status_code == 200
