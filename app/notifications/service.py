"""Reminders end to end: who is due, what each says, sending them one after the other.

A learner's day is claimed in a committed transaction before the mail server hears of it, and what it said is written
down after. No transaction is open while it is spoken to.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from jinja2 import TemplateError
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.accounts.lessons import link_of
from app.config import Settings
from app.database import get_engine, session_scope
from app.models import User
from app.notifications import ledger, queries, rules
from app.notifications.messages import compose, message_id
from app.notifications.outbox import OutboxMailer, outbox
from app.notifications.rules import Limits
from app.notifications.standing import Decision, Standing
from app.notifications.templates import (
    LESSONS_SHOWN,
    LessonWords,
    Rendered,
    Values,
    Words,
    default_words,
    render,
)
from app.notifications.unsubscribing import unsubscribe_url
from app.platform import clock, mail
from app.platform.logs import get_logger
from app.platform.smtp import SmtpMailer, SmtpServer

log = get_logger(__name__)

BATCH_LEARNERS = 200
RUN_SECONDS = 25 * 60
"""After so long a run ends and leaves the rest to the next one, 5 minutes later at most."""
BOUNCES_IN_A_ROW = 20
"""When so many addresses in a row are refused, and none was taken before, it is not them: the run stops."""
OUTBOX_FROM = "7taps Analytics <reminders@localhost>"
LOCK = "notifications.run"


@dataclass
class Run:
    """What a run did. candidates: learners that might be due; looked_at: how many of them it has been through.
    stopped: why it ended before it was through."""

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

    def figures(self) -> dict[str, object]:
        """For ops.task_status."""
        return asdict(self)


@dataclass
class _Sending:
    """What a run needs at hand."""

    settings: Settings
    mailer: mail.Mailer
    mail_from: str
    run: Run = field(default_factory=Run)
    bounces: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder that was claimed, or is shown as a preview: all that it takes to write the mail."""

    id: UUID
    learner_id: UUID
    name: str | None
    address: str
    decision: Decision
    words: Words
    values: Values
    attempts: int = 1


def limits_of(settings: Settings) -> Limits:
    """The settings that rules go by."""
    return Limits(
        settings.reminder_quiet_from_hour, settings.reminder_quiet_until_hour, settings.reminder_max_unanswered
    )


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
            sending.run.candidates = queries.count_worth_a_look(db, latest_day=rules.latest_day(now), since=_since(now))
        progress(sending.run)
        if sending.run.found_unknown:
            log.warning("reminders of unknown outcome; an admin has to look", count=sending.run.found_unknown)
        try:
            _send_all(sending, progress, stopping)
        finally:
            sending.mailer.close()
    return sending.run


def _send_all(sending: _Sending, progress: Callable[[Run], None], stopping: Callable[[], bool]) -> None:
    settings, run_ = sending.settings, sending.run
    deadline = clock.now() + timedelta(seconds=RUN_SECONDS)
    for standing, decision in candidates(settings, progress=lambda: progress(run_), run=run_):
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


def candidates(settings: Settings, *, progress: Callable[[], None], run: Run) -> Iterator[tuple[Standing, Decision]]:
    """Learners of whom one may be due, with what is decided for them now. A batch at a time is in memory."""
    after: UUID | None = None
    since = _since(clock.now())
    while True:
        now = clock.now()
        latest = rules.latest_day(now)
        with session_scope() as db:
            users = queries.worth_a_look(db, after=after, limit=BATCH_LEARNERS, latest_day=latest, since=since)
            found = queries.standings(db, users, latest, settings.reminder_max_unanswered)
        if not users:
            return
        for standing in found:
            run.looked_at += 1
            yield standing, rules.decide(standing, clock.now(), limits_of(settings))
        after = users[-1].id
        progress()


def _since(now: datetime) -> datetime:
    return now - timedelta(hours=rules.MIN_HOURS_BETWEEN)


def _send_one(sending: _Sending, standing: Standing) -> None:
    """Claim, write, send and note one reminder."""
    run_ = sending.run
    try:
        # Before the claim, so that a server that is away leaves no claim behind.
        sending.mailer.open()
    except (mail.ServerAway, mail.ServerRefuses) as error:
        run_.stopped = f"mail server: {error}"
        return
    with session_scope() as db:
        reminder = claim(db, standing, sending.settings)
    if reminder is None:
        return
    message = None
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
    except ValueError as error:
        _note(sending, reminder, mail.Refused(f"the address {error}", of_address=True))
        return
    answer: str | mail.MailError
    try:
        answer = sending.mailer.send(message, mail.mailbox(sending.mail_from)[1], reminder.address)
    except mail.MailError as error:
        answer = error
    _note(sending, reminder, answer)


