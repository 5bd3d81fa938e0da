"""Reminders: who would get what, when, and why the others do not; and sending what is due now."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app import audit
from app.access.callers import Caller, needs
from app.access.forms import Form
from app.accounts.cohorts import list_cohorts
from app.config import Settings
from app.database import get_db, session_scope
from app.jobs.reminder import TASK
from app.jobs.sending_now import WAIT_SECONDS, send_now
from app.models import TaskStatus
from app.notifications import preview, queries, rules
from app.notifications.schemas import PreviewPage, PreviewQuery
from app.notifications.service import sender_of
from app.notifications.standing import Reason
from app.platform import clock
from app.platform.logs import get_logger
from app.schemas import TaskStatusRead
from app.ui.definitions import hints
from app.ui.pages import HTML, show
from app.ui.telling import Asked, Told, back, told

log = get_logger(__name__)
router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
Sender = Annotated[Caller, needs("reminders:send")]

PATH = "/ui/test-reminders"
TOTALS_DAYS = timedelta(days=7)
LEARNERS_SHOWN = 50
LEARNERS_LOOKED_AT = 300
"""Where only those of one reason are shown, so many learners are looked at for one page."""

REASONS: dict[str, tuple[str, str]] = {
    "due": ("progress", "Due now"),
    "later": ("none", "Later today"),
    "retry": ("late", "Tried again soon"),
    "nothing_due": ("done", "Nothing is due"),
    "no_dates": ("none", "No dates"),
    "no_email": ("late", "No e-mail"),
    "unsubscribed": ("none", "Unsubscribed"),
    "bounced": ("broken", "Bounced"),
    "unanswered": ("late", "Never answered"),
    "reminded": ("done", "Reminded today"),
    "day_over": ("none", "Day is over"),
    "unknown_outcome": ("broken", "Outcome unknown"),
}
"""How each reason is shown: the kind of state, and its short name."""

_TOLD = {
    "sent": Told(kind="done", title="The run is over", text="What it did stands below, under “The last run”."),
    "late": Told(
        kind="late",
        title=f"The run was ended after {WAIT_SECONDS} seconds",
        text="What it sent is sent. The rest goes with the next run of the schedule, in 5 minutes at most.",
    ),
    "busy": Told(
        kind="note", title="A run is on its way already", text="Nothing was sent twice. Load this page again to see it."
    ),
    "failed": Told(
        kind="broken", title="The run failed", text="What it said stands below. Nobody is reminded twice by it."
    ),
}


class ReminderSettings(BaseModel):
    """By what rules reminders go. sends: how; sender: from whom; problem: why nothing can be sent at all."""

    quiet_hours: str
    sends: str
    sender: str | None
    max_unanswered: int
    per_run_max: int
    problem: str | None


class CohortName(BaseModel):
    """A cohort to narrow to."""

    id: UUID
    name: str


class RemindersAsked(Asked):
    """Whom the page is about. cursor: the learner id that the page before ended with."""

    cohort: UUID | None = None
    reason: Reason | None = None
    search: str | None = Field(default=None, max_length=200)
    cursor: UUID | None = None


class RemindersPage(BaseModel):
    """The page. looked_at: learners that were looked at for it; candidates: in all cohorts, of whom one may be due.

    unknown: reminders of the last 7 days of which nobody knows whether they arrived. run: the last run.
    """

    preview: PreviewPage
    looked_at: int
    candidates: int
    unknown: int
    totals: dict[str, int]
    settings: ReminderSettings
    cohorts: list[CohortName]
    run: TaskStatusRead | None


@router.get(PATH, response_model=RemindersPage, responses=HTML, dependencies=[needs("reminders:read")])
def get_reminders_page(request: Request, db: Db, asked: Annotated[RemindersAsked, Query()]) -> Response:
    """Who would be reminded of what at this moment, and why the others are not. Nothing is sent by looking."""
    settings: Settings = request.app.state.settings
    query = PreviewQuery(
        cohort_id=asked.cohort,
        reason=asked.reason,
        search=asked.search,
        after=asked.cursor,
        limit=LEARNERS_LOOKED_AT if asked.reason else LEARNERS_SHOWN,
    )
    shown = preview.preview(db, query, settings)
    now = clock.now()
    totals = queries.totals(db, now - TOTALS_DAYS)
    run = db.get(TaskStatus, TASK)
    page = RemindersPage(
        preview=shown,
        looked_at=sum(shown.counts.values()),
        candidates=queries.count_worth_a_look(
            db, latest_day=rules.latest_day(now), since=now - timedelta(hours=rules.MIN_HOURS_BETWEEN)
        ),
        unknown=totals.get("unknown", 0),
        totals=totals,
        settings=settings_told(settings, shown),
        cohorts=[CohortName(id=one.id, name=one.name) for one in list_cohorts(db)],
        run=TaskStatusRead.model_validate(run) if run else None,
    )
    more: dict[str, Any] = {
        "told": told(_TOLD, asked.done),
        "reasons": REASONS,
        "path": PATH,
        "means": hints("Due now", "May be due", "Sent", "Bounced"),
        "cohort_options": cohort_options(page.cohorts),
        "reason_options": [("", "Every decision"), *((key, name) for key, (_, name) in REASONS.items())],
    }
    return show(request, "reminders.html", page, asked=asked, **more)


@router.post(f"{PATH}/send", include_in_schema=False)
async def post_send(request: Request, caller: Sender, _form: Form) -> Response:
    """Send what is due now, and come back when that is done or took long enough."""
    return back(request, PATH, done=await run_in_threadpool(_send, caller))


def _send(caller: Caller) -> str:
    try:
        run, late = send_now()
    except Exception as error:
        log.error("a run that somebody asked for failed", exc_info=error)
        with session_scope() as db:
            audit.note(db, caller.actor, "reminders.run", "reminders:run", {"outcome": "failed"})
        return "failed"
    if run.busy:
        return "busy"
    with session_scope() as db:
        audit.note(db, caller.actor, "reminders.run", "reminders:run", {"due": run.due, "sent": run.sent, "late": late})
    return "late" if late else "sent"


def settings_told(settings: Settings, shown: PreviewPage) -> ReminderSettings:
    """The settings in words; what keeps everything from being sent is told as a problem."""
    problem = None
    try:
        sender: str | None = sender_of(settings)
    except LookupError as error:
        sender, problem = None, str(error)
    return ReminderSettings(
        quiet_hours=shown.quiet_hours,
        sends=shown.sends,
        sender=sender,
        max_unanswered=settings.reminder_max_unanswered,
        per_run_max=settings.reminders_per_run_max,
        problem=problem,
    )


def cohort_options(cohorts: list[CohortName]) -> list[tuple[object, str]]:
    """What a field to narrow to a cohort offers."""
    return [("", "All cohorts"), *((one.id, one.name) for one in cohorts)]
