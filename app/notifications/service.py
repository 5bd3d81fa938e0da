"""Reminders end to end: who is due, what each says, sending them one after the other.

A learner's day is claimed in a committed transaction before the mail server hears of it, and what it said is written
down after. No transaction is open while it is spoken to.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.config import Settings
from app.database import get_engine, session_scope
from app.notifications import choosing, ledger, queries, rules
from app.notifications.messages import compose, message_id
from app.notifications.outbox import OutboxMailer, outbox
from app.notifications.standing import Standing
from app.notifications.unsubscribing import warnings_of
from app.notifications.writing import Catalogue, Reminder, written
from app.platform import clock, mail
from app.platform.logs import get_logger
from app.platform.smtp import SmtpMailer, SmtpServer

log = get_logger(__name__)

BATCH_LEARNERS = 200
RUN_SECONDS = 25 * 60
"""After so long a run ends and leaves the rest to the next one, 5 minutes later at most."""
BOUNCES_IN_A_ROW = 20
"""When so many addresses in a row are refused, and none was taken before, it is not them: the run stops."""
TROUBLES_IN_A_ROW = 10
"""When the server hangs up on so many mails in a row, or refuses them for no fault of the address, it is the server and
the run stops. Fewer may be the learners of one domain who happen to follow each other; more would each cost up to two
timeouts of SMTP_TIMEOUT_SECONDS, and ten of those still fit into RUN_SECONDS."""
OUTBOX_FROM = "7taps Analytics <reminders@localhost>"
LOCK = "notifications.run"


@dataclass
class Run:
    """What a run did. candidates: learners that might be due; looked_at: how many of them it has been through.
    stopped: why it ended before it was through; server_away: because the mail server is away or refuses us.
    warnings: what an admin should set right, in words."""

    candidates: int = 0
    looked_at: int = 0
    due: int = 0
    sent: int = 0
    waiting: int = 0
    bounced: int = 0
    failed: int = 0
    unknown: int = 0
    stopped_unanswered: int = 0
    found_unknown: int = 0
    stopped: str | None = None
    busy: bool = False
    server_away: bool = False
    warnings: list[str] = field(default_factory=list)

    def stop_for_server(self, why: str) -> None:
        """The mail server takes nothing from us now: no use asking it for the next one."""
        self.stopped, self.server_away = why, True

    def figures(self) -> dict[str, object]:
        """For ops.task_status."""
        return asdict(self)


Answer = str | mail.MailError
"""What the mail server said: yes, in its words, or what kept the mail from being sent."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a mail, and when."""

    reminder: Reminder
    answer: Answer
    at: datetime


@dataclass
class _Sending:
    """What a run needs at hand. said: the last mail, while nobody has written down what became of it.

    bounces, troubles: the last mails as long as each of them was one, see BOUNCES_IN_A_ROW and TROUBLES_IN_A_ROW.
    """

    settings: Settings
    mailer: mail.Mailer
    mail_from: str
    run: Run = field(default_factory=Run)
    bounces: list[UUID] = field(default_factory=list)
    troubles: list[Said] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=Catalogue)
    said: Said | None = None

    @cached_property
    def envelope_from(self) -> str:
        """The address alone: where mail servers tell what cannot be delivered."""
        return mail.mailbox(self.mail_from)[1]


def mailer_of(settings: Settings) -> mail.Mailer:
    """The mail server of SMTP_URL; without it the outbox, which mails nobody."""
    if settings.smtp_url is None:
        return OutboxMailer(outbox(settings))
    return SmtpMailer(SmtpServer.of(settings.smtp_url), settings.smtp_timeout_seconds)


def sender_of(settings: Settings) -> str:
    """From whom reminders come. LookupError where a mail server is set and nobody said who sends."""
    if settings.mail_from is None and settings.smtp_url is not None:
        raise LookupError("SMTP_URL is set and MAIL_FROM is not. Reminders have to come from an address.")
    return settings.mail_from or OUTBOX_FROM