def claim(db: Session, standing: Standing, settings: Settings) -> Reminder | None:
    """Claim the learner's day, then look again at what is left: what was completed a moment ago is not asked for.

    standing: as it was read a while ago. None when they are not due any more or somebody else was first; then nothing
    is written.
    """
    now = clock.now()
    decision = rules.decide(standing, now, limits_of(settings))
    if decision.reason != "due":
        return None
    savepoint = db.begin_nested()
    claimed = ledger.claim(db, standing.learner_id, decision, now)
    # The claim has waited for whoever held the row: only what is read after it is the latest.
    fresh = queries.refreshed(db, standing, rules.latest_day(now)) if claimed is not None else None
    still = rules.decide(fresh, now, limits_of(settings)) if fresh is not None else None
    if (
        claimed is None
        or fresh is None
        or still is None
        or (still.reason, still.local_day) != ("due", decision.local_day)
    ):
        savepoint.rollback()
        return None
    savepoint.commit()
    return reminder_of(db, fresh, still, settings, claimed)


def look(db: Session, learner_id: UUID, settings: Settings, now: datetime) -> tuple[Standing, Decision] | None:
    """How one learner stands at this moment; None when there is none of this id."""
    user = db.scalar(select(User).where(User.id == learner_id).execution_options(populate_existing=True))
    if user is None:
        return None
    (standing,) = queries.standings(db, [user], rules.latest_day(now), settings.reminder_max_unanswered)
    return standing, rules.decide(standing, now, limits_of(settings))


def reminder_of(
    db: Session, standing: Standing, decision: Decision, settings: Settings, claimed: tuple[UUID, int] | None = None
) -> Reminder:
    """Everything the mail says. decision: with at least one lesson. claimed: id and attempt; None for a preview."""
    reminder_id, attempts = claimed or (ledger.reminder_id(standing.learner_id, decision.local_day), 0)
    own = queries.template_of(db, decision.cohort_id)
    cohort = next(m.cohort for m in standing.memberships if m.cohort_id == decision.cohort_id)
    shown = decision.lessons[:LESSONS_SHOWN]
    catalogue = queries.lessons_of(db, [lesson.lesson_id for lesson in shown])
    lessons = tuple(
        LessonWords(
            title=catalogue[lesson.lesson_id].title or f"Lesson {lesson.position}",
            link=link_of(catalogue[lesson.lesson_id]),
            due=_day(lesson.due_on),
            days_late=(decision.local_day - lesson.due_on).days,
        )
        for lesson in shown
    )
    return Reminder(
        id=reminder_id,
        learner_id=standing.learner_id,
        name=standing.name,
        address=standing.email or "",
        decision=decision,
        words=Words(own.subject, own.text, own.html) if own else default_words(),
        values=Values(
            learner_name=mail.header_text(standing.name or "", 100),
            cohort_name=cohort,
            lessons_left=len(decision.lessons),
            lessons=lessons,
            lessons_more=len(decision.lessons) - len(lessons),
            next_lesson=lessons[0],
            today=_day(decision.local_day),
            unsubscribe_url=unsubscribe_url(settings, standing.learner_id),
        ),
        attempts=attempts,
    )


def written(reminder: Reminder) -> Rendered:
    """The reminder in words. A template that fails for this learner must not keep the reminder from them."""
    try:
        return render(reminder.words, reminder.values)
    except (TemplateError, RecursionError, TypeError, ValueError) as error:
        log.warning(
            "a template failed; the default took its place",
            cohort_id=str(reminder.decision.cohort_id),
            error=str(error),
        )
        return render(default_words(), reminder.values)


def _note(sending: _Sending, reminder: Reminder, answer: str | mail.MailError) -> None:
    """Write down what came of it, in a transaction of its own."""
    run_, now, said = sending.run, clock.now(), str(answer)
    bounced = isinstance(answer, mail.Refused) and answer.of_address
    with session_scope() as db:
        match answer:
            case str():
                run_.sent += 1
                ledger.sent(db, reminder.id, said, now=now, message_id=message_id(reminder.id, sending.mail_from))
            case mail.Refused(of_address=True):
                run_.bounced += 1
                ledger.bounced(db, reminder.id, said, learner_id=reminder.learner_id, address=reminder.address, now=now)
            case mail.Refused():
                run_.failed += 1
                ledger.failed(db, reminder.id, said)
            case mail.Delayed():
                run_.waiting += 1
                ledger.waiting(db, reminder.id, rules.retry_at(now, reminder.attempts), said)
            case mail.OutcomeUnknown():
                run_.unknown += 1
                ledger.unknown(db, reminder.id, said)
            case _:
                run_.waiting += 1
                run_.stopped = f"mail server: {said}"
                ledger.waiting(db, reminder.id, now, said, tried=False)
    sending.bounces = [*sending.bounces, reminder.id] if bounced else []
    if len(sending.bounces) >= BOUNCES_IN_A_ROW and not run_.sent:
        with session_scope() as db:
            ledger.bounces_were_ours(db, sending.bounces)
        run_.failed, run_.bounced = run_.failed + len(sending.bounces), run_.bounced - len(sending.bounces)
        run_.stopped = f"the mail server refused {BOUNCES_IN_A_ROW} addresses in a row; no address was blamed"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


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
