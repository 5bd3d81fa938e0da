"""What became of reminders: sent, waiting, bounced, of unknown outcome; and who gets none by what was decided."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.access.callers import Caller, needs
from app.access.forms import Form
from app.accounts.cohorts import list_cohorts
from app.config import Settings
from app.database import get_db
from app.errors import AppError, BadRequest, Problem
from app.models import Notification, User
from app.notifications import acts, queries, stops
from app.notifications.outbox import mail_in_outbox
from app.notifications.schemas import ReminderRead, Status
from app.notifications.stops import StopPage
from app.platform import clock
from app.ui.definitions import hints
from app.ui.formatting import zone_named
from app.ui.pages import HTML, show
from app.ui.reminders import PATH, TOTALS_DAYS, CohortName, cohort_options
from app.ui.telling import Asked, Told, back, told

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
Sender = Annotated[Caller, needs("reminders:send")]
_READERS = [needs("reminders:read")]
ROWS_SHOWN = 50
HISTORY, STOPPED = f"{PATH}/history", f"{PATH}/stopped"

STATES: dict[str, tuple[str, str]] = {
    "sent": ("done", "Sent"),
    "sending": ("progress", "On its way"),
    "waiting": ("late", "Waits for another try"),
    "bounced": ("broken", "Bounced"),
    "failed": ("broken", "Failed"),
    "unknown": ("broken", "Outcome unknown"),
}
"""How each status is shown: the kind of state, and its name."""
_TOLD = {
    "mark-sent": Told(kind="done", title="It is marked as sent"),
    "send-again": Told(
        kind="done", title="The next run sends it", text="That is within 5 minutes, if it is still due."
    ),
    "resume": Told(kind="done", title="They are reminded again", text="From the next day on which something is due."),
    "refused": Told(
        kind="broken",
        title="Nothing was changed",
        text="What became of that reminder has changed meanwhile; see below.",
    ),
    "day-over": Told(
        kind="late",
        title="That day is over",
        text="What is still open stands in the reminder of the learner's present day, so nothing is sent twice.",
    ),
}


class HistoryAsked(Asked):
    """Which reminders."""

    status: Status | None = None
    cohort: UUID | None = None
    learner: UUID | None = None
    cursor: str | None = Field(default=None, max_length=100)


class HistoryRow(ReminderRead):
    """A reminder; in_outbox: its mail lies there as a file of this name. today: its day is not over.

    may_act: somebody can say what is to become of it.
    """

    in_outbox: str | None
    today: bool
    may_act: bool


class HistoryPage(BaseModel):
    """Reminders, the latest first. totals: of the last 7 days, by status. more: give it as ?cursor=."""

    reminders: list[HistoryRow]
    totals: dict[str, int]
    cohorts: list[CohortName]
    more: str | None


class StoppedAsked(Asked):
    """Which of those who get no reminders."""

    kind: stops.Kind | None = None
    cursor: UUID | None = None


@router.get(HISTORY, response_model=HistoryPage, responses=HTML, dependencies=_READERS)
def get_history(request: Request, db: Db, asked: Annotated[HistoryAsked, Query()]) -> Response:
    """What was sent and what became of it."""
    settings: Settings = request.app.state.settings
    rows = queries.reminders(
        db,
        status=asked.status,
        learner_id=asked.learner,
        cohort_id=asked.cohort,
        before=stops.read_mark(asked.cursor) if asked.cursor else None,
        limit=ROWS_SHOWN + 1,
    )
    page = HistoryPage(
        reminders=[_row(row, learner, settings) for row, learner in rows[:ROWS_SHOWN]],
        totals=queries.totals(db, clock.now() - TOTALS_DAYS),
        cohorts=[CohortName(id=one.id, name=one.name) for one in list_cohorts(db)],
        more=stops.mark_of(rows[ROWS_SHOWN - 1][0]) if len(rows) > ROWS_SHOWN else None,
    )
    more: dict[str, Any] = {
        "asked": asked,
        "told": told(_TOLD, asked.done),
        "states": STATES,
        "path": PATH,
        "means": hints(*(name for _, name in STATES.values())),
        "cohort_options": cohort_options(page.cohorts),
        "state_options": [("", "Every outcome"), *((key, name) for key, (_, name) in STATES.items())],
    }
    return show(request, "reminder_history.html", page, **more)


@router.post(HISTORY + "/{reminder_id}", include_in_schema=False)
def post_decision(request: Request, reminder_id: UUID, db: Db, caller: Sender, form: Form) -> Response:
    """Say what is to become of a reminder: it was sent, or it is to be sent again."""
    action = form.get("action", "")
    if action not in ("mark-sent", "send-again"):
        raise BadRequest("action is none.", [Problem("action", "is none.", "mark-sent or send-again")])
    act = acts.mark_sent if action == "mark-sent" else acts.send_again
    try:
        act(db, reminder_id, caller.actor)
    except AppError as error:
        if error.status != 409:
            raise
        return back(request, HISTORY, done="day-over" if "learner's day is" in error.message else "refused")
    return back(request, HISTORY, done=action)


@router.get(STOPPED, response_model=StopPage, responses=HTML, dependencies=_READERS)
def get_stopped(request: Request, db: Db, asked: Annotated[StoppedAsked, Query()]) -> Response:
    """Who unsubscribed, and whose address the mail server refused for good."""
    page = stops.stopped(db, asked.kind, asked.cursor, ROWS_SHOWN)
    more: dict[str, Any] = {"asked": asked, "told": told(_TOLD, asked.done), "path": PATH}
    return show(request, "reminder_stopped.html", page, **more)


@router.post(PATH + "/learners/{learner_id}/resume", include_in_schema=False)
def post_resume(request: Request, learner_id: UUID, db: Db, caller: Sender, _form: Form) -> Response:
    """Remind a learner again."""
    acts.resume(db, learner_id, caller.actor)
    return back(request, STOPPED, done="resume")


def _row(row: Notification, learner: User, settings: Settings) -> HistoryRow:
    file = mail_in_outbox(settings, row.id)
    known = {name: getattr(row, name) for name in ReminderRead.model_fields if name not in ("name", "email")}
    today = row.local_day == clock.now().astimezone(zone_named(row.time_zone)).date()
    return HistoryRow(
        name=learner.name,
        email=learner.email,
        in_outbox=file.name if file.exists() else None,
        today=today,
        may_act=row.status == "unknown" or (today and row.status in ("bounced", "failed")),
        **known,
    )
