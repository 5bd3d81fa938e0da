"""A reminder as an e-mail: its headers and its two alternatives."""

import re
from binascii import b2a_qp
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from app.notifications.templates import Rendered
from app.platform.mail import WIRE, address_header, mailbox

MAX_LINE_CHARACTERS = 998
"""Of a line that goes out as it is (RFC 5322 2.1.1)."""


def message_id(notification_id: UUID, mail_from: str) -> str:
    """The same for every attempt, so that a mail program shows a mail that was sent twice once (RFC 5322 3.6.4)."""
    return f"<reminder-{notification_id}@{_domain(mail_from)}>"


def reminder_of_message_id(text: str) -> UUID | None:
    """The reminder of which this is the Message-ID; None: of none of ours."""
    found = re.fullmatch(r"<?reminder-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s@]+>?", text.strip().lower())
    return UUID(found.group(1)) if found else None


def compose(
    rendered: Rendered,
    *,
    notification_id: UUID,
    mail_from: str,
    name: str | None,
    address: str,
    unsubscribe_url: str,
    now: datetime,
) -> EmailMessage:
    """The mail. ValueError when the address cannot stand in a header, so that nothing could ever be sent to it."""
    message = EmailMessage(policy=WIRE)
    message["Subject"] = rendered.subject
    message["From"] = _sender(mail_from)
    message["To"] = address_header(name, address)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(notification_id, mail_from)
    # RFC 2369 3.2 and RFC 8058 3.1: mail programs show a button for this and need no page.
    message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = _header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    # RFC 3834 5: no holiday notes in answer to this, please.
    message["Auto-Submitted"] = _header("Auto-Submitted", "auto-generated")
    message["MIME-Version"] = _header("MIME-Version", "1.0")
    message["Content-Type"] = f'multipart/alternative; boundary="=_{notification_id}"'
    message.set_payload([_part("plain", rendered.text), _part("html", rendered.html)])
    return message


def _part(kind: str, text: str) -> EmailMessage:
    """One of the alternatives. EmailMessage.set_content makes the same of it in four times the time, which is what a
    run of ten thousand mails would mostly do."""
    part = EmailMessage(policy=WIRE)
    part["Content-Type"] = _header("Content-Type", f'text/{kind}; charset="utf-8"')
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    plain = lines.isascii() and max(map(len, lines.split("\n"))) <= MAX_LINE_CHARACTERS
    part["Content-Transfer-Encoding"] = _header("Content-Transfer-Encoding", "7bit" if plain else "quoted-printable")
    part.set_payload(lines if plain else b2a_qp(lines.encode()).decode("ascii"))
    return part


@lru_cache(maxsize=4)
def _domain(mail_from: str) -> str:
    return mailbox(mail_from)[1].rpartition("@")[2]


@lru_cache(maxsize=4)
def _sender(mail_from: str) -> Any:
    from_name, from_address = mailbox(mail_from)
    return WIRE.header_factory("From", address_header(from_name, from_address))


@lru_cache(maxsize=16)
def _header(name: str, value: str) -> Any:
    """A header that stands in every mail, understood once."""
    return WIRE.header_factory(name, value)
