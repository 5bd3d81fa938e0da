"""Mails that came back later: whose reminder it was, and that its address is not mailed again."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.errors import NotFound
from app.models import Notification, User
from app.notifications import ledger
from app.notifications.delivery_reports import Failure, read_report
from app.notifications.messages import reminder_of_message_id
from app.notifications.queries import address_hash
from app.notifications.schemas import BounceRead, BounceReport, BouncesRead, IgnoredRead
from app.platform import clock

MAX_LEARNERS = 100
"""That one address may stand for."""
COMES_BACK_DAYS = 14
"""For so long a notification that does not name a reminder may be about it; mail servers give up after five."""


def record_told(db: Session, report: BounceReport, actor: str) -> BouncesRead:
    """An admin says which address, or which mail, came back. 404 when it is nobody's. Again: the same."""
    words = "came back: an admin said so"
    if report.message_id is not None:
        row = _reminder(db, report.message_id)
        if row is None:
            raise NotFound("No reminder has this Message-ID.")
        hashed = row.address_hash or _hash_of_learner(db, row.learner_id)
        if hashed is None:
            raise NotFound("The learner of this reminder has no address any more.")
        return BouncesRead(
            recorded=[_record(db, row.learner_id, row, hashed=hashed, words=words, actor=actor)], ignored=[]
        )
    address = (report.address or "").lower()
    learners = db.scalars(select(User.id).where(User.email == address).order_by(User.id).limit(MAX_LEARNERS)).all()
    if not learners:
        raise NotFound("No learner has this address.")
    hashed = address_hash(address)
    recorded = [_record(db, one, _latest(db, one, hashed), hashed=hashed, words=words, actor=actor) for one in learners]
    return BouncesRead(recorded=recorded, ignored=[])


def record_report(db: Session, raw: bytes, actor: str) -> BouncesRead:
    """A mail that came back, as it arrived. BadRequest when it is no notification (RFC 3464).

    Recorded is what fits a reminder of ours and is final; everything else is told with the reason and changes nothing.
    """
    told = BouncesRead(recorded=[], ignored=[])
    for failure in read_report(raw):
        if not failure.is_final:
            why = f"It says {failure.action or 'nothing'}, not failed: the mail server still tries, or delivered it."
            told.ignored.append(IgnoredRead(recipient=failure.addresses[0], why=why))
            continue
        recorded = list(_record_failure(db, failure, actor))
        told.recorded += recorded
        if not recorded:
            why = f"No reminder to this recipient in the last {COMES_BACK_DAYS} days, and none of this Message-ID."
            told.ignored.append(IgnoredRead(recipient=failure.addresses[0], why=why))
    return told


def _record_failure(db: Session, failure: Failure, actor: str) -> Iterator[BounceRead]:
    row = _reminder(db, failure.message_id) if failure.message_id else None
    if row is not None:
        # What was written down when it was sent is known better than what the mail says.
        hashed = row.address_hash or address_hash(failure.addresses[0])
        stop = hashed if failure.of_address else None
        yield _record(db, row.learner_id, row, hashed=stop, words=failure.words, actor=actor)
        return
    for address in failure.addresses:
        hashed = address_hash(address)
        learners = db.scalars(select(User.id).where(User.email == address).order_by(User.id).limit(MAX_LEARNERS)).all()
        for learner_id in learners:
            latest = _latest(db, learner_id, hashed)
            if latest is not None:
                stop = hashed if failure.of_address else None
                yield _record(db, learner_id, latest, hashed=stop, words=failure.words, actor=actor)


def _record(
    db: Session, learner_id: UUID, row: Notification | None, *, hashed: bytes | None, words: str, actor: str
) -> BounceRead:
    """hashed: of the address that is not to be mailed any more; None: it is not to blame."""
    now = clock.now()
    known = hashed is not None and ledger.known_to_bounce(db, learner_id, hashed)
    if hashed is not None and not known:
        ledger.stop_address(db, learner_id, hashed, now)
    changed = row is not None and row.status in ("sent", "unknown")
    if row is not None and changed:
        row.status, row.answer = ("failed" if hashed is None else "bounced"), words
    if changed or (hashed is not None and not known):
        detail = {"reminder_id": str(row.id) if row else None, "address_stopped": hashed is not None}
        audit.note(db, actor, "reminder.bounce", f"learner:{learner_id}", detail)
    return BounceRead(
        learner_id=learner_id,
        reminder_id=row.id if row else None,
        address_stopped=hashed is not None,
        known_before=not changed and (hashed is None or known),
    )


def _reminder(db: Session, message_id: str) -> Notification | None:
    reminder_id = reminder_of_message_id(message_id)
    if reminder_id is None:
        return None
    return db.scalar(select(Notification).where(Notification.id == reminder_id).with_for_update())


def _latest(db: Session, learner_id: UUID, hashed: bytes) -> Notification | None:
    """The learner's latest reminder to this address, of the days in which it can come back."""
    since = clock.now() - timedelta(days=COMES_BACK_DAYS)
    fits = (Notification.address_hash == hashed) | Notification.address_hash.is_(None)
    return db.scalar(
        select(Notification)
        .where(Notification.learner_id == learner_id, Notification.claimed_at >= since, fits)
        .where(Notification.status.in_(("sent", "unknown", "bounced", "failed")))
        .order_by(Notification.local_day.desc())
        .limit(1)
        .with_for_update()
    )


def _hash_of_learner(db: Session, learner_id: UUID) -> bytes | None:
    email = db.scalar(select(User.email).where(User.id == learner_id))
    return address_hash(email) if email else None
