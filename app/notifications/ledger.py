"""The ledger of reminders: claiming a learner's day, and writing down what became of it. Each call is one short
transaction of its own, or part of the caller's; none of them waits for a mail server.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Notification, User
from app.notifications.models import ReminderStop
from app.notifications.queries import address_hash
from app.notifications.standing import Decision
from app.platform.ids import stable_id

CLAIM_MINUTES = 15
"""A claim that nobody finished for so long was left by a crash. Longer than all answers of a mail server together."""
CLOCKS_APART = timedelta(days=1)
_SAME_DAY_ANYWHERE = timedelta(days=2)


def reminder_id(learner_id: UUID, local_day: date) -> UUID:
    """The id of the learner's reminder of this day: the same for every attempt."""
    return stable_id("reminder", f"{learner_id}/{local_day}")


def claim(db: Session, learner_id: UUID, decision: Decision, now: datetime) -> tuple[UUID, int] | None:
    """Claim the learner's day in the caller's transaction. The reminder's id and the number of this attempt, or None if
    somebody else was first. A row that is waiting for its next attempt is claimed by whoever changes it first.
    """
    values = {
        "time_zone": decision.time_zone,
        "cohort_id": decision.cohort_id,
        "lessons": len(decision.lessons),
        "status": "sending",
        "claimed_at": now,
    }
    row = insert(Notification).values(
        id=reminder_id(learner_id, decision.local_day), learner_id=learner_id, local_day=decision.local_day, **values
    )
    # Without naming a key, so that whichever of the two meets the other one's row first decides, and none raises.
    made = db.execute(row.on_conflict_do_nothing().returning(Notification.id, Notification.attempts)).first()
    if made is None:
        again = update(Notification).where(
            Notification.learner_id == learner_id,
            Notification.local_day == decision.local_day,
            Notification.status == "waiting",
            Notification.retry_at <= now,
        )
        changed = again.values(attempts=Notification.attempts + 1, retry_at=None, **values)
        made = db.execute(changed.returning(Notification.id, Notification.attempts)).first()
    return (made[0], made[1]) if made is not None else None


def sent(db: Session, notification_id: UUID, answer: str, *, now: datetime, message_id: str) -> None:
    """The mail server took it."""
    _finish(db, notification_id, status="sent", sent_at=now, message_id=message_id, answer=answer)


def waiting(db: Session, notification_id: UUID, retry_at: datetime, answer: str, *, tried: bool = True) -> None:
    """Nothing was sent; to be tried again. tried=False: the server was never asked, so that it was no attempt."""
    attempts = Notification.attempts if tried else Notification.attempts - 1
    _finish(db, notification_id, status="waiting", retry_at=retry_at, answer=answer, attempts=attempts)


def failed(db: Session, notification_id: UUID, answer: str) -> None:
    """Nothing was sent and it is not tried again; the address may be right."""
    _finish(db, notification_id, status="failed", answer=answer)


def unknown(db: Session, notification_id: UUID, answer: str) -> None:
    """Nobody knows whether it was sent. Only a person may say."""
    _finish(db, notification_id, status="unknown", answer=answer)


def bounced(db: Session, notification_id: UUID, answer: str, *, learner_id: UUID, address: str, now: datetime) -> None:
    """The address was refused for good: it is not mailed any more."""
    _finish(db, notification_id, status="bounced", answer=answer)
    values = {"bounced_at": now, "bounced_address_hash": address_hash(address)}
    known = select(User.id).where(User.id == learner_id)
    if db.scalar(known.with_for_update(key_share=True)) is not None:  # somebody may have been erased in between
        row = insert(ReminderStop).values(learner_id=learner_id, **values)
        db.execute(row.on_conflict_do_update(index_elements=[ReminderStop.learner_id], set_=values))


def bounces_were_ours(db: Session, notification_ids: list[UUID]) -> None:
    """The mail server refuses everybody, so these addresses are not to blame: take it back."""
    learners = select(Notification.learner_id).where(Notification.id.in_(notification_ids))
    db.execute(
        update(ReminderStop)
        .where(ReminderStop.learner_id.in_(learners))
        .values(bounced_at=None, bounced_address_hash=None)
    )
    db.execute(
        update(Notification)
        .where(Notification.id.in_(notification_ids), Notification.status == "bounced")
        .values(status="failed")
    )


def _finish(db: Session, notification_id: UUID, **values: object) -> None:
    # Whatever somebody made of the claim in between: who spoke with the mail server knows better.
    db.execute(update(Notification).where(Notification.id == notification_id).values(**values))


def settle(db: Session, now: datetime) -> int:
    """Close what earlier runs left: claims that a crash left open become unknown, waiting ones whose day is over
    failed. Returns how many became unknown. A claim from the future was made by a clock that was wrong."""
    left = or_(
        Notification.claimed_at < now - timedelta(minutes=CLAIM_MINUTES), Notification.claimed_at > now + CLOCKS_APART
    )
    lost = db.execute(
        update(Notification)
        .where(Notification.status == "sending", left)
        .values(status="unknown", answer="the process ended before it could write down what the mail server said")
        .returning(Notification.id)
    ).all()
    db.execute(
        update(Notification)
        .where(Notification.status == "waiting", Notification.local_day < (now - _SAME_DAY_ANYWHERE).date())
        .values(status="failed", retry_at=None)
    )
    return len(lost)
