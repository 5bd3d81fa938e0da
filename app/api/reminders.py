"""The doors of reminders, for admins: the preview, what was sent, what is unknown, the words."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.access.callers import Caller, needs
from app.accounts import visibility
from app.api.problems import errors
from app.api.requests import read_body
from app.config import get_settings
from app.database import get_db, session_scope
from app.errors import BadRequest, NotFound, Problem, Unsupported, problem_of
from app.models import Notification, TaskStatus, User
from app.notifications import acts, bounces, preview, queries
from app.notifications.delivery_reports import MAX_BYTES
from app.notifications.outbox import mail_in_outbox
from app.notifications.schemas import (
    BounceReport,
    BouncesRead,
    PreviewPage,
    PreviewQuery,
    ReminderPage,
    ReminderQuery,
    ReminderRead,
    RenderedRead,
    RenderRequest,
    StopRead,
    TemplatePlan,
    TemplateRead,
)
from app.notifications.templates import Values, Words, words_of
from app.platform import clock
from app.schemas import TaskStatusRead

TASK = "reminders.send"
TOTALS_DAYS = 7
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

router = APIRouter(tags=["Reminders"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("reminders:send")]
_READERS = [needs("reminders:read")]
_WRITERS = [needs("reminders:send")]


@router.get("/api/debug/reminder-preview", dependencies=_READERS, responses=errors(404))
def get_reminder_preview(db: Db, query: Annotated[PreviewQuery, Query()], response: Response) -> PreviewPage:
    """Who would get a reminder, with what, when, and why the others do not. Nothing is sent by looking."""
    response.headers.update(_PRIVATE)
    return preview.preview(db, query, get_settings())


@router.get("/api/reminders", dependencies=_READERS)
def get_reminders(db: Db, query: Annotated[ReminderQuery, Query()], response: Response) -> ReminderPage:
    """Reminders, the latest first, with what became of each. Go on with ?before=, the `more` of the page before."""
    response.headers.update(_PRIVATE)
    rows = queries.reminders(
        db,
        status=query.status,
        learner_id=query.learner_id,
        cohort_id=query.cohort_id,
        before=_mark(query.before) if query.before else None,
        limit=query.limit,
    )
    last = rows[-1][0] if len(rows) == query.limit else None
    run = None if query.before else db.get(TaskStatus, TASK)
    return ReminderPage(
        reminders=[_read(row, learner) for row, learner in rows],
        more=f"{clock.iso(last.claimed_at)}_{last.id}" if last else None,
        totals=None if query.before else queries.totals(db, clock.now() - timedelta(days=TOTALS_DAYS)),
        run=TaskStatusRead.model_validate(run) if run else None,
    )


@router.get(
    "/api/reminders/{reminder_id}/mail",
    dependencies=_WRITERS,
    response_class=Response,
    responses={200: {"content": {"message/rfc822": {"schema": {"type": "string"}}}}, **errors(404)},
)
def get_reminder_mail(reminder_id: UUID) -> Response:
    """The mail itself, where it lies in the outbox because no mail server is set; with the link that ends reminders."""
    path = mail_in_outbox(get_settings(), reminder_id)
    try:
        content = path.read_bytes()
    except OSError:
        raise NotFound("The outbox holds no mail of this reminder.") from None
    name = f'attachment; filename="{path.name}"'
    return Response(content, media_type="message/rfc822", headers={**_PRIVATE, "Content-Disposition": name})


@router.post("/api/reminders/{reminder_id}/mark-sent", responses=errors(404, 409))
def post_mark_sent(reminder_id: UUID, db: Db, caller: Writer) -> ReminderRead:
    """Say that a reminder of unknown outcome was sent. It is audited."""
    return _one(db, acts.mark_sent(db, reminder_id, caller.actor))


@router.post("/api/reminders/{reminder_id}/send-again", responses=errors(404, 409))
def post_send_again(reminder_id: UUID, db: Db, caller: Writer) -> ReminderRead:
    """Let the next run send an unknown, bounced or failed reminder after all, while its day lasts. It is audited."""
    return _one(db, acts.send_again(db, reminder_id, caller.actor))


@router.post(
    "/api/reminders/bounces",
    responses=errors(404, 413, 415),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "What came back: said in JSON, or the mail itself.",
            "content": {
                "application/json": {"schema": BounceReport.model_json_schema()},
                "message/rfc822": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def post_bounces(request: Request, caller: Writer) -> BouncesRead:
    """Write down that a reminder came back, so that its address is not mailed again until the learner has another one.

    A mail is a delivery status notification (RFC 3464) as it arrived at MAIL_FROM. Only final failures of reminders
    that were sent count; what else it says is listed under `ignored`, with the reason. It is audited.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request, MAX_BYTES)
    return await run_in_threadpool(_record_bounces, media, body, caller.actor)


