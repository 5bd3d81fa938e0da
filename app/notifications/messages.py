"""A reminder as an e-mail: its headers and its two alternatives."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from app.notifications.templates import Rendered
from app.platform.mail import WIRE, address_header, mailbox


def message_id(notification_id: UUID, mail_from: str) -> str:
    """The same for every attempt, so that a mail program shows a mail that was sent twice once (RFC 5322 3.6.4)."""
    _, address = mailbox(mail_from)
    return f"<reminder-{notification_id}@{address.rpartition('@')[2]}>"


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
    from_name, from_address = mailbox(mail_from)
    message = EmailMessage(policy=WIRE)
    message["Subject"] = rendered.subject
    message["From"] = address_header(from_name, from_address)
    message["To"] = address_header(name, address)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(notification_id, mail_from)
    # RFC 2369 3.2 and RFC 8058 3.1: mail programs show a button for this and need no page.
    message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: no holiday notes in answer to this, please
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message
