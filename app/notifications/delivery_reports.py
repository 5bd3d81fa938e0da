"""Reading a mail that came back: what a delivery status notification says of which recipient (RFC 3464). Pure.

Anybody may write such a mail to the address that reminders come from, so nothing in it is believed that does not fit
what we sent; that is decided in app.notifications.bounces.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

from app.errors import BadRequest, Problem

MAX_BYTES = 2**20
"""Of a mail that came back. Mail servers return headers, or the mail, and ours have some kilobytes."""
MAX_RECIPIENTS = 100
MAX_DIAGNOSTIC_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said of one recipient.

    addresses: in lower case, the one that was mailed first if it is told. action: failed, delayed, delivered, relayed
    or expanded (2.3.3). status: class.subject.detail (RFC 3463). message_id: of the mail that came back, if it is told.
    """

    addresses: tuple[str, ...]
    action: str
    status: str
    diagnostic: str
    message_id: str | None

    @property
    def is_final(self) -> bool:
        """Whether the mail server has given up."""
        return self.action == "failed"

    @property
    def of_address(self) -> bool:
        """Whether the address is to blame: 5.y.z for good, and not 5.7.z, which is policy (RFC 3463 3.8)."""
        return self.is_final and self.status.startswith("5.") and not self.status.startswith("5.7.")

    @property
    def words(self) -> str:
        """For people."""
        return f"came back: {self.action} {self.status} {self.diagnostic}".rstrip()


def read_report(raw: bytes) -> list[Failure]:
    """What a notification says, recipient by recipient. BadRequest when it is none."""
    if len(raw) > MAX_BYTES:
        raise BadRequest(f"The mail has more than {MAX_BYTES} bytes, which no notification needs.")
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        parts = list(message.walk())
    except (ValueError, LookupError, RecursionError, TypeError, AttributeError):
        raise _no_report("cannot be read as a mail") from None
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if status is None:
        raise _no_report("has no part of the type message/delivery-status")
    blocks = status.get_payload()
    # The first block is about the mail, each of the others about one recipient (RFC 3464 2.1).
    recipients = [block for block in blocks if isinstance(block, Message)][1:] if isinstance(blocks, list) else []
    message_id, mailed = _returned(parts)
    found = [_failure(block, message_id, mailed) for block in recipients[:MAX_RECIPIENTS]]
    if not any(one.addresses for one in found):
        raise _no_report("names no recipient (Final-Recipient)")
    return [one for one in found if one.addresses]


def _failure(block: Message, message_id: str | None, mailed: tuple[str, ...]) -> Failure:
    told = [_address(_text(block, name)) for name in ("Original-Recipient", "Final-Recipient")]
    # Somebody who forwards their mail comes back under another address; To of the returned mail says whom we mailed.
    first = mailed if len(mailed) == 1 else ()
    addresses = tuple(dict.fromkeys(address for address in (*first, *told) if address))
    diagnostic = _text(block, "Diagnostic-Code").partition(";")[2].strip() or _text(block, "Diagnostic-Code")
    found = re.search(r"\b([245]\.\d{1,3}\.\d{1,3})\b", _text(block, "Status"))
    return Failure(
        addresses,
        _text(block, "Action").partition(" ")[0].strip().lower(),
        found.group(1) if found else "",
        diagnostic[:MAX_DIAGNOSTIC_CHARACTERS],
        message_id,
    )


def _returned(parts: list[Message]) -> tuple[str | None, tuple[str, ...]]:
    """Message-ID and To of the mail that came back, where the notification holds it or its headers."""
    for header in _headers_returned(parts):
        if found := re.search(r"<[^<>\s]{1,250}>", _text(header, "Message-ID")):
            to = getaddresses([_text(header, "To")])
            return found.group(0), tuple(address.lower() for _, address in to if "@" in address)
    return None, ()


def _headers_returned(parts: list[Message]) -> Iterator[Message]:
    for part in parts:
        payload = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
            yield from (one for one in payload[:1] if isinstance(one, Message))
        elif part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
            text = part.get_payload(decode=True)
            if isinstance(text, bytes):
                yield message_from_bytes(text, policy=policy.compat32)


def _text(message: Message, name: str) -> str:
    """A header in one line, whatever somebody wrote into it."""
    value = message.get(name, "")
    try:
        decoded = str(make_header(decode_header(value)))
    except (ValueError, LookupError, TypeError):
        decoded = str(value)
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff\s]+", " ", decoded).strip()


def _address(field: str) -> str | None:
    """The address of `rfc822; ann@example.org` (RFC 3464 2.3.1), or of utf-8; … (RFC 6533)."""
    kind, _, address = field.partition(";")
    address = address.strip().strip("<>").lower()
    return address if kind.strip().lower() in ("rfc822", "utf-8") and "@" in address else None


def _no_report(why: str) -> BadRequest:
    return BadRequest(
        f"This is no delivery status notification: it {why}.",
        [Problem("$", f"{why[0].upper()}{why[1:]}.", "A mail as RFC 3464 describes it, or the address that bounced.")],
    )
