"""What people do about reminders: decide about unknown ones, write templates, end them, resume them.

All but a learner's own word is audited; every call is part of the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.accounts import learners
from app.accounts.models import Cohort, CohortMember
from app.errors import Conflict, NotFound
from app.models import Notification, User
from app.notifications import templates
from app.notifications.models import ReminderStop, ReminderTemplate
from app.notifications.templates import Words
from app.platform import clock


@dataclass(frozen=True, slots=True)
class Hours:
    """When a cohort is reminded, in hours of the learner's own day; no quiet ones: as the settings say."""

    reminder_hour: int
    quiet_from_hour: int | None
    quiet_until_hour: int | None


def mark_sent(db: Session, reminder_id: UUID, actor: str) -> Notification:
    """An admin knows that an unknown one arrived. 404, or 409 when its outcome is known."""
    row = _locked(db, reminder_id)
    if row.status != "unknown":
        raise Conflict(f"This reminder is {row.status}; only one of unknown outcome can be marked as sent.")
    row.status = "sent"
    audit.note(db, actor, "reminder.mark_sent", f"reminder:{reminder_id}", {"local_day": str(row.local_day)})
    return row


def send_again(db: Session, reminder_id: UUID, actor: str) -> Notification:
    """An admin wants it sent after all: by the next run, with the lessons that are left then, outside quiet hours.

    409 when it is sent or on its way, or when its day is over: the next day's reminder says the same.
    """
    row = _locked(db, reminder_id)
    before, now = row.status, clock.now()
    if before not in ("unknown", "bounced", "failed"):
        raise Conflict(f"This reminder is {before}; only an unknown, bounced or failed one can be sent again.")
    today = now.astimezone(ZoneInfo(row.time_zone)).date()
    if row.local_day != today:
        raise Conflict(
            f"This reminder was for {row.local_day}, and the learner's day is {today}. What is still open is in the "
            "reminder of that day."
        )
    row.status, row.retry_at = "waiting", now
    if before == "bounced":
        _lift(db, row.learner_id, bounced_at=None, bounced_address_hash=None)
    audit.note(db, actor, "reminder.send_again", f"reminder:{reminder_id}", {"was": before})
    return row


def resume(db: Session, learner_id: UUID, actor: str) -> ReminderStop:
    """Remind a learner again who unsubscribed, bounced or never answered. 404 when there is no such learner."""
    _learner(db, learner_id)
    values = {
        "unsubscribed_at": None,
        "bounced_at": None,
        "bounced_address_hash": None,
        "resumed_at": clock.now(),
    }
    before = db.get(ReminderStop, learner_id)
    was = {"unsubscribed": bool(before and before.unsubscribed_at), "bounced": bool(before and before.bounced_at)}
    stop = _stop(db, learner_id, values)
    audit.note(db, actor, "reminders.resume", f"learner:{learner_id}", was)
    return stop


def unsubscribe(db: Session, learner_id: UUID) -> bool:
    """The learner wants no more reminders. False when there is no such learner any more. Again: the same.

    Of one who became part of another it counts for that one, who is mailed in their place.
    """
    found: UUID | None = learner_id
    # Again, because who was kept may be merged in turn between two looks; each turn takes one more merge.
    while found is not None:
        if db.scalar(select(User.id).where(User.id == found).with_for_update(key_share=True)) is not None:
            known = db.get(ReminderStop, found, populate_existing=True)
            if known is None or known.unsubscribed_at is None:
                _stop(db, found, {"unsubscribed_at": clock.now()})
            return True
        found = learners.kept_as(db, found)
    return False


def template_of(db: Session, cohort_id: UUID) -> tuple[Cohort, ReminderTemplate | None]:
    """The cohort with its own template, if it has one. 404 when there is no such cohort."""
    cohort = db.get(Cohort, cohort_id, populate_existing=True)
    if cohort is None:
        raise NotFound("There is no cohort of this id.")
    return cohort, db.get(ReminderTemplate, cohort_id, populate_existing=True)


def put_template(db: Session, cohort_id: UUID, hours: Hours, words: Words | None, actor: str) -> None:
    """Write the hours and the words of a cohort's reminders; None: the default ones. 400 tells what is wrong where."""
    template_of(db, cohort_id)
    if words is not None:
        templates.check(words)
    db.execute(update(Cohort).where(Cohort.id == cohort_id).values(asdict(hours)))
    if words is None:
        db.execute(delete(ReminderTemplate).where(ReminderTemplate.cohort_id == cohort_id))
    else:
        values = {"subject": words.subject, "text": words.text, "html": words.html, "updated_at": clock.now()}
        row = insert(ReminderTemplate).values(cohort_id=cohort_id, **values)
        db.execute(row.on_conflict_do_update(index_elements=[ReminderTemplate.cohort_id], set_=values))
    detail = {**asdict(hours), "own_words": words is not None}
    audit.note(db, actor, "reminder_template.put", f"cohort:{cohort_id}", detail)


def follow_merge(db: Session, gone: UUID, kept: UUID) -> None:
    """Two learners became one: what was sent to and decided about `gone` now counts for `kept`.

    To be called before the row of `gone` is deleted. Of two reminders on one day that of `kept` stays: the day is
    claimed either way.
    """
    clash = select(Notification.local_day).where(Notification.learner_id == kept)
    db.execute(delete(Notification).where(Notification.learner_id == gone, Notification.local_day.in_(clash)))
    db.execute(update(Notification).where(Notification.learner_id == gone).values(learner_id=kept))
    stop = db.get(ReminderStop, gone)
    if stop is not None and stop.unsubscribed_at is not None:
        _stop(db, kept, {"unsubscribed_at": stop.unsubscribed_at})
    db.execute(delete(ReminderStop).where(ReminderStop.learner_id == gone))


def in_cohort(db: Session, learner_id: UUID, cohort_id: UUID) -> bool:
    """Whether the learner is in the cohort."""
    member = exists().where(CohortMember.user_id == learner_id, CohortMember.cohort_id == cohort_id)
    return bool(db.scalar(select(member)))


def _locked(db: Session, reminder_id: UUID) -> Notification:
    row = db.scalar(select(Notification).where(Notification.id == reminder_id).with_for_update())
    if row is None:
        raise NotFound("There is no reminder of this id.")
    return row


def _learner(db: Session, learner_id: UUID) -> None:
    if db.scalar(select(User.id).where(User.id == learner_id).with_for_update(key_share=True)) is None:
        raise NotFound("There is no learner of this id.")


def _stop(db: Session, learner_id: UUID, values: Mapping[str, datetime | None]) -> ReminderStop:
    row = insert(ReminderStop).values(learner_id=learner_id, **values)
    db.execute(row.on_conflict_do_update(index_elements=[ReminderStop.learner_id], set_=dict(values)))
    return db.get_one(ReminderStop, learner_id, populate_existing=True)


def _lift(db: Session, learner_id: UUID, **values: None) -> None:
    db.execute(update(ReminderStop).where(ReminderStop.learner_id == learner_id).values(**values))
