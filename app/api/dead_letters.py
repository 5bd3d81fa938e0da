"""The doors of the quarantine, for admins: look at what could not be stored, mend it, replay it, or give it up."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.datastructures import State

from app.access.callers import Caller, needs
from app.accounts.credentials import environment_key
from app.api.durable import make_durable
from app.api.problems import errors
from app.api.requests import request_id
from app.config import Settings
from app.database import get_db
from app.etl_incremental import flatten_statement
from app.ingest import dead_letters, queries
from app.ingest.replay import UNCHANGED, Replayer
from app.ingest.schemas import (
    Discarding,
    LetterPage,
    LetterQuery,
    LetterRead,
    Mending,
    ReplayRead,
    ReplayRequest,
    VerdictRead,
)

_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

router = APIRouter(prefix="/api/dead-letters", tags=["Dead letters"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("dead-letters:write")]
_READERS = [needs("dead-letters:read")]


@router.get("", dependencies=_READERS)
def get_dead_letters(db: Db, query: Annotated[LetterQuery, Query()], response: Response) -> LetterPage:
    """Dead letters, the one seen last first. Go on with ?after=, the `more` of the page before."""
    response.headers.update(_PRIVATE)
    after = queries.read_mark(query.after, query.order) if query.after else None
    letters, more = queries.find(db, query, status=query.status, order=query.order, after=after, limit=query.limit)
    return LetterPage(letters=letters, more=str(more) if more else None, totals=None if after else queries.totals(db))


@router.post("/replay", responses=errors(400, 401, 503))
async def post_replays(request: Request, wanted: ReplayRequest, caller: Writer) -> ReplayRead:
    """Replay many letters as they are, by id or by filter, one after the other; each gets its verdict.

    By filter the open ones are taken in the order in which they first came. The answer comes when every statement that
    it calls replayed is durable.
    """
    return await replayer_of(request.app.state, caller.actor).all_of(wanted)


@router.get("/{letter_id}", dependencies=_READERS, responses=errors(404))
def get_dead_letter(letter_id: UUID, db: Db, response: Response) -> LetterRead:
    """All of one letter: body, every problem, what can be done, and what was done already."""
    response.headers.update(_PRIVATE)
    return queries.show(db, letter_id)


@router.get(
    "/{letter_id}/body",
    dependencies=_READERS,
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        **errors(404),
    },
)
def get_dead_letter_body(letter_id: UUID, db: Db) -> Response:
    """The bytes of one letter, as a file. What they are nobody has to guess, so nothing is said but that."""
    name = f'attachment; filename="dead-letter-{letter_id}.bin"'
    return Response(
        queries.body_of(db, letter_id),
        media_type="application/octet-stream",
        headers={**_PRIVATE, "Content-Disposition": name},
    )


@router.post("/{letter_id}/replay", responses=errors(404, 409))
async def post_replay(request: Request, letter_id: UUID, caller: Writer, mending: Mending | None = None) -> VerdictRead:
    """Send one letter in again by the door it came by, mended or as it is; durable when this answers 200.

    Its statements are stored on the authority of the credential that sent them, also when that has been revoked since:
    the admin who replays vouches for them. When they are refused, the letter stays as it is, and the answer tells the
    problems as the door would. A letter that was replayed before is left alone, and the answer says so.
    """
    verdict = await replayer_of(request.app.state, caller.actor).one(letter_id, mending.fix() if mending else UNCHANGED)
    if verdict.error is not None:
        request.state.kept = letter_id
        raise verdict.error
    return verdict.read()


@router.post("/{letter_id}/discard", responses=errors(404, 409))
def post_discard(letter_id: UUID, discarding: Discarding, db: Db, caller: Writer) -> LetterRead:
    """Give a letter up, for a reason that is kept. Its bytes stay; should they come again, it opens again."""
    dead_letters.discard(db, letter_id, discarding.reason, caller.actor)
    db.flush()
    return queries.show(db, letter_id)


def replayer_of(state: State, actor: str) -> Replayer:
    """What replays letters for this actor. state: the application's."""
    settings: Settings = state.settings
    return Replayer(
        take=partial(make_durable, state),
        flatten=flatten_statement,
        actor=actor,
        max_statements=settings.max_batch_statements,
        own_key=environment_key(settings.public_pem) if settings.public_pem else None,
        request_id=request_id(),
    )
