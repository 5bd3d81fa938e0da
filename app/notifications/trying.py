"""One reminder as it would be, and a copy of it for somebody who wants to see it.

Nothing is claimed: what is tried out here is no reminder of the learner's, and is never counted as one. The link by
which the learner ends the reminders is left out of it, so that whoever reads the copy cannot end them by a click.
"""

from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.accounts.models import Cohort, CohortMember
from app.audit import AuditEntry
from app.config import Settings
from app.errors import BadRequest, NotFound, Problem, Unavailable
from app.models import User
from app.notifications import choosing, preview, service, writing
from app.notifications.templates import Rendered
from app.notifications.unsubscribing import PATH, unsubscribe_url
from app.platform import clock, mail

MAX_TRIES_PER_HOUR = 60
"""Copies to addresses that somebody types in; more than a person looks at in an hour."""
TARGET = "reminders:tries"
_EXAMPLE = "example"


class MailRead(BaseModel):
    """A reminder as it would be sent. example: nothing is open for the learner, so the lessons are examples.

    cohort_id: whose words and lessons these are.
    """

    subject: str
    text: str
    html: str
    sender: str
    recipient: str | None
    cohort_id: UUID
    cohort: str
    example: bool


def look_at(db: Session, learner_id: UUID, settings: Settings) -> MailRead:
    """The reminder that this learner would get at this moment. NotFound: no such learner, cohort or lesson."""
    found = choosing.look(db, learner_id, settings, clock.now())
    if found is None:
        raise NotFound("There is no learner of this id.")
    standing, decision = found
    if not standing.memberships:
        raise NotFound("This learner is in no cohort, so nobody reminds them.")
    cohort_id = decision.cohort_id or standing.memberships[0].cohort_id
    if decision.lessons:
        written = writing.written(writing.reminder_of(db, standing, decision, settings))
        example = False
    else:
        shown = preview.rendered(db, cohort_id, learner_id, None, settings)
        written, example = Rendered(shown.subject, shown.text, shown.html), True
    harmless = without_way_out(written, settings, learner_id)
    return MailRead(
        subject=harmless.subject,
        text=harmless.text,
        html=harmless.html,
        sender=service.sender_of(settings),
        recipient=standing.email,
        cohort_id=cohort_id,
        cohort=next(one.cohort for one in standing.memberships if one.cohort_id == cohort_id),
        example=example,
    )


def without_way_out(written: Rendered, settings: Settings, learner_id: UUID) -> Rendered:
    """The same words with a link that ends nobody's reminders, for everybody but the learner."""
    real, other = unsubscribe_url(settings, learner_id), f"{settings.base_url}{PATH}{_EXAMPLE}"
    return Rendered(
        written.subject.replace(real, other),
        written.text.replace(real, other),
        written.html.replace(escape(real), escape(other)).replace(real, other),
    )


def send_copy(db: Session, shown: MailRead, address: str, settings: Settings, actor: str) -> str:
    """Send a copy to this address, by the way that reminders go, and tell what the mail server said.

    BadRequest when nothing can be sent to the address, Unavailable with the server's words when it takes nothing. It is
    audited, without the address.
    """
    address = address.strip()
    message = _copy(shown, address)
    if _tries(db) >= MAX_TRIES_PER_HOUR:
        raise BadRequest(
            f"{MAX_TRIES_PER_HOUR} copies were sent within the last hour, and no more are sent in one.",
            [Problem("address", "was sent nothing: this hour's copies are used up.", "Try again in a while.")],
        )
    mailer = service.mailer_of(settings)
    try:
        mailer.open()
        answer = mailer.send(message, mail.mailbox(shown.sender)[1], address)
    except mail.Refused as error:
        raise BadRequest(str(error), [Problem("address", f"was refused: {error}", "An address that exists.")]) from None
    except mail.MailError as error:
        raise Unavailable(f"The mail server did not take it: {error}") from None
    finally:
        mailer.close()
    audit.note(db, actor, "reminder.try", TARGET, {"cohort": str(shown.cohort_id), "by": _way(settings)})
    return answer


def _copy(shown: MailRead, address: str) -> EmailMessage:
    name, sender = mail.mailbox(shown.sender)
    message = EmailMessage(policy=mail.WIRE)
    message["Subject"] = mail.header_text(f"[Test] {shown.subject}")
    message["From"] = mail.address_header(name, sender)
    try:
        message["To"] = mail.address_header(None, address)
    except ValueError as error:
        problem = Problem("address", f"“{mail.header_text(address, 80)}” {error}.", "One such as ana@example.org.")
        raise BadRequest(problem.sentence(), [problem]) from None
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<test-{uuid4()}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"This is a test: a copy of a reminder, which its learner was not sent by this.\n\n{shown.text}"
    )
    message.add_alternative(shown.html, subtype="html")
    return message


def _tries(db: Session) -> int:
    since = clock.now() - timedelta(hours=1)
    query = select(func.count()).where(AuditEntry.target == TARGET, AuditEntry.at >= since)
    return db.scalar(query) or 0


def _way(settings: Settings) -> str:
    return "SMTP" if settings.smtp_url else "outbox"


def members_named(db: Session, cohort_id: UUID, limit: int) -> list[tuple[UUID, str]]:
    """Learners of a cohort to look at a template with: (id, name or e-mail), by name. NotFound: no such cohort."""
    if db.get(Cohort, cohort_id) is None:
        raise NotFound("There is no cohort of this id.")
    named = func.coalesce(User.name, User.email, User.phone, "no name")
    query = (
        select(User.id, named)
        .join(CohortMember, CohortMember.user_id == User.id)
        .where(CohortMember.cohort_id == cohort_id)
        .order_by(named, User.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in db.execute(query)]
