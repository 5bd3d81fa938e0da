"""The ledger of reminders: claiming a learner's day, and writing down what became of it. Each call is one short
transaction of its own, or part of the caller's; none of them waits for a mail server.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, literal, or_, select, update
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


_row = Notification.__table__.c
_given = {
    "time_zone": bindparam("zone", type_=_row.time_zone.type),
    "cohort_id": bindparam("cohort", type_=_row.cohort_id.type),
    "lessons": bindparam("left", type_=_row.lessons.type),
    "status": literal("sending"),
    "claimed_at": bindparam("now", type_=_row.claimed_at.type),
}
_learner = bindparam("learner", type_=_row.learner_id.type)
_day = bindparam("day", type_=_row.local_day.type)
# Without naming a key, so that whichever of the two meets the other one's row first decides, and none raises. And only
# of a learner who is there: somebody may have been erased since they were read.
_CLAIM = (
    insert(Notification)
    .from_select(
        ["id", "learner_id", "local_day", *_given],
        select(bindparam("id", type_=_row.id.type), User.id, _day, *_given.values())
        .where(User.id == _learner)
        .with_for_update(read=True, key_share=True),
    )
    .on_conflict_do_nothing()
    .returning(_row.id, _row.attempts)
)
_CLAIM_AGAIN = (
    update(Notification)
    .where(
        _row.learner_id == _learner,
        _row.local_day == _day,
        _row.status == "waiting",
        _row.retry_at <= _given["claimed_at"],
    )
    .values(attempts=_row.attempts + 1, retry_at=None, **_given)
    .returning(_row.id, _row.attempts)
)
_SENT = (
    update(Notification)
    .where(_row.id == bindparam("reminder"))
    .values(
        status="sent",
        sent_at=bindparam("now"),
        message_id=bindparam("mail"),
        answer=bindparam("said"),
        address_hash=bindparam("hashed"),
    )
)


def reminder_id(learner_id: UUID, local_day: date) -> UUID:
    """The id of the learner's reminder of this day: the same for every attempt."""
    return stable_id("reminder", f"{learner_id}/{local_day}")


def claim(db: Session, learner_id: UUID, decision: Decision, now: datetime) -> tuple[UUID, int] | None:
    """Claim the learner's day in the caller's transaction. The reminder's id and the number of this attempt, or None if
    somebody else was first. A row that is waiting for its next attempt is claimed by whoever changes it first.
    """
    values = {
        "id": reminder_id(learner_id, decision.local_day),
        "learner": learner_id,
        "day": decision.local_day,
        "zone": decision.time_zone,
        "cohort": decision.cohort_id,
        "left": len(decision.lessons),
        "now": now,
    }
    connection = db.connection()
    made = connection.execute(_CLAIM, values).first() or connection.execute(_CLAIM_AGAIN, values).first()
    return (made[0], made[1]) if made is not None else None


def sent(db: Session, notification_id: UUID, answer: str, *, now: datetime, message_id: str, address: str) -> None:
    """The mail server took it. Of the address only a hash is kept, for when the mail comes back."""
    values = {"now": now, "mail": message_id, "said": answer, "hashed": address_hash(address)}
    db.connection().execute(_SENT, {"reminder": notification_id, **values})


def waiting(db: Session, notification_id: UUID, retry_at: datetime, answer: str, *, tried: bool = True) -> None:
    """Nothing was sent; to be tried again. tried=False: the server was never asked, so that it was no attempt."""
    attempts = Notification.attempts if tried else Notification.attempts - 1
    _finish(db, notification_id, status="waiting", retry_at=retry_at, answer=answer, attempts=attempts)


def failed(db: Session, notification_id: UUID, answer: str) -> None:
    """Nothing was sent and it is not tried again; the address may be right."""
    _finish(db, notification_id, status="failed", answer=answer)


def unknown(db: Session, notification_id: UUID, answer: str, address: str) -> None:
    """Nobody knows whether it was sent. Only a person may say."""
    _finish(db, notification_id, status="unknown", answer=answer, address_hash=address_hash(address))


def bounced(db: Session, notification_id: UUID, answer: str, *, learner_id: UUID, address: str, now: datetime) -> None:
    """The address was refused for good: it is not mailed any more."""
    _finish(db, notification_id, status="bounced", answer=answer)
    stop_address(db, learner_id, address_hash(address), now)


def known_to_bounce(db: Session, learner_id: UUID, hashed: bytes) -> bool:
    """Whether this address of the learner is not mailed any more."""
    stop = db.get(ReminderStop, learner_id, populate_existing=True)
    return stop is not None and stop.bounced_address_hash == hashed


def stop_address(db: Session, learner_id: UUID, hashed: bytes, now: datetime) -> None:
    """Do not mail this address of the learner any more; another one of theirs is mailed."""
    values = {"bounced_at": now, "bounced_address_hash": hashed}
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