def _record_bounces(media: str, body: bytes, actor: str) -> BouncesRead:
    if media not in ("application/json", "message/rfc822"):
        told = "Send application/json, or the mail that came back as message/rfc822."
        raise Unsupported(told, [Problem("Content-Type", f"is {media[:80]!r}.")])
    if media == "message/rfc822":
        with session_scope() as db:
            return bounces.record_report(db, body, actor)
    try:
        report = BounceReport.model_validate_json(body)
    except ValidationError as error:
        problems = [
            problem_of(one, ".".join(map(str, one["loc"])) or "$")
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise BadRequest(f"{problems[0].path}: {problems[0].message}", problems) from None
    with session_scope() as db:
        return bounces.record_told(db, report, actor)


@router.post("/api/reminders/learners/{learner_id}/resume", responses=errors(404))
def post_resume(learner_id: UUID, db: Db, caller: Writer) -> StopRead:
    """Remind a learner again who unsubscribed, bounced or did nothing after the last reminders. It is audited."""
    stop = acts.resume(db, learner_id, caller.actor)
    return StopRead(
        learner_id=learner_id,
        unsubscribed=stop.unsubscribed_at is not None,
        bounced=stop.bounced_at is not None,
        resumed_at=stop.resumed_at,
    )


@router.get("/api/reminders/cohorts/{cohort_id}", dependencies=_READERS, responses=errors(404))
def get_reminder_template(cohort_id: UUID, db: Db) -> TemplateRead:
    """At which hours and with what words a cohort is reminded."""
    cohort, own = acts.template_of(db, cohort_id)
    words = words_of(own)
    return TemplateRead(
        cohort_id=cohort_id,
        cohort=cohort.name,
        reminder_hour=cohort.reminder_hour,
        quiet_from_hour=cohort.quiet_from_hour,
        quiet_until_hour=cohort.quiet_until_hour,
        own=own is not None,
        subject=words.subject,
        text=words.text,
        html=words.html,
        updated_at=own.updated_at if own else None,
        variables=list(Values.__dataclass_fields__),
    )


@router.put("/api/reminders/cohorts/{cohort_id}", responses=errors(404))
def put_reminder_template(cohort_id: UUID, plan: TemplatePlan, db: Db, caller: Writer) -> TemplateRead:
    """Write both. A template that names what there is not is refused, with the name; nothing is saved then."""
    hours = acts.Hours(plan.reminder_hour, plan.quiet_from_hour, plan.quiet_until_hour)
    acts.put_template(db, cohort_id, hours, _words(plan), caller.actor)
    return get_reminder_template(cohort_id, db)


@router.post("/api/reminders/cohorts/{cohort_id}/preview", dependencies=_READERS, responses=errors(404))
def post_reminder_template_preview(cohort_id: UUID, wanted: RenderRequest, db: Db) -> RenderedRead:
    """What a learner of the cohort would read, with words that need not be saved. Nothing is sent or saved."""
    return preview.rendered(db, cohort_id, wanted.learner_id, _words(wanted), get_settings())


def _words(plan: TemplatePlan) -> Words | None:
    if plan.subject is None or plan.text is None or plan.html is None:
        return None
    return Words(plan.subject, plan.text, plan.html)


def _one(db: Session, row: Notification) -> ReminderRead:
    db.flush()
    return _read(row, db.get_one(User, row.learner_id))


def _read(row: Notification, learner: User) -> ReminderRead:
    viewer = visibility.admin()
    who = visibility.shown(viewer, learner)
    told = {name: getattr(row, name) for name in ReminderRead.model_fields if name not in ("name", "email")}
    if row.answer is not None:
        told["answer"] = visibility.masked(viewer, row.answer, learner.name, learner.email, learner.phone)
    return ReminderRead(name=who["name"], email=who["email"], **told)


def _mark(text: str) -> tuple[datetime, UUID]:
    moment, _, reminder_id = text.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return at, UUID(reminder_id)
    except (ValueError, OverflowError):
        raise BadRequest(
            "?before is no mark of a page.", [Problem("?before", "Is no mark of a page.", "The `more` of a page.")]
        ) from None
