"""The pages of reminders: who would get one, one mail as it would be, copies, a run, and what became of them."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from app.access.headers import CONTENT_SECURITY_POLICY
from app.config import get_settings
from app.database import session_scope
from app.jobs import reminder, sending_now
from app.models import Notification
from app.notifications import acts, service, trying
from app.notifications.outbox import OutboxMailer
from app.notifications.unsubscribing import token_of
from app.platform import clock
from tests.conftest import Doors
from tests.doors.people import account
from tests.doors.people import acts as audited
from tests.doors.people import visitor
from tests.doors.reminder_pages import HOSTILE, PATH, files, outbox, page, post, reminders, twin  # noqa: F401
from tests.doors.test_reminder_doors import NOON
from tests.flow.test_reminders import course, learner_id, rows, send


@pytest.mark.parametrize("path", ["", "/history", "/stopped", "/outbox", f"/learners/{uuid4()}", "/outbox/a.eml/html"])
def test_strangers_are_asked_to_log_in(doors: Doors, path: str) -> None:
    answer = doors.client.get(PATH + path, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/ui/login")
    assert doors.client.get(PATH + path).status_code == 401
    assert doors.client.post(PATH + "/send").status_code == 401


def test_who_would_get_one_and_why_the_others_do_not(doors: Doors) -> None:
    spring = course("ann@example.org", None, name=HOSTILE)
    course("may@example.org", slug="late", hour=18)
    with clock.set_now(NOON):
        seen = doors.client.get(PATH, headers=doors.admin).text
        assert "<script>alert" not in seen
        assert "&lt;script&gt;alert(1)" in seen
        assert "ann@example.org" in seen
        assert "Due now" in seen
        assert "No e-mail address is known." in seen
        assert "21:00 to 08:00" in seen
        assert "into the outbox" in seen
        told = twin(doors)
        assert (told["looked_at"], told["candidates"]) == (3, 2)
        assert told["preview"]["counts"] == {"due": 1, "no_email": 1, "later": 1}
        assert twin(doors, cohort=str(spring))["looked_at"] == 2
        due = twin(doors, reason="due", cohort="", search="")["preview"]["learners"]
        assert [row["email"] for row in due] == ["ann@example.org"]
        assert [row["email"] for row in twin(doors, search="MAY@")["preview"]["learners"]] == ["may@example.org"]
        assert "Nobody fits" in page(doors, search="nobody at all")
    for wrong in ("cohort=x", "reason=because", "cursor=1", "search=%00", f"search={'x' * 201}"):
        answer = doors.client.get(f"{PATH}?{wrong}", headers=doors.admin)
        assert answer.status_code == 400, wrong
        assert answer.json()["problems"], wrong


def test_an_empty_course_says_what_comes_here(doors: Doors) -> None:
    assert "Nobody to remind" in page(doors)
    assert "Nothing was sent yet" in page(doors, PATH + "/history")
    assert "Nobody is stopped" in page(doors, PATH + "/stopped")
    assert "The outbox is empty" in page(doors, PATH + "/outbox")


def test_the_mail_as_it_would_be_is_shut_away(doors: Doors) -> None:
    course("ann@example.org", name=HOSTILE)
    ann = learner_id("ann@example.org")
    here = f"{PATH}/learners/{ann}"
    with clock.set_now(NOON):
        answer = doors.client.get(here, headers=doors.admin)
        assert "2 lessons left in Spring" in answer.text
        assert "<script>alert" not in answer.text
        assert answer.headers["content-security-policy"] == f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
        assert f'src="{here}/html" sandbox ' in answer.text
        framed = doors.client.get(f"{here}/html", headers=doors.admin)
        assert "Lesson 1" in framed.text
        assert "<script>alert" not in framed.text
        policy = framed.headers["content-security-policy"].split("; ")
        assert {"sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'self'"} <= set(policy)
        assert framed.headers["x-frame-options"] == "SAMEORIGIN"
        # Whoever looks at the mail of somebody else cannot end their reminders by it.
        secret = token_of(get_settings(), ann)
        assert secret not in answer.text + framed.text + str(twin(doors, here))
    assert reminders() == []
    assert doors.client.get(f"{PATH}/learners/{uuid4()}", headers=doors.admin).status_code == 404


def test_a_copy_is_marked_and_never_counts(doors: Doors, outbox: Path) -> None:
    course("ann@example.org")
    ann = learner_id("ann@example.org")
    with clock.set_now(NOON):
        answer = post(doors, f"{PATH}/learners/{ann}/copy", address="me@example.org")
        assert answer.headers["location"] == f"{PATH}/learners/{ann}?done=outbox"
        assert "nobody was mailed" in page(doors, f"{PATH}/learners/{ann}", done="outbox")
        [file] = files(outbox)
        mail = message_from_bytes(file.read_bytes(), policy=default)
        assert (mail["To"], mail["Subject"]) == ("me@example.org", "[Test] 2 lessons left in Spring")
        assert mail["List-Unsubscribe"] is None
        assert token_of(get_settings(), ann).encode() not in file.read_bytes()
        assert reminders() == []
        assert ("admin token", "reminder.try", trying.TARGET) in audited()
        for wrong in ("", "nobody", "a@b@c", "x@y.z\r\nBcc: all@example.org"):
            refused = post(doors, f"{PATH}/learners/{ann}/copy", address=wrong)
            assert refused.status_code == 400, wrong
            assert "no address" not in refused.text, wrong
            assert "is not an address that mail can be sent to" in refused.text
        assert files(outbox) == [file]
        assert send(NOON).sent == 1


def test_copies_are_bounded(doors: Doors, outbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "MAX_TRIES_PER_HOUR", 2)
    course("ann@example.org")
    ann = learner_id("ann@example.org")
    statuses = [post(doors, f"{PATH}/learners/{ann}/copy", address="me@example.org").status_code for _ in range(3)]
    assert (statuses, len(files(outbox))) == ([303, 303, 400], 2)


def test_sending_now_sends_what_is_due_and_says_so(doors: Doors, outbox: Path) -> None:
    course("ann@example.org", "tom@example.org")
    with clock.set_now(NOON):
        answer = post(doors, f"{PATH}/send")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?done=sent")
        assert [status for _, status, _ in rows()] == ["sent", "sent"]
        told = twin(doors)
        assert (told["run"]["detail"]["sent"], told["totals"]) == (2, {"sent": 2})
        assert "The run is over" in page(doors, done="sent")
        assert 'class="notice"' not in page(doors, done="anything")
    assert ("admin token", "reminders.run", "reminders:run") in audited()
    assert len(files(outbox)) == 2


def test_a_run_that_takes_too_long_ends_in_good_order(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    course(*(f"l{n}@example.org" for n in range(3)))
    deliver = OutboxMailer.send

    def slowly(self: OutboxMailer, *mail: Any) -> str:
        reminder.stopping.wait(30)  # until the time of the run is up
        return deliver(self, *mail)

    monkeypatch.setattr(OutboxMailer, "send", slowly)
    with clock.set_now(NOON):
        run, late = sending_now.send_now(seconds=0.2)
    assert (run.sent, late, reminder.stopping.is_set()) == (1, True, False)


def test_only_one_run_at_a_time(doors: Doors) -> None:
    course("ann@example.org")
    with clock.set_now(NOON), service._alone() as alone:
        assert alone
        assert post(doors, f"{PATH}/send").headers["location"] == f"{PATH}?done=busy"
    assert rows() == []


def test_history_and_what_people_decide(doors: Doors) -> None:
    course("ann@example.org", name=HOSTILE)
    send(NOON)
    with clock.set_now(NOON):
        [row] = twin(doors, PATH + "/history")["reminders"]
        assert (row["status"], row["today"], row["in_outbox"]) == ("sent", True, f"reminder-{row['id']}.eml")
        seen = doors.client.get(PATH + "/history", headers=doors.admin).text
        assert "<script>alert" not in seen
        assert "Mark as sent" not in seen
        with session_scope() as db:
            db.execute(update(Notification).values(status="unknown"))
        assert "Mark as sent" in page(doors, PATH + "/history", status="unknown")
        assert "Nobody knows whether 1 reminder" in page(doors)
        act = f"{PATH}/history/{row['id']}"
        assert post(doors, act, action="mark-sent").headers["location"] == f"{PATH}/history?done=mark-sent"
        assert [status for _, status, _ in rows()] == ["sent"]
        assert post(doors, act, action="mark-sent").headers["location"] == f"{PATH}/history?done=refused"
        assert post(doors, act, action="erase").status_code == 400
        with session_scope() as db:
            db.execute(update(Notification).values(status="bounced"))
        assert post(doors, act, action="send-again").headers["location"] == f"{PATH}/history?done=send-again"
        assert [status for _, status, _ in rows()] == ["waiting"]
    assert twin(doors, PATH + "/history", status="sent")["reminders"] == []
    for wrong in ("status=odd", "cursor=x", "learner=x", "cohort=%00"):
        assert doors.client.get(f"{PATH}/history?{wrong}", headers=doors.admin).status_code == 400, wrong
    assert post(doors, f"{PATH}/history/{uuid4()}", action="mark-sent").status_code == 404


def test_the_history_goes_on_page_by_page(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.reminder_history.ROWS_SHOWN", 2)
    course(*(f"l{n}@example.org" for n in range(5)))
    send(NOON)
    seen, cursor = [], ""
    while cursor is not None:
        found = twin(doors, PATH + "/history", cursor=cursor)
        seen += [row["email"] for row in found["reminders"]]
        cursor = found["more"]
    assert sorted(seen) == [f"l{n}@example.org" for n in range(5)]


def test_who_unsubscribed_can_be_resumed(doors: Doors) -> None:
    course("ann@example.org", "tom@example.org")
    ann = learner_id("ann@example.org")
    with session_scope() as db:
        acts.unsubscribe(db, ann)
    [row] = twin(doors, PATH + "/stopped")["learners"]
    assert row["email"] == "ann@example.org"
    assert "Remind again" in page(doors, PATH + "/stopped", kind="unsubscribed")
    assert twin(doors, PATH + "/stopped", kind="bounced")["learners"] == []
    assert post(doors, f"{PATH}/learners/{ann}/resume").headers["location"] == f"{PATH}/stopped?done=resume"
    assert twin(doors, PATH + "/stopped")["learners"] == []


def test_the_outbox_is_listed_and_read_and_nothing_else_is(doors: Doors, outbox: Path, tmp_path: Path) -> None:
    course("ann@example.org", name=HOSTILE)
    send(NOON)
    [row] = twin(doors, PATH + "/outbox")["mails"]
    here = f"{PATH}/outbox/{row['name']}"
    mail = twin(doors, here)
    assert row["subject"] == "2 lessons left in Spring"
    assert "Lesson 1" in mail["text"]
    assert "<html" in mail["html"]
    seen = doors.client.get(here, headers=doors.admin).text
    assert "<script>alert" not in seen
    assert "List-Unsubscribe" in seen
    assert "sandbox" in doors.client.get(f"{here}/html", headers=doors.admin).headers["content-security-policy"]
    file = doors.client.get(f"{here}/file", headers=doors.admin)
    assert (file.content, file.headers["content-type"]) == (files(outbox)[0].read_bytes(), "message/rfc822")
    (tmp_path / "secret.eml").write_text("Subject: no\n\nno")
    for name in ("..%2Fsecret.eml", "nothing.eml", ".hidden.eml", "%00.eml", "secret", "x" * 300 + ".eml"):
        assert doors.client.get(f"{PATH}/outbox/{name}", headers=doors.admin).status_code == 404, name
    # The mails hold the links that end reminders: whoever may only look does not get them.
    ann = visitor(doors.client, account())
    assert ann.ask("GET", PATH + "/outbox").status_code == 403
    looked = ann.ask("GET", PATH, headers={"Accept": "text/html"}).text
    assert "/outbox" not in looked
    assert "Send what is due now" not in looked
