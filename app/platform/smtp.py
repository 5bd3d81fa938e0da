"""Mail over SMTP: which server, over which kind of connection, and what each of its answers means."""

import re
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from app.platform.mail import (
    WIRE,
    Delayed,
    OutcomeUnknown,
    Refused,
    ServerAway,
    ServerRefuses,
    header_text,
)

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MAX_ANSWER_CHARACTERS = 500
LOGGED_IN = 235  # RFC 4954 6
# RFC 3463 3: x.7.y is about policy, such as a relay that does not know us. Once the mail is there, x.3 to x.6 are about
# the server, the way or the content; at RCPT large providers say 5.4.1 of an address that nobody has.
_NOT_THE_ADDRESS = {"RCPT": re.compile(r"\d{3} 5\.7\."), "message": re.compile(r"\d{3} 5\.[3-7]\.")}


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


class _HungUp(Delayed):
    """The connection ended between naming the recipient and handing over the mail; over a new one it may be taken."""

    def __init__(self, answer: str):
        super().__init__(answer, hung_up=True)


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
        except ssl.SSLCertVerificationError as error:
            raise ServerRefuses(
                f"the certificate of {self._server.host}:{self._server.port} is not trusted: {error.verify_message}. "
                "Nothing was sent. A certificate of your own authority is trusted when SSL_CERT_FILE names the file "
                "of that authority"
            ) from error
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
        with ExitStack() as unless_ready:
            unless_ready.callback(smtp.close)
            if server.scheme == "smtp+starttls":
                # Never in the clear instead: a server that offers no STARTTLS is refused, as RFC 8314 3.2 has it.
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if server.user is not None and server.password is not None:
                _log_in(smtp, server.user, server.password)
            unless_ready.pop_all()
        return smtp

    def send(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """One mail to one recipient. A connection that ended before anything was handed over is opened again, once.

        Where it ends twice after the recipient was named, it is about this mail as far as anybody can tell: Delayed.
        """
        body = _on_the_wire(message, utf8=not recipient.isascii())
        try:
            return self._hand_over(body, sender, recipient)
        except (ServerAway, _HungUp):
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
            told = f"the connection broke at {name}: {error or type(error).__name__}"
            raise (ServerAway(told) if name == "MAIL" else _HungUp(told)) from error
        self._judge(name, code, answer)

    def _judge(self, step: str, code: int, answer: bytes) -> str:
        said = _said(code, answer)
        if 200 <= code < 400:
            return said
        if code == 421:  # RFC 5321 3.8: the server closes this connection; the next one may do
            self._drop()
            if step == "message":  # after the whole mail was handed over the answer is still a clear no
                raise Delayed(said, hung_up=True)
            raise ServerAway(said) if step == "MAIL" else _HungUp(said)
        self._reset()
        if code < 500:
            raise Delayed(said)
        if step == "MAIL":  # says who we are, and nothing of whom the mail is for
            raise ServerRefuses(said)
        raise Refused(said, of_address=step != "DATA" and not _NOT_THE_ADDRESS[step].match(said))

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


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    if (user + password).isascii():
        smtp.login(user, password)
        return
    # smtplib logs in with ASCII only; RFC 4616 2 has UTF-8.
    if "PLAIN" not in smtp.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("a name or password that is not ASCII needs AUTH PLAIN")
    code, answer = smtp.docmd("AUTH", "PLAIN " + b64encode(f"\0{user}\0{password}".encode()).decode())
    if code != LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _on_the_wire(message: EmailMessage, *, utf8: bool) -> bytes:
    """With CRLF, dots doubled, and the line with a single dot that ends it (RFC 5321 4.5.2)."""
    raw = message.as_bytes(policy=WIRE.clone(utf8=utf8))
    raw = re.sub(rb"(?m)^\.", b"..", raw)
    return (raw if raw.endswith(b"\r\n") else raw + b"\r\n") + b".\r\n"


def _said(code: int, answer: bytes | str) -> str:
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return header_text(f"{code} {words}", MAX_ANSWER_CHARACTERS)
