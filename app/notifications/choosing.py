"""Choosing whom to remind: who may be due, how they stand, and claiming the day of one of them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.database import session_scope
from app.models import User
from app.notifications import ledger, queries, rules
from app.notifications.rules import Limits
from app.notifications.standing import Decision, Standing
from app.notifications.writing import Catalogue, Reminder, reminder_of
from app.platform import clock

BATCH_LEARNERS = 200


def limits_of(settings: Settings) -> Limits:
    """The settings that rules go by."""
    return Limits(
        settings.reminder_quiet_from_hour, settings.reminder_quiet_until_hour, settings.reminder_max_unanswered
    )


def candidates(settings: Settings, after_batch: Callable[[], None]) -> Iterator[tuple[Standing, Decision]]:
    """Learners of whom one may be due, with what is decided for them now. A batch at a time is in memory."""
    after: UUID | None = None
    left_alone = since(clock.now())
    while True:
        now = clock.now()
        latest = rules.latest_day(now)
        with session_scope() as db:
            users = queries.worth_a_look(db, after=after, limit=BATCH_LEARNERS, latest_day=latest, since=left_alone)
            found = queries.standings(db, users, latest, settings.reminder_max_unanswered)
        if not users:
            return
        for standing in found:
            yield standing, rules.decide(standing, clock.now(), limits_of(settings))
        after = users[-1].id
        after_batch()


def since(now: datetime) -> datetime:
    """Who was reminded after this is left alone."""
    return now - timedelta(hours=rules.MIN_HOURS_BETWEEN)


def claim(db: Session, standing: Standing, settings: Settings, catalogue: Catalogue | None = None) -> Reminder | None:
    """Claim the learner's day, then look again at what is left: what was completed a moment ago is not asked for.

    standing: as it was read a while ago. None when they are not due any more or somebody else was first; the caller
    has to roll back then.
    """
    now = clock.now()
    decision = rules.decide(standing, now, limits_of(settings))
    if decision.reason != "due":
        return None
    claimed = ledger.claim(db, standing.learner_id, decision, now)
    if claimed is None:
        return None
    # The claim has waited for whoever held the row: only what is read after it is the latest.
    fresh = queries.refreshed(db, standing, rules.latest_day(now))
    still = rules.decide(fresh, now, limits_of(settings)) if fresh is not None else None
    if fresh is None or still is None or (still.reason, still.local_day) != ("due", decision.local_day):
        return None
    return reminder_of(db, fresh, still, settings, claimed=claimed, catalogue=catalogue)


def look(db: Session, learner_id: UUID, settings: Settings, now: datetime) -> tuple[Standing, Decision] | None:
    """How one learner stands at this moment; None when there is none of this id."""
    user = db.scalar(select(User).where(User.id == learner_id).execution_options(populate_existing=True))
    if user is None:
        return None
    (standing,) = queries.standings(db, [user], rules.latest_day(now), settings.reminder_max_unanswered)
    return standing, rules.decide(standing, now, limits_of(settings))
