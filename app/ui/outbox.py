"""The outbox: the mails that nobody was sent because no mail server is set, listed and read."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.access.callers import needs
from app.config import Settings
from app.notifications import reading_outbox
from app.notifications.reading_outbox import OutboxMail, OutboxPage
from app.ui.mail_frame import framing, mail_document
from app.ui.pages import HTML, PRIVATE, show
from app.ui.reminders import PATH
from app.ui.telling import Asked

router = APIRouter(tags=["Pages"])
# The mails hold the links that end reminders, so who may only look at reminders does not see them.
_SENDERS = [needs("reminders:send")]
OUTBOX = f"{PATH}/outbox"
MAILS_SHOWN = 50


class OutboxAsked(Asked):
    """Where the page begins: how many newer mails are passed over."""

    cursor: int | None = Field(default=None, ge=0, le=reading_outbox.MOST_FILES)


@router.get(OUTBOX, response_model=OutboxPage, responses=HTML, dependencies=_SENDERS)
def get_outbox(request: Request, asked: Annotated[OutboxAsked, Query()]) -> Response:
    """Mails in the outbox, the newest first."""
    settings: Settings = request.app.state.settings
    page = reading_outbox.listed(settings, asked.cursor or 0, MAILS_SHOWN)
    return show(
        request, "outbox.html", page, asked=asked, path=PATH, start=asked.cursor or 0, into_outbox=not settings.smtp_url
    )


@router.get(OUTBOX + "/{name}", response_model=OutboxMail, responses=HTML, dependencies=_SENDERS)
def get_outbox_mail(request: Request, name: str) -> Response:
    """One mail of the outbox: its headers, its text and its HTML."""
    page = reading_outbox.read(request.app.state.settings, name)
    return framing(show(request, "outbox_mail.html", page, path=PATH))


@router.get(OUTBOX + "/{name}/html", include_in_schema=False, dependencies=_SENDERS, response_class=Response)
def get_outbox_mail_html(request: Request, name: str) -> Response:
    """The HTML of one mail alone, for a frame."""
    return mail_document(reading_outbox.read(request.app.state.settings, name).html)


@router.get(OUTBOX + "/{name}/file", include_in_schema=False, dependencies=_SENDERS, response_class=Response)
def get_outbox_file(request: Request, name: str) -> Response:
    """The mail as a file that mail programs open."""
    content = reading_outbox.file_of(request.app.state.settings, name)
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="message/rfc822", headers=headers)
