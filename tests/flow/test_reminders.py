"""Reminders through a real mail server: each of those who need one gets one, whatever breaks in between."""

import multiprocessing
import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psutil
import pytest
from sqlalchemy import insert, select, text, update

from app.accounts.identifiers import email_identifiers
from app.accounts.models import Cohort, CohortLesson, CohortMember, UserIdentifier
from app.audit import AuditEntry
from app.config import get_settings
from app.database import session_scope
from app.jobs import reminder, scheduler
from app.jobs.models import JobRun
from app.models import Lesson, Notification, TaskStatus, User
from app.notifications import acts, ledger, service
from app.platform import clock
from app.platform.ids import stable_id
from tests.conftest import Doors
from tests.flow.post_office import PostOffice
from tests.statements import answered, completed, lesson

MORNING = datetime(2026, 3, 10, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def office(clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """A mail server, and settings that use it."""
    post = PostOffice().open()
    monkeypatch.setenv("SMTP_URL", post.url)
    monkeypatch.setenv("MAIL_FROM", "Spring course <course@school.example>")
    monkeypatch.setenv("SMTP_TIMEOUT_SECONDS", "10")
    monkeypatch.setenv("PUBLIC_URL", "https://analytics.example.org")
    get_settings.cache_clear()
    yield post
    post.close()
    monkeypatch.undo()
    get_settings.cache_clear()


def course(
    *emails: str | None,
    slug: str = "spring",
    lessons: int = 2,
    due: date | None = date(2026, 3, 9),
    zone: str = "Europe/Berlin",
    learner_zone: str | None = None,
    hour: int = 9,
    name: str = "Ann",
) -> UUID:
    """A cohort with these learners; lesson n is due n - 1 days after `due`."""
    with session_scope() as db:
        cohort = Cohort(slug=slug, name=slug.title(), time_zone=zone, reminder_hour=hour)
        db.add(cohort)
        db.flush()
        for number in range(1, lessons + 1):
            activity = lesson(number)["id"]
            lesson_id = stable_id("activity", activity)
            if db.get(Lesson, lesson_id) is None:
                db.add(Lesson(id=lesson_id, activity_id=activity, title=f"Lesson {number}"))
                db.flush()
            day = due + timedelta(days=number - 1) if due else None
            db.add(CohortLesson(cohort_id=cohort.id, lesson_id=lesson_id, position=number, due_on=day))
        for email in emails:
            known = db.scalar(select(User).where(User.email == email)) if email else None
            user = known or User(name=name, email=email, time_zone=learner_zone, source="roster")
            db.add(user)
            db.flush()
            if email and not known:
                for one in email_identifiers(email):
                    db.add(UserIdentifier(key=one.key, user_id=user.id, kind=one.kind, value=one.value))
            db.add(CohortMember(cohort_id=cohort.id, user_id=user.id))
        return cohort.id


def send(at: datetime = MORNING) -> service.Run:
    with clock.set_now(at):
        return reminder.send_daily_reminders()


def rows() -> list[tuple[str, str, int]]:
    """(e-mail, status, attempts) of each reminder, by e-mail and day."""
    with session_scope() as db:
        query = (
            select(User.email, Notification.status, Notification.attempts)
            .join(User, User.id == Notification.learner_id)
            .order_by(User.email, Notification.local_day)
        )
        return [tuple(row) for row in db.execute(query)]  # type: ignore[misc]


def learner_id(email: str) -> UUID:
    with session_scope() as db:
        return db.scalars(select(User.id).where(User.email == email)).one()


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
        assert reminder.get_incomplete_users(db, date(2026, 3, 11)) == []
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


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
    ],
)
def test_a_change_of_the_clocks_sends_once_a_day(office: PostOffice, zone: str, day: date) -> None:
    course("ann@example.org", due=day - timedelta(days=9), lessons=1, zone=zone, hour=9)
    start = datetime.combine(day - timedelta(days=1), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    for ticks in range(3 * 24 * 2):
        send(start + timedelta(minutes=30 * ticks))
    dates = [letter.message["Date"].datetime.astimezone(ZoneInfo(zone)) for letter in office.letters]
    assert [(moment.date() - day).days for moment in dates] == [-1, 0, 1]
    assert {(moment.hour, moment.minute) for moment in dates} == {(9, 0)}


def test_learners_in_twelve_zones_each_at_their_own_nine(office: PostOffice) -> None:
    from tests.rooms.notifications.test_rules import TWELVE_ZONES

    for number, zone in enumerate(TWELVE_ZONES):
        course(f"l{number}@example.org", slug=f"c{number}", lessons=1, learner_zone=zone, zone="UTC")
    for ticks in range(60 * 2):
        send(datetime(2026, 3, 8, tzinfo=UTC) + timedelta(minutes=15 * ticks * 2))
    first: dict[str, datetime] = {}
    for letter in office.letters:
        first.setdefault(letter.recipient, letter.message["Date"].datetime)
    local = [first[f"l{number}@example.org"].astimezone(ZoneInfo(zone)) for number, zone in enumerate(TWELVE_ZONES)]
    assert {moment.date() for moment in local} == {date(2026, 3, 9)}
    assert {moment.hour for moment in local} == {9}
    days = [(x.recipient, x.message["Date"].datetime.date()) for x in office.letters]
    assert len(days) == len(set(days))


def test_greylisting_is_retried_with_patience_within_the_day(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    office.at_recipient = lambda address: "451 4.7.1 greylisted, come back" if address.startswith("ann") else None
    send()
    assert rows() == [("ann@example.org", "waiting", 1), ("ben@example.org", "sent", 1)]
    send(MORNING + timedelta(minutes=4))
    assert office.tried.count("ann@example.org") == 1
    send(MORNING + timedelta(minutes=5))
    assert rows()[0] == ("ann@example.org", "waiting", 2)
    office.at_recipient = lambda address: None
    send(MORNING + timedelta(minutes=19))
    assert office.recipients() == ["ben@example.org"]
    send(MORNING + timedelta(minutes=20))
    assert rows() == [("ann@example.org", "sent", 3), ("ben@example.org", "sent", 1)]
    assert office.recipients() == ["ben@example.org", "ann@example.org"]
    send(MORNING + timedelta(hours=2))
    assert len(office.letters) == 2


def test_a_retry_never_reaches_into_quiet_hours_and_the_next_day_begins_anew(office: PostOffice) -> None:
    course("ann@example.org")
    office.at_data = lambda address: "452 4.3.1 no room"
    evening = MORNING.replace(hour=20, minute=50)
    send(evening)
    office.at_data = lambda address: None
    send(evening + timedelta(minutes=15))
    assert office.letters == []
    send(MORNING + timedelta(days=1))
    assert rows() == [("ann@example.org", "waiting", 1), ("ann@example.org", "sent", 1)]
    send(MORNING + timedelta(days=3))
    assert rows()[0] == ("ann@example.org", "failed", 1)


def test_an_address_that_is_refused_for_good_is_left_alone_until_it_is_another_one(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    office.at_recipient = lambda address: "550 5.1.1 no such person" if address.startswith("ann") else None
    send()
    assert rows() == [("ann@example.org", "bounced", 1), ("ben@example.org", "sent", 1)]
    send(MORNING + timedelta(days=1))
    assert office.tried.count("ann@example.org") == 1
    with session_scope() as db:
        db.execute(update(User).where(User.email == "ann@example.org").values(email="ann.new@example.org"))
    office.at_recipient = lambda address: None
    send(MORNING + timedelta(days=2))
    assert office.recipients().count("ann.new@example.org") == 1


def test_a_server_that_refuses_everybody_is_not_held_against_the_learners(office: PostOffice) -> None:
    course(*(f"l{n:02}@example.org" for n in range(30)))
    office.at_recipient = lambda address: "550 who are you?"
    run = send()
    assert run.stopped is not None
    assert "refused 20 addresses in a row" in run.stopped
    assert {status for _, status, _ in rows()} == {"failed"}
    office.at_recipient = lambda address: None
    send(MORNING + timedelta(days=1))
    assert len(office.letters) == 30


def test_a_sender_that_is_refused_stops_the_run_and_blames_nobody(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    office.at_mail = "550 5.7.1 sender not allowed"
    run = send()
    assert "sender not allowed" in (run.stopped or "")
    assert office.tried == []
    office.at_mail = None
    assert send(MORNING + timedelta(minutes=5)).sent == 2


def test_a_connection_that_breaks_after_the_mail_is_unknown_and_for_a_person_to_say(
    office: PostOffice, doors: Doors
) -> None:
    course("ann@example.org", "ben@example.org", "cyd@example.org")
    office.hang_up_after_data = lambda address: not address.startswith("ben")
    run = send()
    assert (run.sent, run.unknown) == (1, 2)
    for minutes in (5, 60, 600):
        send(MORNING + timedelta(minutes=minutes))
    assert sorted(office.recipients()) == ["ann@example.org", "ben@example.org", "cyd@example.org"]
    with clock.set_now(MORNING):
        page = doors.client.get("/api/reminders?status=unknown", headers=doors.admin).json()
        ids = {row["email"]: row["id"] for row in page["reminders"]}
        assert set(ids) == {"ann@example.org", "cyd@example.org"}
        assert page["totals"] == {"sent": 1, "unknown": 2}
        told = doors.client.post(f"/api/reminders/{ids['ann@example.org']}/mark-sent", headers=doors.admin)
        assert told.json()["status"] == "sent"
        again = doors.client.post(f"/api/reminders/{ids['cyd@example.org']}/send-again", headers=doors.admin)
        assert again.json()["status"] == "waiting"
        twice = doors.client.post(f"/api/reminders/{ids['ann@example.org']}/send-again", headers=doors.admin)
        assert (twice.status_code, twice.json()["code"]) == (409, "conflict")
    office.hang_up_after_data = lambda address: False
    send(MORNING + timedelta(minutes=10))
    assert office.recipients().count("cyd@example.org") == 2
    with session_scope() as db:
        assert set(db.scalars(select(AuditEntry.act))) == {"reminder.mark_sent", "reminder.send_again"}


def test_sending_again_a_day_later_is_refused_with_the_reason(office: PostOffice, doors: Doors) -> None:
    course("ann@example.org")
    office.hang_up_after_data = lambda address: True
    send()
    row_id = ledger.reminder_id(learner_id("ann@example.org"), date(2026, 3, 10))
    with clock.set_now(MORNING + timedelta(days=1)):
        answer = doors.client.post(f"/api/reminders/{row_id}/send-again", headers=doors.admin)
    assert answer.status_code == 409
    assert "2026-03-10" in answer.json()["detail"]


def test_a_mail_server_that_is_down_for_an_hour_delays_and_loses_nothing(office: PostOffice) -> None:
    course(*(f"l{n}@example.org" for n in range(5)))
    office.close()
    for minutes in range(0, 60, 5):
        run = send(MORNING + timedelta(minutes=minutes))
        assert (run.sent, (run.stopped or "").startswith("mail server")) == (0, True)
    assert rows() == []
    with session_scope() as db:
        assert db.get_one(TaskStatus, reminder.TASK).status == "failed"
    office.open()
    assert send(MORNING + timedelta(minutes=60)).sent == 5
    send(MORNING + timedelta(minutes=65))
    assert sorted(office.recipients()) == [f"l{n}@example.org" for n in range(5)]
    with session_scope() as db:
        assert db.get_one(TaskStatus, reminder.TASK).status == "done"


def test_a_server_that_goes_away_in_the_middle_of_a_run(office: PostOffice) -> None:
    course(*(f"l{n}@example.org" for n in range(6)))

    def leave(_address: str) -> None:
        if len(office.letters) == 3:
            threading.Thread(target=office.close).start()

    office.on_arrival = leave
    first = send()
    assert first.sent + first.unknown >= 3
    office.on_arrival = lambda address: None
    office.close()
    office.open()
    send(MORNING + timedelta(minutes=5))
    assert sorted(set(office.recipients())) == [f"l{n}@example.org" for n in range(6)]
    assert len(office.recipients()) == 6


def test_one_connection_serves_the_whole_run_and_a_closed_one_is_opened_again(office: PostOffice) -> None:
    course(*(f"l{n:02}@example.org" for n in range(12)))
    send()
    assert (len(office.letters), office.connections) == (12, 1)
    closing = {"l04@example.org", "l08@example.org"}

    def close_before(address: str) -> str | None:
        if address in closing:
            closing.remove(address)
            return "421 too many mails on this connection"
        return None

    office.at_recipient = close_before
    assert send(MORNING + timedelta(days=1)).sent == 12
    assert office.connections == 4


def test_two_schedulers_at_once_send_once(office: PostOffice) -> None:
    course(*(f"l{n:02}@example.org" for n in range(20)))
    with clock.set_now(MORNING):
        threads = [threading.Thread(target=scheduler.schedule_daily_reminders.fn) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(office.recipients()) == [f"l{n:02}@example.org" for n in range(20)]
    with session_scope() as db:
        assert db.scalars(select(JobRun.outcome).where(JobRun.job == scheduler.JOB)).all() == ["done"]
    # The period is done: who joins now is found by the next one.
    course("late@example.org", slug="summer")
    for minutes, sent in ((4, 20), (5, 21)):
        with clock.set_now(MORNING + timedelta(minutes=minutes)):
            scheduler.schedule_daily_reminders.fn()
        assert len(office.letters) == sent


def test_even_two_runs_that_do_not_know_of_each_other_send_once(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    course(*(f"l{n:02}@example.org" for n in range(40)))
    monkeypatch.setattr(service, "_alone", lambda: nullcontext(True))
    with clock.set_now(MORNING):
        threads = [threading.Thread(target=reminder.send_daily_reminders) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(office.recipients()) == [f"l{n:02}@example.org" for n in range(40)]


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


def _claim_and_die(settings_environment: dict[str, str], at: datetime) -> None:
    os.environ.update(settings_environment)
    from app.database import forget_engine

    get_settings.cache_clear()
    forget_engine()
    service.compose = lambda *_, **__: os._exit(9)  # type: ignore[assignment]
    with clock.set_now(at):
        reminder.send_daily_reminders()


def test_killed_between_the_claim_and_the_note_is_unknown_and_not_sent_again(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    process = multiprocessing.get_context("spawn").Process(target=_claim_and_die, args=(dict(os.environ), MORNING))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    ((email, status, _),) = rows()
    assert status == "sending"
    run = send(MORNING + timedelta(minutes=5))
    assert (run.sent, office.recipients()) == (1, [{"ann@example.org", "ben@example.org"}.difference({email}).pop()])
    run = send(MORNING + timedelta(minutes=20))
    assert (run.sent, run.found_unknown) == (0, 1)
    assert dict(row[:2] for row in rows())[email] == "unknown"


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


def test_a_missed_tick_is_caught_up_the_same_day_and_a_missed_day_is_not_doubled(office: PostOffice) -> None:
    course("ann@example.org", lessons=1)
    for at in (MORNING.replace(hour=8, minute=59), MORNING.replace(hour=19), MORNING.replace(hour=23)):
        with clock.set_now(at):
            scheduler.schedule_daily_reminders.fn()
            scheduler.schedule_daily_reminders.fn()
    with clock.set_now(MORNING + timedelta(days=3)):
        scheduler.schedule_daily_reminders.fn()
    sent = [letter.message["Date"].datetime.astimezone(MORNING.tzinfo) for letter in office.letters]
    assert [(moment.day, moment.hour) for moment in sent] == [(10, 19), (13, 9)]


def test_no_transaction_is_open_while_the_mail_server_is_spoken_to(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    open_ones: list[Any] = []

    def look(_address: str) -> None:
        with session_scope() as db:
            idle = "state LIKE 'idle in transaction%' AND datname = current_database()"
            open_ones.append(db.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {idle}")))

    office.on_arrival = look
    assert send().sent == 2
    assert open_ones == [0, 0]


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


@pytest.mark.flow
def test_ten_thousand_learners_in_one_run(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting:
        """Stands where the mail server is; what is measured is the run."""

        def __init__(self) -> None:
            self.seen: set[str] = set()
            self.figures: list[tuple[int, int]] = []
            self.memory: list[int] = []

        def open(self) -> None: ...
        def close(self) -> None: ...
        def send(self, _message: object, _sender: str, recipient: str) -> str:
            assert recipient not in self.seen
            self.seen.add(recipient)
            if len(self.seen) % 2_500 == 0:
                self.memory.append(psutil.Process().memory_info().rss)
                with session_scope() as db:
                    detail = db.get_one(TaskStatus, reminder.TASK).detail
                    self.figures.append((int(str(detail["looked_at"])), int(str(detail["candidates"]))))
            return "250 OK"

    cohort = course()
    with session_scope() as db:
        ids = [uuid4() for _ in range(10_000)]
        db.execute(insert(User), [{"id": i, "email": f"{i}@example.org", "source": "roster"} for i in ids])
        db.execute(insert(CohortMember), [{"cohort_id": cohort, "user_id": i} for i in ids])
    mailer = Counting()
    monkeypatch.setattr(service, "mailer_of", lambda settings: mailer)
    run = send()
    assert (run.sent, run.candidates, run.looked_at, len(mailer.seen)) == (10_000, 10_000, 10_000, 10_000)
    assert [of for _, of in mailer.figures] == [10_000] * 4
    done = [done for done, _ in mailer.figures]
    assert done == sorted(set(done))
    assert done[0] > 0
    # What it holds does not grow with the number of learners: a batch is 200 of them.
    assert max(mailer.memory) - mailer.memory[0] < 20 * 2**20
    assert send(MORNING + timedelta(minutes=5)).candidates == 0


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
