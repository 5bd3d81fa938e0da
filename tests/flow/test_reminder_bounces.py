"""Reminders that come back later: who is not mailed any more, and what a report that does not fit changes."""

import subprocess
import sys
from datetime import timedelta
from email import message_from_string
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.audit import AuditEntry
from app.config import get_settings
from app.database import session_scope
from app.errors import BadRequest
from app.models import User
from app.notifications.delivery_reports import MAX_BYTES, read_report
from app.platform import clock
from tests.conftest import Doors
from tests.flow.post_office import PostOffice
from tests.flow.reminding import MORNING, course, rows, send
from tests.flow.system import ROOT

PATH = "/api/reminders/bounces"
MAIL = {"Content-Type": "message/rfc822"}


def report(
    final: str,
    *,
    original: str | None = None,
    action: str = "failed",
    status: str = "5.1.1",
    returned: EmailMessage | None = None,
    headers_only: bool = False,
) -> bytes:
    """A delivery status notification as Postfix writes it (RFC 3464 2, 5; RFC 6522)."""
    told = MIMENonMultipart("message", "delivery-status")
    recipient = [f"Final-Recipient: rfc822; {final}", f"Action: {action}", f"Status: {status}"]
    if original:
        recipient.insert(0, f"Original-Recipient: rfc822;{original}")
    recipient.append("Diagnostic-Code: smtp; 550 5.1.1 <x>: Recipient address rejected:\r\n    User unknown")
    blocks = ["Reporting-MTA: dns; mail.school.example\r\nArrival-Date: Tue, 10 Mar 2026 09:30:01 +0100"]
    told.set_payload([message_from_string(block) for block in (*blocks, "\r\n".join(recipient))])
    whole = MIMEMultipart("report", report_type="delivery-status")
    whole["From"] = "MAILER-DAEMON@mail.school.example"
    whole["To"] = "course@school.example"
    whole["Subject"] = "Undelivered Mail Returned to Sender"
    whole["Auto-Submitted"] = "auto-replied"
    whole.attach(MIMEText("This is the mail system. I am sorry to have to inform you …", "plain", "utf-8"))
    whole.attach(told)
    if returned is not None and headers_only:
        part = MIMENonMultipart("text", "rfc822-headers")
        part.set_payload("".join(f"{name}: {value}\r\n" for name, value in returned.items()))
        whole.attach(part)
    elif returned is not None:
        whole.attach(MIMEMessage(returned))
    return whole.as_bytes()


def post(doors: Doors, raw: bytes) -> dict[str, Any]:
    with clock.set_now(MORNING + timedelta(hours=1)):
        answer = doors.client.post(PATH, content=raw, headers={**doors.admin, **MAIL})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def has_another_address(email: str, another: str) -> None:
    with session_scope() as db:
        db.execute(update(User).where(User.email == email).values(email=another))


def test_strangers_report_nothing(doors: Doors) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert doors.client.post(PATH, json={"address": "ann@example.org"}, headers=headers).status_code == 401
    sender = doors.client.post(PATH, json={"address": "ann@example.org"}, auth=doors.sender)
    assert sender.status_code == 401


@pytest.mark.parametrize("headers_only", [False, True])
def test_a_mail_that_came_back_stops_the_address_until_it_is_another_one(
    office: PostOffice, doors: Doors, headers_only: bool
) -> None:
    course("ann@example.org", "ben@example.org")
    send()
    (sent,) = [letter.message for letter in office.letters if letter.recipient == "ann@example.org"]
    # Ann's mail is forwarded: it comes back under another address.
    raw = report("ann@elsewhere.example", returned=sent, headers_only=headers_only)
    told = post(doors, raw)
    assert [one["address_stopped"] for one in told["recorded"]] == [True]
    assert told["ignored"] == []
    again = post(doors, raw)
    assert [one["known_before"] for one in told["recorded"] + again["recorded"]] == [False, True]
    assert rows() == [("ann@example.org", "bounced", 1), ("ben@example.org", "sent", 1)]
    send(MORNING + timedelta(days=1))
    assert office.recipients().count("ann@example.org") == 1
    assert office.recipients().count("ben@example.org") == 2
    with clock.set_now(MORNING + timedelta(days=1)):
        page = doors.client.get("/api/debug/reminder-preview?reason=bounced", headers=doors.admin).json()
    assert [row["email"] for row in page["learners"]] == ["ann@example.org"]
    with session_scope() as db:
        assert db.scalars(select(AuditEntry.act)).all() == ["reminder.bounce"]
    has_another_address("ann@example.org", "ann.new@example.org")
    send(MORNING + timedelta(days=2))
    assert office.recipients().count("ann.new@example.org") == 1


def test_a_mail_that_comes_back_late_does_not_stop_the_new_address(office: PostOffice, doors: Doors) -> None:
    course("ann@example.org")
    send()
    has_another_address("ann@example.org", "ann.new@example.org")
    told = post(doors, report("ann@example.org", returned=office.letters[0].message))
    assert len(told["recorded"]) == 1
    send(MORNING + timedelta(days=1))
    assert office.recipients() == ["ann@example.org", "ann.new@example.org"]