def run(
    settings: Settings,
    *,
    progress: Callable[[Run], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
    mailer: mail.Mailer | None = None,
) -> Run:
    """Send every reminder that is due now, one run at a time on all machines; `busy` when another one is on its way.

    progress: told at the beginning and after each batch. stopping: asked before each mail; True ends the run in good
    order. Whatever is left over when the run ends is found by the next one.
    """
    sending = _Sending(settings, mailer or mailer_of(settings), sender_of(settings))
    with _alone() as alone:
        if not alone:
            sending.run.busy = True
            return sending.run
        with session_scope() as db:
            now = clock.now()
            sending.run.found_unknown = ledger.settle(db, now)
            sending.run.candidates = queries.count_worth_a_look(
                db, latest_day=rules.latest_day(now), since=choosing.since(now)
            )
        sending.run.warnings = warnings_of(settings)
        progress(sending.run)
        if sending.run.candidates:
            for warning in sending.run.warnings:
                log.warning(warning)
        if sending.run.found_unknown:
            log.warning("reminders of unknown outcome; an admin has to look", count=sending.run.found_unknown)
        try:
            _send_all(sending, progress, stopping)
        finally:
            try:
                _settle(sending)
            finally:
                sending.mailer.close()
    return sending.run


def _send_all(sending: _Sending, progress: Callable[[Run], None], stopping: Callable[[], bool]) -> None:
    settings, run_ = sending.settings, sending.run
    deadline = clock.now() + timedelta(seconds=RUN_SECONDS)

    def after_batch() -> None:
        _settle(sending)
        sending.catalogue = Catalogue()
        progress(run_)

    for standing, decision in choosing.candidates(settings, after_batch):
        run_.looked_at += 1
        if decision.reason == "unanswered":
            run_.stopped_unanswered += 1
        if decision.reason != "due":
            continue
        run_.due += 1
        if stopping():
            run_.stopped = "the process was asked to end"
        elif run_.sent >= settings.reminders_per_run_max:
            run_.stopped = f"REMINDERS_PER_RUN_MAX, {settings.reminders_per_run_max}"
        elif clock.now() > deadline:
            run_.stopped = f"{RUN_SECONDS // 60} minutes are over"
        else:
            _send_one(sending, standing)
        if run_.stopped:
            return


def _send_one(sending: _Sending, standing: Standing) -> None:
    """Claim, write, send and note one reminder."""
    try:
        # Before the claim, so that a server that is away leaves no claim behind.
        sending.mailer.open()
    except (mail.ServerAway, mail.ServerRefuses) as error:
        sending.run.stop_for_server(f"mail server: {error}")
        return
    reminder = _claim(sending, standing)
    if reminder is None:
        return
    answer: Answer
    try:
        message = compose(
            written(reminder),
            notification_id=reminder.id,
            mail_from=sending.mail_from,
            name=reminder.name,
            address=reminder.address,
            unsubscribe_url=reminder.values.unsubscribe_url,
            now=clock.now(),
        )
        answer = sending.mailer.send(message, sending.envelope_from, reminder.address)
    except ValueError as error:
        answer = mail.Refused(f"the address {error}", of_address=True)
    except mail.MailError as error:
        answer = error
    _count(sending, reminder, answer)


def _claim(sending: _Sending, standing: Standing) -> Reminder | None:
    """Write down what became of the mail before and claim the next day, with one commit for both: half of the time
    that a run takes would go into a second one. None: there is nothing to claim."""
    with session_scope() as db:
        if sending.said is not None:
            _write_down(db, sending.said, sending.mail_from)
        reminder = choosing.claim(db, standing, sending.settings, sending.catalogue)
        if reminder is None:
            db.rollback()
    if reminder is None:
        _settle(sending)
    sending.said = None
    return reminder


def _settle(sending: _Sending) -> None:
    """Write down what became of the last mail, if that was left for later."""
    said, sending.said = sending.said, None
    if said is not None:
        with session_scope() as db:
            _write_down(db, said, sending.mail_from)


def _count(sending: _Sending, reminder: Reminder, answer: Answer) -> None:
    """Add it to the figures, and see whether the run can go on."""
    run_ = sending.run
    sending.said = Said(reminder, answer, clock.now())
    match answer:
        case str():
            run_.sent += 1
            sending.bounces.clear()
            sending.troubles.clear()
            return  # the next claim writes it down
        case mail.Refused(of_address=True):
            run_.bounced += 1
            sending.bounces.append(reminder.id)
        case mail.Refused():
            run_.failed += 1
        case mail.Delayed():
            run_.waiting += 1
        case mail.OutcomeUnknown():
            run_.unknown += 1
        case _:
            run_.waiting += 1
            run_.stop_for_server(f"mail server: {answer}")
    _see_whose_trouble(sending, sending.said)
    _settle(sending)
    if not isinstance(answer, mail.Refused) or not answer.of_address:
        sending.bounces.clear()
    elif len(sending.bounces) >= BOUNCES_IN_A_ROW and not run_.sent:
        with session_scope() as db:
            ledger.bounces_were_ours(db, sending.bounces)
        run_.failed, run_.bounced = run_.failed + len(sending.bounces), run_.bounced - len(sending.bounces)
        run_.stop_for_server(f"the mail server refused {BOUNCES_IN_A_ROW} addresses in a row; no address was blamed")


def _see_whose_trouble(sending: _Sending, said: Said) -> None:
    """Of one mail it is that mail's, of many in a row the server's: then those that it refused are tried again too."""
    answer, run_ = said.answer, sending.run
    refused = isinstance(answer, mail.Refused) and not answer.of_address
    if not refused and not (isinstance(answer, mail.Delayed) and answer.hung_up):
        sending.troubles.clear()
        return
    sending.troubles.append(said)
    if len(sending.troubles) < TROUBLES_IN_A_ROW:
        return
    _settle(sending)
    ours = [one for one in sending.troubles if isinstance(one.answer, mail.Refused)]
    with session_scope() as db:
        for one in ours:
            # Later each time, as after any other no, so that those behind them have their turn too.
            ledger.waiting(db, one.reminder.id, rules.retry_at(one.at, one.reminder.attempts), str(one.answer))
    run_.failed, run_.waiting = run_.failed - len(ours), run_.waiting + len(ours)
    run_.stop_for_server(
        f"the mail server took none of {TROUBLES_IN_A_ROW} mails in a row, the last one with: {answer}"
    )


def _write_down(db: Session, said: Said, mail_from: str) -> None:
    reminder, answer, words = said.reminder, said.answer, str(said.answer)
    match answer:
        case str():
            sent_as = message_id(reminder.id, mail_from)
            ledger.sent(db, reminder.id, words, now=said.at, message_id=sent_as, address=reminder.address)
        case mail.Refused(of_address=True):
            ledger.bounced(
                db, reminder.id, words, learner_id=reminder.learner_id, address=reminder.address, now=said.at
            )
        case mail.Refused():
            ledger.failed(db, reminder.id, words)
        case mail.Delayed():
            ledger.waiting(db, reminder.id, rules.retry_at(said.at, reminder.attempts), words)
        case mail.OutcomeUnknown():
            ledger.unknown(db, reminder.id, words, reminder.address)
        case _:
            ledger.waiting(db, reminder.id, said.at, words, tried=False)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether this is the only run. The lock is held by a connection without a transaction and ends with it."""
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"lock": LOCK}
        got = connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:lock, 0))"), key)
        try:
            yield bool(got)
        finally:
            if got:
                with suppress(DBAPIError):  # a connection that is gone has let go already
                    connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:lock, 0))"), key)
