"""Dead letters: what senders sent and could not be stored, by what is wrong with it; replay or discard many."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.access.callers import Caller, needs
from app.access.forms import Form
from app.database import get_db, session_scope
from app.errors import AppError, BadRequest, Problem, Unavailable
from app.ingest import dead_letters, queries, reading
from app.ingest.reading import SenderRead
from app.ingest.replay import Replayer
from app.ingest.schemas import Discarding, LetterFilter, LetterRow, LetterTotal, Order, Status
from app.ui.definitions import hints
from app.ui.formatting import zone_named
from app.ui.pages import HTML, show, zone_of
from app.ui.telling import Asked, Told, back, told

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("dead-letters:write")]
PATH = "/ui/dead-letters"
LETTERS_SHOWN = 50
MOST_COUNTED = 100_000

STATES: dict[str, tuple[str, str]] = {
    "open": ("late", "Open"),
    "replayed": ("done", "Replayed"),
    "discarded": ("none", "Discarded"),
}
SOURCES = {
    "door": "at the door, when it came",
    "stream": "on the stream",
    "loader": "by the loader",
    "sweep": "by the sweep",
}
_TOLD = {
    "away": Told(
        kind="broken",
        title="Nothing takes statements right now",
        text="What was replayed before that is stored. The other letters are as they were: select them again later.",
    ),
    "none": Told(kind="note", title="No letter was selected", text="Tick those that are meant, then press the button."),
    "no-reason": Told(
        kind="broken", title="Nothing was discarded", text="A reason has to be given, of 500 characters at most."
    ),
}


class LettersAsked(Asked):
    """Which letters. state: open where nothing is said; `all` for each. day_from, day_to: days of the viewer."""

    state: Status | str | None = Field(default=None, pattern="^(open|replayed|discarded|all)$")
    reason: str | None = Field(default=None, max_length=100)
    source: str | None = Field(default=None, max_length=100)
    sender: str | None = Field(default=None, max_length=100)
    day_from: date | None = None
    day_to: date | None = None
    text: str | None = Field(default=None, max_length=500)
    sort: Order | None = None
    cursor: str | None = Field(default=None, max_length=100)
    n: int | None = Field(default=None, ge=0, le=MOST_COUNTED)
    refused: int | None = Field(default=None, ge=0, le=MOST_COUNTED)


class LettersPage(BaseModel):
    """The page. totals: of all letters, whatever the filter. by_reason: those of the state that is shown."""

    letters: list[LetterRow]
    more: str | None
    totals: list[LetterTotal]
    by_state: dict[str, int]
    by_reason: dict[str, int]
    senders: list[SenderRead]


@router.get(PATH, response_model=LettersPage, responses=HTML, dependencies=[needs("dead-letters:read")])
def get_letters_page(request: Request, db: Db, asked: Annotated[LettersAsked, Query()]) -> Response:
    """Dead letters and how many there are of which kind."""
    order: Order = asked.sort or "newest"
    state = asked.state or "open"
    after = queries.read_mark(asked.cursor, order, "?cursor") if asked.cursor else None
    wanted = filter_of(asked, str(zone_of(request).key))
    letters, more = queries.find(
        db, wanted, status=None if state == "all" else state, order=order, after=after, limit=LETTERS_SHOWN
    )
    totals = queries.totals(db)
    by_state, by_reason = Counter[str](), Counter[str]()
    for one in totals:
        by_state[one.status] += one.letters
        if state in ("all", one.status):
            by_reason[one.code] += one.letters
    page = LettersPage(
        letters=letters,
        more=str(more) if more else None,
        totals=totals,
        by_state={name: by_state[name] for name in STATES},
        by_reason=dict(by_reason.most_common()),
        senders=reading.senders(db),
    )
    options: dict[str, Any] = {
        "state_options": [*((key, name) for key, (_, name) in STATES.items()), ("all", "Every state")],
        "reason_options": [("", "Every reason"), *((key, f"{key} ({n})") for key, n in page.by_reason.items())],
        "source_options": [("", "Anywhere"), *SOURCES.items()],
        "sender_options": [("", "Every sender"), *((one.id, one.name) for one in page.senders)],
    }
    about: dict[str, Any] = {
        "asked": asked,
        "told": _said(asked),
        "state": state,
        "states": STATES,
        "sources": SOURCES,
        "path": PATH,
        "means": hints(*(f"{name} letters" for _, name in STATES.values())),
    }
    return show(request, "dead_letters.html", page, **about, **options)


@router.post(PATH, include_in_schema=False)
async def post_letters(request: Request, caller: Writer, form: Form) -> Response:
    """Replay or discard the letters that were selected."""
    ids = _ids(form.getlist("id"))
    if not ids:
        return back(request, PATH, done="none")
    if form.get("action") == "discard":
        return await run_in_threadpool(_discarded, request, caller, ids, form.get("reason", ""))
    if form.get("action") != "replay":
        raise BadRequest("action is none.", [Problem("action", "is none.", "replay or discard")])
    replayer: Replayer = request.app.state.replayer(caller.actor)
    try:
        verdicts, not_tried = await replayer.many(ids)
    except Unavailable:
        return back(request, PATH, done="away")
    done = sum(one.outcome in ("replayed", "replayed_before") for one in verdicts)
    if not_tried:
        return back(request, PATH, done="away")
    return back(request, PATH, done="replayed", n=done, refused=len(verdicts) - done)


def _discarded(request: Request, caller: Caller, ids: list[UUID], reason: str) -> Response:
    try:
        why = Discarding(reason=reason).reason
    except ValidationError:
        return back(request, PATH, done="no-reason")
    done = 0
    for letter_id in ids:
        try:
            with session_scope() as db:
                dead_letters.discard(db, letter_id, why, caller.actor)
            done += 1
        except AppError as error:
            if error.status >= 500:
                raise
    return back(request, PATH, done="discarded", n=done, refused=len(ids) - done)


def _said(asked: LettersAsked) -> Told | None:
    """What was done, with the figures of it, which are numbers and nothing else."""
    n, refused = asked.n or 0, asked.refused or 0
    if asked.done == "replayed":
        rest = f"{refused} could not be, and are still here; each says why." if refused else "They are stored now."
        return Told(kind="late" if refused else "done", title=f"{n} of {n + refused} were replayed", text=rest)
    if asked.done == "discarded":
        rest = f"{refused} had been replayed meanwhile." if refused else "The bytes stay, and can still be replayed."
        return Told(kind="done", title=f"{n} of {n + refused} were discarded", text=rest)
    return told(_TOLD, asked.done)


def _ids(texts: list[str]) -> list[UUID]:
    try:
        ids = [UUID(text) for text in dict.fromkeys(texts)]
    except ValueError:
        raise BadRequest("id is none.", [Problem("id", "is no id of a letter.", "Ids of the list.")]) from None
    if len(ids) > LETTERS_SHOWN:
        told_ = f"names {len(ids)} letters."
        raise BadRequest(f"id {told_}", [Problem("id", told_, f"{LETTERS_SHOWN} at most at once.")])
    return ids


def filter_of(asked: LettersAsked, zone: str) -> LetterFilter:
    """What the page asks for. Days are those of the viewer's own time zone; both ends are shown."""
    return LetterFilter(
        source=asked.source,
        code=asked.reason,
        credential=asked.sender,
        since=_midnight(asked.day_from, zone, "day_from"),
        until=_midnight(asked.day_to, zone, "day_to", days=1),
        text=asked.text,
    )


def _midnight(day: date | None, zone: str, name: str, days: int = 0) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=days), time(), zone_named(zone)).astimezone(UTC)
    except OverflowError:
        problem = Problem(f"?{name}", "lies outside the calendar.", "A day such as 2026-03-02.")
        raise BadRequest(problem.sentence(), [problem]) from None
