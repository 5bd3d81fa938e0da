"""Mail leaves here: over SMTP, or into an outbox folder of .eml files where no mail server is set.

Every way in which sending can end is told apart, because what may be done next depends on it: tried again, never again,
or shown to a person because nobody knows.
"""

import os
import re
import smtplib
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MAX_ANSWER_CHARACTERS = 500
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
    """The server cannot be reached, or closed the connection before it was handed a mail. Nothing was sent."""


class ServerRefuses(MailError):
    """The server lets us in no further, whoever the mail is for: wrong password, unknown sender. Nothing was sent."""


class Delayed(MailError):
    """The server said 4yz: not now, later perhaps (RFC 5321 4.2.1). Nothing was sent."""


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


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how a mail server is spoken to."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """From smtp://, smtp+starttls:// or smtps://. ValueError says what is wrong, never the password."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS:
            raise ValueError("has to begin with smtp://, smtp+starttls:// or smtps://")
        try:
            port = parts.port or PORTS[parts.scheme]
        except ValueError:
            raise ValueError("has a port that is no number from 1 to 65535") from None
        if not parts.hostname:
            raise ValueError("names no host")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("has to name both user and password, or neither; %40 stands for an @ in one of them")
        if parts.password is not None and parts.scheme == "smtp" and parts.hostname not in LOOPBACK:
            raise ValueError("would send the password in the clear; use smtp+starttls:// or smtps://")
        user = unquote(parts.username) if parts.username is not None else None
        return cls(
            parts.scheme, parts.hostname, port, user, unquote(parts.password) if parts.password is not None else None
        )


class SmtpMailer:
    """One connection for many mails, opened anew when the server closes it."""

    def __init__(self, server: SmtpServer, timeout_seconds: float):
        self._server = server
        self._timeout = timeout_seconds
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, encrypt, authenticate."""
        if self._smtp is not None:
            return
        try:
            smtp = self._connect()
        except smtplib.SMTPResponseException as error:
            kind = ServerAway if error.smtp_code < 500 else ServerRefuses
            raise kind(_said(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise ServerRefuses(f"the mail server cannot do what SMTP_URL asks for: {error}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAway(f"{self._server.host}:{self._server.port}: {error or type(error).__name__}") from error
        self._smtp = smtp

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            if server.scheme == "smtp+starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if server.user is not None and server.password is not None:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """One mail to one recipient. A connection that broke before anything was handed over is opened again, once."""
        body = _on_the_wire(message, utf8=not recipient.isascii())
        try:
            return self._hand_over(body, sender, recipient)
        except ServerAway:
            return self._hand_over(body, sender, recipient)

    def _hand_over(self, body: bytes, sender: str, recipient: str) -> str:
        self.open()
        smtp = self._smtp
        assert smtp is not None  # noqa: S101  (open raises otherwise)
        self._step("MAIL", lambda: smtp.mail(sender, ["SMTPUTF8"] if self._needs_utf8(smtp, recipient) else []))
        self._step("RCPT", lambda: smtp.rcpt(recipient))
        self._step("DATA", lambda: smtp.docmd("DATA"))
        try:
            smtp.send(body)
            code, answer = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise OutcomeUnknown(f"the connection broke before the server answered: {error}") from error
        return self._judge("message", code, answer)

    def _needs_utf8(self, smtp: smtplib.SMTP, recipient: str) -> bool:
        if recipient.isascii():
            return False
        if smtp.has_extn("smtputf8"):
            return True
        raise Refused("the address is not ASCII, and the mail server does not take such (SMTPUTF8)", of_address=True)

    def _step(self, name: str, command: Callable[[], tuple[int, bytes]]) -> None:
        try:
            code, answer = command()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise ServerAway(f"the connection broke at {name}: {error}") from error
        self._judge(name, code, answer)

    def _judge(self, step: str, code: int, answer: bytes) -> str:
        said = _said(code, answer)
        if 200 <= code < 400:
            return said
        if code == 421:  # RFC 5321 3.8: the server closes this connection; the next one may do
            self._drop()
            # After the whole mail was handed over the answer is still a clear no.
            raise Delayed(said) if step == "message" else ServerAway(said)
        self._reset()
        if code < 500:
            raise Delayed(said)
        if step in ("MAIL", "DATA"):
            raise ServerRefuses(said)
        # RFC 3463 3.8: x.7.y is about policy, such as a relay that does not know us, and not about the address.
        raise Refused(said, of_address=not re.match(r"\d{3} 5\.7\.", said))

    def _reset(self) -> None:
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def close(self) -> None:
        """QUIT, if the server is still there."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except (OSError, smtplib.SMTPException):
            smtp.close()


class OutboxMailer:
    """Writes each mail as a file that mail programs open. Nobody is ever mailed by accident."""

    def __init__(self, folder: Path):
        self._folder = folder

    def open(self) -> None:
        """Make the folder, for our eyes only."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ServerAway(f"{self._folder}: {error}") from error

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """The file is there whole or not at all; the same mail again replaces it."""
        name = re.sub(r"[^A-Za-z0-9.-]", "_", str(message["Message-ID"]).strip("<>").partition("@")[0])
        self.open()
        try:
            _write_whole(self._folder / f"{name}.eml", message.as_bytes(policy=WIRE))
        except OSError as error:
            raise ServerAway(f"{self._folder}: {error}") from error
        return f"written to {self._folder.name}/{name}.eml"

    def close(self) -> None:
        """Nothing to do."""


def _write_whole(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _on_the_wire(message: EmailMessage, *, utf8: bool) -> bytes:
    """With CRLF, dots doubled, and the line with a single dot that ends it (RFC 5321 4.5.2)."""
    raw = message.as_bytes(policy=WIRE.clone(utf8=utf8))
    raw = re.sub(rb"(?m)^\.", b"..", raw)
    return (raw if raw.endswith(b"\r\n") else raw + b"\r\n") + b".\r\n"


def _said(code: int, answer: bytes | str) -> str:
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return f"{code} {_CONTROL.sub(' ', words)}"[:MAX_ANSWER_CHARACTERS]