def test_without_the_mail_itself_the_address_says_whose_it_was(office: PostOffice, doors: Doors) -> None:
    course("ann@example.org", "ben@example.org")
    send()
    told = post(doors, report("forwarded@example.net", original="Ann@Example.org"))
    assert len(told["recorded"]) == 1
    send(MORNING + timedelta(days=1))
    assert sorted(office.recipients()) == ["ann@example.org", "ben@example.org", "ben@example.org"]


@pytest.mark.parametrize(
    ("options", "recorded", "status", "mailed_again"),
    [
        ({"action": "delayed", "status": "4.4.1"}, 0, "sent", True),
        ({"action": "delivered", "status": "2.0.0"}, 0, "sent", True),
        ({"action": "failed", "status": "4.4.7"}, 1, "failed", True),
        ({"action": "failed", "status": "5.7.1"}, 1, "failed", True),
        ({"action": "Failed", "status": "5.1.1 (no such user)"}, 1, "bounced", False),
    ],
)
def test_only_what_is_final_and_the_address_s_fault_stops_it(
    office: PostOffice, doors: Doors, options: dict[str, str], *, recorded: int, status: str, mailed_again: bool
) -> None:
    course("ann@example.org")
    send()
    told = post(doors, report("ann@example.org", returned=office.letters[0].message, **options))  # type: ignore[arg-type]
    assert (len(told["recorded"]), len(told["ignored"])) == (recorded, 1 - recorded)
    assert rows()[0][1] == status
    assert send(MORNING + timedelta(days=1)).sent == mailed_again


def test_a_report_about_nobody_we_mailed_changes_nothing(office: PostOffice, doors: Doors) -> None:
    course("ann@example.org", due=None)  # known, and never reminded
    stranger = EmailMessage()
    stranger["Message-ID"] = "<reminder-00000000-0000-4000-8000-000000000000@school.example>"
    for raw in (report("ann@example.org"), report("who@example.org", returned=stranger)):
        told = post(doors, raw)
        assert (told["recorded"], len(told["ignored"])) == ([], 1)
        assert "No reminder" in told["ignored"][0]["why"]
    with session_scope() as db:
        assert db.scalars(select(AuditEntry.act)).all() == []


def test_an_admin_says_it_by_address_or_message_id(office: PostOffice, doors: Doors) -> None:
    course("ann@example.org", "ben@example.org", "cyd@example.org")
    send()
    ids = {letter.recipient: str(letter.message["Message-ID"]) for letter in office.letters}
    with clock.set_now(MORNING + timedelta(hours=1)):
        for body in ({"address": "Ann@example.org"}, {"message_id": ids["ben@example.org"]}):
            answer = doors.client.post(PATH, json=body, headers=doors.admin)
            assert answer.status_code == 200, answer.text
            assert answer.json()["recorded"][0]["address_stopped"] is True
        for body in ({"address": "nobody@example.org"}, {"message_id": "<x@y>"}):
            assert doors.client.post(PATH, json=body, headers=doors.admin).status_code == 404
    assert [row[1] for row in rows()] == ["bounced", "bounced", "sent"]
    send(MORNING + timedelta(days=1))
    assert office.recipients()[3:] == ["cyd@example.org"]


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"{}", "application/json", 400),
        (b'{"address": "a@b.example", "message_id": "<x@y>"}', "application/json", 400),
        (b'{"address": "no address"}', "application/json", 400),
        (b'{"address": "a\\u0000@b.example"}', "application/json", 400),
        (b'{"address": "a\\ud800@b.example"}', "application/json", 400),
        (b"[", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"Subject: I am on holiday\r\n\r\nBack on Monday.", "message/rfc822", 400),
        (b"", "message/rfc822", 400),
        (b"\x00\xff" * 1000, "message/rfc822", 400),
        (b"x" * (MAX_BYTES + 1), "message/rfc822", 413),
        (b"a,b", "text/csv", 415),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(doors: Doors, body: bytes, media: str, status: int) -> None:
    answer = doors.client.post(PATH, content=body, headers={**doors.admin, "Content-Type": media})
    assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text


def test_a_damaged_report_is_read_or_refused_and_never_a_failure() -> None:
    import random

    chance = random.Random(3464)
    whole = report("ann@example.org", original="ann@example.org", returned=EmailMessage())
    for _ in range(400):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 6))
        try:
            read_report(bytes(raw))
        except BadRequest:
            continue
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (number, number) for number in range(3_000)
    )
    with pytest.raises(BadRequest):
        read_report(deep)


def test_the_command_does_the_same(office: PostOffice, tmp_path: Path) -> None:
    course("ann@example.org")
    assert send().sent == 1
    path = tmp_path / "bounce.eml"
    path.write_bytes(report("ann@example.org", returned=office.letters[0].message))
    command = [sys.executable, "-m", "app", "reminders", "bounce"]
    for file, status, said in (
        (str(path), 0, "not mailed any more"),
        ("-", 0, "known before"),
        (str(tmp_path / "no such file"), 1, "No such file"),
    ):
        done = subprocess.run(
            [*command, file],
            cwd=ROOT,
            input=path.read_bytes() if file == "-" else b"",
            capture_output=True,
            check=False,
        )
        assert (done.returncode != 0) == bool(status), done.stderr
        assert said in (done.stdout + done.stderr).decode()
    assert rows() == [("ann@example.org", "bounced", 1)]
    get_settings.cache_clear()
