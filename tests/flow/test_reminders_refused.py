"""Mail servers that refuse, hang up, go away and come back."""

import threading
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from app.audit import AuditEntry
from app.database import session_scope
from app.jobs import reminder, scheduler
from app.jobs.models import JobRun
from app.models import TaskStatus, User
from app.notifications import ledger, rules
from app.platform import clock
from tests.conftest import Doors
from tests.flow.post_office import PostOffice
from tests.flow.reminding import MORNING, course, learner_id, rows, send


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


TROUBLE = {
    "421 at RCPT": ("at_recipient", lambda address: "421 4.3.2 closing" if address.startswith("bad") else None),
    "451 at RCPT": ("at_recipient", lambda address: "451 4.7.1 greylisted" if address.startswith("bad") else None),
    "hangs up at RCPT": ("hang_up_at_recipient", lambda address: address.startswith("bad")),
    "421 at DATA": ("at_data_command", lambda address: "421 4.3.2 closing" if address.startswith("bad") else None),
    "451 at DATA": ("at_data_command", lambda address: "451 4.3.0 later" if address.startswith("bad") else None),
    "554 at DATA": (
        "at_data_command",
        lambda address: "554 no valid recipients" if address.startswith("bad") else None,
    ),
    "421 after the mail": ("at_data", lambda address: "421 4.3.2 closing" if address.startswith("bad") else None),
    "554 after the mail": ("at_data", lambda address: "554 5.6.0 not that" if address.startswith("bad") else None),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_one_mail_that_the_server_does_not_want_holds_up_nobody_else(office: PostOffice, trouble: str) -> None:
    course("bad@example.org", *(f"l{n}@example.org" for n in range(5)))
    setattr(office, *TROUBLE[trouble])
    run = send()
    assert (run.stopped, run.server_away, run.sent, run.bounced) == (None, False, 5, 0)
    assert rows()[0] == ("bad@example.org", "failed" if trouble.startswith("554") else "waiting", 1)
    send(MORNING + timedelta(minutes=6))
    assert rows()[0][2] == (1 if trouble.startswith("554") else 2)
    assert len(office.letters) == 5
    # Nothing is held against the address: the next day it is mailed.
    setattr(office, TROUBLE[trouble][0], lambda address: None)
    assert send(MORNING + timedelta(days=1)).sent == 6


@pytest.mark.parametrize("trouble", ["421 at RCPT", "554 at DATA"])
def test_a_server_that_takes_nothing_is_left_alone_after_ten_and_nobody_loses_the_day(
    office: PostOffice, trouble: str
) -> None:
    course(*(f"bad{n:02}@example.org" for n in range(20)))
    name, answer = TROUBLE[trouble]
    setattr(office, name, answer)
    run = send()
    assert (run.looked_at, run.waiting, run.failed, run.server_away) == (10, 10, 0, True)
    assert f"none of 10 mails in a row, the last one with: {trouble[:3]}" in str(run.stopped)
    # While those in front wait, the next runs come to those behind: nobody holds up the others for good.
    runs = [send(MORNING + timedelta(minutes=minutes)) for minutes in (3, 4)]
    assert [(one.waiting, one.server_away) for one in runs] == [(10, True), (0, False)]
    assert len(set(office.tried)) == 20
    setattr(office, name, lambda address: None)
    for minutes in (30, 60):
        send(MORNING + timedelta(minutes=minutes))
    assert len(office.letters) == 20


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


def tick(at: datetime) -> None:
    with clock.set_now(at):
        scheduler.schedule_daily_reminders.fn()


@pytest.mark.parametrize("away_hours", [1, 8])
def test_a_server_that_stays_away_is_asked_ever_less_often_and_catches_up_the_same_day(
    office: PostOffice, away_hours: int
) -> None:
    course(*(f"l{n}@example.org" for n in range(5)))
    office.at_mail = "550 5.7.1 not from you"
    back = MORNING + timedelta(hours=away_hours)
    asked: list[datetime] = []
    moment = MORNING
    while moment < back:
        before = office.connections
        tick(moment)
        asked += [moment] * (office.connections - before)
        moment += timedelta(minutes=scheduler.EVERY_MINUTES)
    waits = [(later - earlier) / timedelta(minutes=1) for earlier, later in pairwise(asked)]
    assert waits[:2] == [5, 10]
    assert waits[2] in (15, 20)
    assert all(25 <= wait <= rules.AWAY_MOST_MINUTES for wait in waits[3:])
    with session_scope() as db:
        told = db.get_one(TaskStatus, reminder.TASK)
        assert (told.status, told.detail["server_failures"]) == ("failed", len(asked))
        outcomes = db.scalars(select(JobRun.outcome).where(JobRun.job == scheduler.JOB)).all()
    assert (outcomes.count("done"), outcomes.count("skipped")) == (len(asked), len(outcomes) - len(asked))
    office.at_mail = None
    while moment <= back + timedelta(minutes=rules.AWAY_MOST_MINUTES):
        tick(moment)
        moment += timedelta(minutes=scheduler.EVERY_MINUTES)
    assert sorted(office.recipients()) == [f"l{n}@example.org" for n in range(5)]
    # It is there again: from now on it is asked whenever somebody is due.
    assert reminder.resting_until() is None
    course("late@example.org", slug="late")
    tick(moment)
    assert office.recipients()[-1] == "late@example.org"


def test_a_wait_that_a_wrong_clock_wrote_down_keeps_nobody_from_a_reminder(office: PostOffice) -> None:
    course("ann@example.org")
    office.close()
    tick(MORNING + timedelta(days=400))
    office.open()
    tick(MORNING)
    assert office.recipients() == ["ann@example.org"]


def test_by_hand_it_is_tried_at_once(office: PostOffice) -> None:
    course("ann@example.org")
    office.close()
    tick(MORNING)
    with clock.set_now(MORNING + timedelta(minutes=1)):
        assert reminder.resting_until() is not None
    office.open()
    assert send(MORNING + timedelta(minutes=1)).sent == 1
