"""A real SMTP server for tests, on this machine: it takes, refuses, asks to come back, hangs up, or is not there."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, syntax

logging.getLogger("mail.log").setLevel(logging.WARNING)  # it would tell every command


@dataclass
class Letter:
    """A mail that arrived: for whom, as it was sent, and how."""

    recipient: str
    message: EmailMessage
    raw: bytes
    encrypted: bool
    logged_in: bool


@dataclass
class PostOffice:
    """The server. Each answer may be a line or a function of the recipient that gives one, None for yes.

    at_data_command: what DATA itself is answered with; at_data: what the whole mail is.
    hang_up_after_data: the mail is taken, and the connection closed before anybody is told. users: names and passwords
    that `judge` lets in. logins: who tried.
    """

    at_mail: str | None = None
    at_recipient: Callable[[str], str | None] = lambda recipient: None
    at_data_command: Callable[[str], str | None] = lambda recipient: None
    at_data: Callable[[str], str | None] = lambda recipient: None
    hang_up_at_recipient: Callable[[str], bool] = lambda recipient: False
    hang_up_after_data: Callable[[str], bool] = lambda recipient: False
    on_arrival: Callable[[str], None] = lambda recipient: None
    letters: list[Letter] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    logins: list[str] = field(default_factory=list)
    connections: int = 0
    tried: list[str] = field(default_factory=list)
    port: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    _controller: Controller | None = None

    @property
    def url(self) -> str:
        """For SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def open(self, **controller_options: Any) -> "PostOffice":
        """Begin to listen, on the same port as before if there was one."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        self.options = controller_options or self.options
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=20, **self.options)
        self._controller.start()
        return self

    def close(self) -> None:
        """Be gone: connections are refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def recipients(self) -> list[str]:
        """To whom mails came, in order."""
        return [letter.recipient for letter in self.letters]

    def judge(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        """Whether somebody may come in: to be given to `open` as authenticator."""
        name = given.login.decode()
        self.logins.append(name)
        return AuthResult(success=self.users.get(name) == given.password.decode(), handled=False)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        """A connection begins."""
        self.connections += 1
        session.host_name = hostname
        return lines

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM."""
        if self.at_mail:
            return self.at_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """RCPT TO."""
        self.tried.append(address)
        if self.hang_up_at_recipient(address):
            server.transport.abort()
        if no := self.at_recipient(address):
            return no
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The whole mail is here."""
        (recipient,) = envelope.rcpt_tos
        if no := self.at_data(recipient):
            return no
        raw = envelope.content
        assert isinstance(raw, bytes)
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        message = message_from_bytes(raw, policy=default)
        assert isinstance(message, EmailMessage)
        self.letters.append(Letter(recipient, message, raw, encrypted, bool(session.authenticated)))
        await asyncio.get_running_loop().run_in_executor(None, self.on_arrival, recipient)
        if self.hang_up_after_data(recipient):
            server.transport.abort()
        return "250 OK, it is on its way"


class _Server(SMTP):
    """One that may say no to DATA itself."""

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        """The command, before the mail."""
        (recipient,) = self.envelope.rcpt_tos
        if no := self.event_handler.at_data_command(recipient):
            await self.push(no)
        else:
            await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        """A server of ours for each connection."""
        return _Server(self.handler, **self.SMTP_kwargs)
