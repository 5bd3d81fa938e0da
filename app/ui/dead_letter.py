"""One dead letter: what is wrong with it and where, mending and replaying it, or giving it up."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.access.callers import Caller, needs
from app.access.forms import Form
from app.database import get_db, session_scope
from app.errors import AppError
from app.ingest import dead_letters, pointing, queries, reading
from app.ingest.replay import Replayer
from app.ingest.schemas import Discarding, LetterRead, Mending
from app.schemas import ProblemRead
from app.ui.dead_letters import PATH, SOURCES, STATES
from app.ui.pages import HTML, show
from app.ui.telling import Asked, Told, back, told, wrongs

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("dead-letters:write")]
EDITIONS = [("", "as it was sent"), ("1.0.3", "1.0.3"), ("2.0.0", "2.0.0")]
_TOLD = {
    "replayed": Told(kind="done", title="Replayed", text="Its statements are stored, on the authority of who sent it."),
    "replayed_before": Told(kind="note", title="It had been replayed before", text="Nothing was done."),
    "reopened": Told(
        kind="late",
        title="Its statements are stored, and the letter is open again",
        text="The same bytes were turned away once more meanwhile.",
    ),
    "discarded": Told(
        kind="done", title="Discarded", text="Its bytes stay. Should they come again, the letter opens again."
    ),
}


class LineRead(BaseModel):
    """A line of the body. marked: the problem is here, or what is missing is missing in what begins here."""

    text: str
    marked: bool


class LetterPage(BaseModel):
    """The page. letter: all of it but the body, of which `lines` are what is shown; cut: there is more in the file.

    points_at: what is marked; missing: the path names a property that is not there. mendable: the JSON to be edited.
    parts: attachments that came with it and stay with it.
    """

    letter: LetterRead
    lines: list[LineRead]
    is_json: bool
    cut: bool
    points_at: str | None
    missing: bool
    mendable: str | None
    parts: int


class Wrong(BaseModel):
    """Why a replay or a discard was refused. fields: by the name of a field of the form; problems: of the body."""

    title: str
    message: str
    fields: dict[str, str] = Field(default_factory=dict)
    problems: list[ProblemRead] = Field(default_factory=list)


@router.get(PATH + "/{letter_id}", response_model=LetterPage, responses=HTML, dependencies=[needs("dead-letters:read")])
def get_letter(request: Request, letter_id: UUID, db: Db, asked: Annotated[Asked, Query()]) -> Response:
    """One letter with everything that is known of it."""
    return _page(request, db, letter_id, told=told(_TOLD, asked.done))


@router.post(PATH + "/{letter_id}/replay", include_in_schema=False)
async def post_replay(request: Request, letter_id: UUID, caller: Writer, form: Form) -> Response:
    """Replay the letter as it is, or with the body of the form."""
    mended = form.get("action") == "mended"
    try:
        mending = _mending(form) if mended else Mending()
    except ValidationError as error:
        wrong = Wrong(title="Nothing was sent in", message="The form is not right.", fields=wrongs(error))
        return await run_in_threadpool(_refused, request, letter_id, wrong, form, 400)
    replayer: Replayer = request.app.state.replayer(caller.actor)
    verdict = await replayer.one(letter_id, mending.fix())
    if verdict.error is not None:
        wrong = Wrong(
            title="It was refused again, and is as it was",
            message=verdict.error.message,
            problems=verdict.read().problems,
        )
        return await run_in_threadpool(_refused, request, letter_id, wrong, form if mended else None, 400)
    reopened = verdict.outcome == "replayed" and verdict.status != "replayed"
    return back(request, f"{PATH}/{letter_id}", done="reopened" if reopened else verdict.outcome)


@router.post(PATH + "/{letter_id}/discard", include_in_schema=False)
def post_discard(request: Request, letter_id: UUID, caller: Writer, form: Form) -> Response:
    """Give the letter up, for the reason of the form."""
    try:
        with session_scope() as db:
            dead_letters.discard(db, letter_id, Discarding(reason=form.get("reason", "")).reason, caller.actor)
    except (AppError, ValidationError) as error:
        if isinstance(error, AppError) and error.status != 409:
            raise
        status = error.status if isinstance(error, AppError) else 400
        message = error.message if isinstance(error, AppError) else ""
        wrong = Wrong(title="Nothing was discarded", message=message, fields=wrongs(error))
        return _refused(request, letter_id, wrong, form, status)
    return back(request, f"{PATH}/{letter_id}", done="discarded")


def _mending(form: Any) -> Mending:
    given = {name: form[name] for name in ("body", "xapi_version", "statement_id") if form.get(name, "").strip()}
    return Mending.model_validate(given)


def _refused(request: Request, letter_id: UUID, wrong: Wrong, form: Any, status: int) -> Response:
    with session_scope() as db:
        return _page(request, db, letter_id, wrong=wrong, given=form, status=status)


def _page(
    request: Request,
    db: Session,
    letter_id: UUID,
    *,
    told: Told | None = None,
    wrong: Wrong | None = None,
    given: Any = None,
    status: int = 200,
) -> Response:
    letter = queries.show(db, letter_id)
    mendable = reading.mendable(db, letter_id)
    laid = pointing.lay_out(mendable.text if mendable.text is not None else letter.body, letter.path)
    page = LetterPage(
        letter=letter.model_copy(update={"body": letter.body[: pointing.MOST_CHARACTERS]}),
        lines=[LineRead(text=queries.printable(line.text.expandtabs(4)), marked=line.marked) for line in laid.lines],
        is_json=laid.is_json,
        cut=laid.cut,
        points_at=laid.nearest,
        missing=laid.nearest is not None and not laid.found,
        mendable=(laid.text if laid.is_json and not laid.cut else mendable.text) if mendable.whole else None,
        parts=mendable.parts,
    )
    given = {name: given.get(name, "") for name in ("body", "xapi_version", "statement_id", "reason")} if given else {}
    more = {"told": told, "wrong": wrong, "given": given, "path": PATH, "states": STATES, "sources": SOURCES}
    return show(request, "dead_letter.html", page, status=status, editions=EDITIONS, **more)
