"""Who gets no reminders because of what was decided about them, and a place in the list of reminders as text."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.errors import BadRequest, Problem
from app.models import Notification, User
from app.notifications.models import ReminderStop
from app.platform import clock

Kind = Literal["unsubscribed", "bounced"]


class StopRow(BaseModel):
    """A learner who gets no reminders: since when they want none, since when their address bounces."""

    learner_id: UUID
    name: str | None
    email: str | None
    unsubscribed_at: datetime | None
    bounced_at: datetime | None


class StopPage(BaseModel):
    """Learners by id. more: give it as ?after= for the next page."""

    learners: list[StopRow]
    more: UUID | None


def stopped(db: Session, kind: Kind | None, after: UUID | None, limit: int) -> StopPage:
    """A page of those who unsubscribed or whose address bounced."""
    stop = ReminderStop
    conditions = {"unsubscribed": stop.unsubscribed_at.is_not(None), "bounced": stop.bounced_at.is_not(None)}
    query = select(stop, User).join(User, User.id == stop.learner_id)
    query = query.where(conditions[kind] if kind else or_(*conditions.values()))
    if after is not None:
        query = query.where(stop.learner_id > after)
    rows = db.execute(query.order_by(stop.learner_id).limit(limit + 1)).all()
    return StopPage(
        learners=[
            StopRow(
                learner_id=user.id,
                name=user.name,
                email=user.email,
                unsubscribed_at=one.unsubscribed_at,
                bounced_at=one.bounced_at,
            )
            for one, user in rows[:limit]
        ],
        more=rows[limit - 1][0].learner_id if len(rows) > limit else None,
    )


def mark_of(row: Notification) -> str:
    """The place behind this reminder in the list of them, as text."""
    return f"{clock.iso(row.claimed_at)}_{row.id}"


def read_mark(text: str) -> tuple[datetime, UUID]:
    """The place that a page gave. BadRequest when it is none."""
    moment, _, reminder_id = text.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is not None:
            return at, UUID(reminder_id)
    except (ValueError, OverflowError):
        pass
    told = "is no mark of a page."
    raise BadRequest(f"?before {told}", [Problem("?before", told, "What a page before gave.")])
