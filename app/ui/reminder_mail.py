"""One learner's reminder as it would be at this moment, and a copy of it to oneself."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.access.callers import Caller, needs
from app.access.forms import Form
from app.config import Settings
from app.database import get_db, session_scope
from app.errors import AppError, NotFound
from app.notifications import preview, trying
from app.notifications.schemas import PreviewQuery, PreviewRow
from app.notifications.trying import MailRead
from app.ui.mail_frame import framing, mail_document
from app.ui.pages import HTML, show
from app.ui.reminders import PATH, REASONS
from app.ui.telling import Asked, Told, back, told, wrongs

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
Sender = Annotated[Caller, needs("reminders:send")]
_READERS = [needs("reminders:read")]
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TOLD = {
    "copy": Told(
        kind="done", title="The copy is sent", text="It is marked as a test, and is no reminder of the learner's."
    ),
    "outbox": Told(
        kind="done",
        title="The copy is in the outbox",
        text="No mail server is set, so nobody was mailed. It is marked as a test.",
    ),
}


class LearnerMailPage(BaseModel):
    """The page. mail: None where there is nothing to write, and then `why_not` says why."""

    learner: PreviewRow
    mail: MailRead | None
    why_not: str | None
    into_outbox: bool


@router.get(PATH + "/learners/{learner_id}", response_model=LearnerMailPage, responses=HTML, dependencies=_READERS)
def get_learner_mail(request: Request, learner_id: UUID, db: Db, asked: Annotated[Asked, Query()]) -> Response:
    """What this learner would get, as text and as HTML, whether or not it is due."""
    return _page(request, db, learner_id, told=told(_TOLD, asked.done))


@router.get(
    PATH + "/learners/{learner_id}/html", include_in_schema=False, dependencies=_READERS, response_class=Response
)
def get_learner_mail_html(request: Request, learner_id: UUID, db: Db) -> Response:
    """The HTML of the mail alone, for a frame."""
    settings: Settings = request.app.state.settings
    return mail_document(trying.look_at(db, learner_id, settings).html)


@router.post(PATH + "/learners/{learner_id}/copy", include_in_schema=False)
async def post_copy(request: Request, learner_id: UUID, caller: Sender, form: Form) -> Response:
    """Send a copy to the address of the form."""
    return await run_in_threadpool(_copied, request, learner_id, caller, form.get("address", ""))


def _copied(request: Request, learner_id: UUID, caller: Caller, address: str) -> Response:
    settings: Settings = request.app.state.settings
    with session_scope() as db:
        try:
            shown = trying.look_at(db, learner_id, settings)
            trying.send_copy(db, shown, address, settings, caller.actor)
        except NotFound:
            raise
        except AppError as error:
            return _page(request, db, learner_id, status=error.status, wrong=wrongs(error), address=address)
    return back(request, f"{PATH}/learners/{learner_id}", done="copy" if settings.smtp_url else "outbox")


def _page(
    request: Request,
    db: Session,
    learner_id: UUID,
    *,
    status: int = 200,
    told: Told | None = None,
    wrong: dict[str, str] | None = None,
    address: str | None = None,
) -> Response:
    settings: Settings = request.app.state.settings
    (learner,) = preview.preview(db, PreviewQuery(learner_id=learner_id), settings).learners
    try:
        mail, why_not = trying.look_at(db, learner_id, settings), None
    except (NotFound, LookupError) as error:
        mail, why_not = None, error.message if isinstance(error, AppError) else str(error)
    page = LearnerMailPage(learner=learner, mail=mail, why_not=why_not, into_outbox=settings.smtp_url is None)
    if address is None:
        name = request.state.caller.name
        address = name if _ADDRESS.fullmatch(name) else ""
    more = {"told": told, "wrong": wrong or {}, "address": address, "reasons": REASONS, "path": PATH}
    return framing(show(request, "reminder_mail.html", page, status=status, **more))
