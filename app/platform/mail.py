"""What every way of sending mail has in common: how it can end, addresses, and how a mail is written.

Every way in which sending can end is told apart, because what may be done next depends on it: tried again, never again,
or shown to a person because nobody knows. Over SMTP: platform.smtp; into files: notifications.outbox.
"""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from typing import Protocol

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class _Wire(EmailPolicy):
    """Headers as they travel. An address of the web or a Message-ID that is longer than a line would be encoded by
    Python as if it were words, and then nobody who looks for an address there finds one (RFC 2047 5)."""

    _AS_IS = ("list-unsubscribe", "message-id")

    def fold(self, name: str, value: str) -> str:
        """As text."""
        return f"{name}: {value}{self.linesep}" if name.lower() in self._AS_IS else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """As bytes."""
        return self.fold(name, value).encode() if name.lower() in self._AS_IS else super().fold_binary(name, value)


WIRE = _Wire(linesep="\r\n", cte_type="7bit")
"""For composing and sending mail: CRLF, and nothing but ASCII in the body, whatever the server can do."""


class MailError(Exception):
    """A mail was not sent, or perhaps not. The message is what the server said."""


class ServerAway(MailError):
    """The server cannot be reached, or closes the connection before it heard whom a mail is for. Nothing was sent."""


class ServerRefuses(MailError):
    """The server lets us in no further, whoever the mail is for: wrong password, unknown sender. Nothing was sent."""


class Delayed(MailError):
    """The server said 4yz: not now, later perhaps (RFC 5321 4.2.1). Nothing was sent.

    hung_up: it closed the connection over this mail (421, or without a word), twice where it may not have been about
    the mail. Other mails may fare better over a new connection.
    """

    def __init__(self, answer: str, *, hung_up: bool = False):
        super().__init__(answer)
        self.hung_up = hung_up


class Refused(MailError):
    """The server said 5yz: never (RFC 5321 4.2.1). Nothing was sent. of_address: the address is to blame."""

    def __init__(self, answer: str, *, of_address: bool):
        super().__init__(answer)
        self.of_address = of_address


class OutcomeUnknown(MailError):
    """The connection broke after the mail was handed over and before the server answered. It may have been sent."""


class Mailer(Protocol):
    """Sends mails one after the other; `open` before the first, `close` after the last."""

    def open(self) -> None:
        """Be ready to send. ServerAway or ServerRefuses says why not; safe to call again."""

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """Hand one mail over; returns what the server said. Raises one of the errors above."""

    def close(self) -> None:
        """Say good-bye; never raises."""


def mailbox(text: str) -> tuple[str, str]:
    """(name, address) of `Name <address>` or a bare address. ValueError when it is none that mail can come from."""
    name, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+", address) or _CONTROL.search(text):
        raise ValueError("is not an address such as course@example.org or Spring course <course@example.org>")
    return name, address


def header_text(text: str, most_characters: int = 200) -> str:
    """Text that can stand in a header: on one line, without control characters, so that it can add no header."""
    return _CONTROL.sub(" ", text).strip()[:most_characters]


def address_header(name: str | None, address: str) -> Address:
    """A mailbox for From or To. ValueError when the address cannot stand there."""
    clean = header_text(name or "", 100)
    # Only what RFC 5322 allows unquoted: whatever else an address holds, no server of ours will deliver it.
    if not re.fullmatch(r"[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,64}@[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,255}", address):
        raise ValueError("is not an address that mail can be sent to")
    try:
        return Address(display_name=clean, addr_spec=address)
    except Exception as error:  # the header parser raises errors of many kinds
        raise ValueError("is not an address that mail can be sent to") from error
