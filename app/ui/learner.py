"""The page of one learner: who they are, how far they are, what they did, what they were sent, acts about them."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app import audit
from app.access.callers import needs
from app.accounts import learners as people
from app.accounts import visibility
from app.accounts.schemas import LearnerRead
from app.accounts.visibility import Viewer
from app.analytics import learners, spoken
from app.analytics.schemas import LearnerLesson, SpokenDay
from app.analytics.selection import Filters, Page
from app.analytics.timeline import learner_timeline
from app.config import get_settings
from app.database import get_db
from app.identities import target_of
from app.notifications import acts, preview, queries
from app.notifications.schemas import PreviewQuery, PreviewRow
from app.schemas import CohortName
from app.ui.act_words import words_of
from app.ui.asking import Asking, Cursor, NoneIfEmpty
from app.ui.definitions import definition
from app.ui.forms import actor_of
from app.ui.pages import HTML, show

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

TIMELINE_ENTRIES = 60
REMINDERS_SHOWN = 20
Told = Literal["merged", "split", "resumed", "changed"]
TOLD: dict[Told, tuple[str, str]] = {
    "merged": ("The two learners are one", "Everything of the other one is here now, and what comes later as well."),
    "split": ("The identifiers have a learner of their own", "This is the learner that they belong to now."),
    "resumed": ("Reminders go on", "The next one comes when a lesson is due and not completed."),
    "changed": ("Saved", ""),
}
REMINDER_WORDS = {
    "sent": ("done", "Sent"),
    "sending": ("progress", "Being sent"),
    "waiting": ("progress", "To be tried again"),
    "bounced": ("broken", "Bounced"),
    "failed": ("broken", "Not sent"),
    "unknown": ("late", "Outcome not known"),
}
KINDS = {
    "mbox": "E-mail",
    "phone": "Phone",
    "account": "Account",
    "openid": "OpenID",
    "mbox_sha1sum": "Hash of an e-mail",
}
"""What kinds of identifiers are called, in the order in which they are shown."""
_ORDER = {kind: place for place, kind in enumerate(KINDS)}


class KnownBy(BaseModel):
    """By what a learner is known. statements: how many came under it; its hash, where it is one, is counted apart."""

    key: UUID
    kind: str
    words: str
    value: str
    created_at: datetime
    statements: int


class ReminderLine(BaseModel):
    """A reminder, and what became of it. answer: of the mail server, where it was not just sent."""

    id: UUID
    local_day: date
    status: str
    lessons: int
    claimed_at: datetime
    sent_at: datetime | None
    answer: str | None


class ActLine(BaseModel):
    """An act of somebody on this learner."""

    at: datetime
    actor: str
    act: str
    detail: dict[str, object]


class LearnerPage(BaseModel):
    """One learner. cohorts: id and name. standing: whether they are reminded, and why not."""

    learner: LearnerRead
    cohorts: list[CohortName]
    lessons: list[LearnerLesson]
    time_zone: str
    days: list[SpokenDay]
    next: str | None
    known_by: list[KnownBy]
    standing: PreviewRow
    reminders: list[ReminderLine]
    acts: list[ActLine]
    pseudonyms: bool


class LearnerQuery(Asking):
    """Where the timeline goes on, and what has just happened."""

    cursor: Annotated[Cursor | None, NoneIfEmpty] = None
    told: Annotated[Told | None, NoneIfEmpty] = None


@router.get(
    "/ui/learners/{learner_id}",
    response_model=LearnerPage,
    responses=HTML,
    dependencies=[needs("learners:read")],
    name="learner",
)
def get_learner(request: Request, learner_id: UUID, db: Db, query: Annotated[LearnerQuery, Query()]) -> Response:
    """One learner: progress, timeline in their own time zone, identifiers, reminders and acts."""
    viewer = visibility.admin()
    learner = people.look_up(db, viewer, learner_id)
    timeline = learner_timeline(db, learner_id, Filters(viewer=viewer), Page(TIMELINE_ENTRIES, query.cursor))
    page = LearnerPage(
        learner=learner,
        cohorts=learners.cohorts_of(db, learner_id),
        lessons=learners.lessons_of(db, learner_id, learner.time_zone),
        time_zone=timeline.time_zone,
        days=spoken.spoken_days(db, timeline),
        next=timeline.next,
        known_by=known_by(db, learner),
        standing=preview.preview(db, PreviewQuery(learner_id=learner_id), get_settings()).learners[0],
        reminders=_reminders(db, viewer, learner_id),
        acts=[
            ActLine(at=one.at, actor=one.actor, act=one.act, detail=one.detail)
            for one in audit.acts_on(db, target_of(learner_id))
        ],
        pseudonyms=viewer.pseudonyms is not None,
    )
    planned = [one for one in page.lessons if one.planned] or page.lessons
    return show(
        request,
        "learner.html",
        page,
        name=name_of(page.learner),
        done=sum(one.completed_at is not None for one in planned),
        planned=len(planned),
        overdue=sum(one.overdue_days > 0 for one in page.lessons),
        told=TOLD.get(query.told) if query.told else None,
        act_words=words_of,
        their_time=lambda at: at.astimezone(ZoneInfo(page.time_zone)).strftime("%H:%M"),
        is_first=query.cursor is None,
        reminder_words=REMINDER_WORDS,
        late_hint=(*_hint("LearnerLesson.overdue_days", "Overdue"),),
        completed_hint=(*_hint("Completed", "Completed"),),
    )


@router.post("/ui/learners/{learner_id}/resume", dependencies=[needs("reminders:send")], include_in_schema=False)
def post_resume(request: Request, learner_id: UUID, db: Db) -> Response:
    """Remind a learner again who unsubscribed, bounced or never answered."""
    acts.resume(db, learner_id, actor_of(request))
    return RedirectResponse(f"/ui/learners/{learner_id}?told=resumed", 303)


def name_of(learner: LearnerRead) -> str:
    """What a learner is called on pages."""
    return learner.name or learner.email or learner.phone or learner.avatar or "Nameless learner"


def known_by(db: Session, learner: LearnerRead) -> list[KnownBy]:
    """The identifiers that the viewer may see, and how many statements came under each."""
    counts = spoken.statements_by_actor(db, learner.id) if learner.identifiers else {}
    return [
        KnownBy(
            key=one.key,
            kind=one.kind,
            words=KINDS.get(one.kind, one.kind),
            value=one.value.removeprefix("mailto:"),
            created_at=one.created_at,
            statements=counts.get(f"{one.kind}:{one.value}", 0),
        )
        for one in sorted(learner.identifiers, key=lambda one: (_ORDER.get(one.kind, len(_ORDER)), one.created_at))
    ]


def _reminders(db: Session, viewer: Viewer, learner_id: UUID) -> list[ReminderLine]:
    found = queries.reminders(
        db, status=None, learner_id=learner_id, cohort_id=None, before=None, limit=REMINDERS_SHOWN
    )
    return [
        ReminderLine(
            id=row.id,
            local_day=row.local_day,
            status=row.status,
            lessons=row.lessons,
            claimed_at=row.claimed_at,
            sent_at=row.sent_at,
            answer=visibility.masked(viewer, row.answer, user.name, user.email, user.phone) if row.answer else None,
        )
        for row, user in found
    ]


def _hint(number: str, words: str) -> tuple[str, str, str]:
    anchor, text = definition(number)
    return anchor, words, text
