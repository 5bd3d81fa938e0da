"""The doors of learners, for admins: look them up, merge and split them, tell or erase what is kept about one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from app import erasure, identities
from app.access.callers import Caller, needs
from app.accounts import learners, visibility
from app.accounts.schemas import (
    PAGE_LEARNERS,
    PAGE_MAX_LEARNERS,
    Erased,
    LearnerExport,
    LearnerPage,
    LearnerRead,
    Merge,
    Moved,
    Split,
)
from app.api.problems import errors
from app.config import Settings
from app.database import get_db, session_scope
from app.etl_streaming import forget_dead_jobs, the_stream
from app.streaming import wait_until_loaded

_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

router = APIRouter(prefix="/api/learners", tags=["Learners"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("people:write")]


@router.get("", dependencies=[needs("learners:read")])
def get_learners(
    db: Db,
    response: Response,
    q: Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] = None,
    after: Annotated[UUID | None, Query(description="`more` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX_LEARNERS)] = PAGE_LEARNERS,
) -> LearnerPage:
    """Learners by id; with q those whose name, e-mail, phone or avatar holds it.

    With LEARNER_DISPLAY=pseudonyms the one whose pseudonym it is; anything else is refused then.
    """
    response.headers.update(_PRIVATE)
    return learners.find_learners(db, visibility.admin(), q, after, limit)


@router.get("/{learner_id}", dependencies=[needs("learners:read")], responses=errors(404))
def get_learner(learner_id: UUID, db: Db, response: Response) -> LearnerRead:
    """One learner, with cohorts, attributes and every identifier; under pseudonyms without what says who it is."""
    response.headers.update(_PRIVATE)
    return learners.look_up(db, visibility.admin(), learner_id)


@router.post("/{learner_id}/merge", responses=errors(404))
def post_merge(learner_id: UUID, merging: Merge, db: Db, caller: Writer) -> Moved:
    """Make the other learner part of this one, with all identifiers, cohorts and statements, also those to come."""
    return identities.merge(db, learner_id, merging, caller.actor)


@router.post("/{learner_id}/split", responses=errors(404))
def post_split(learner_id: UUID, splitting: Split, db: Db, caller: Writer) -> Moved:
    """Give some identifiers, and the statements that came under them, to another learner or a new one."""
    return identities.split(db, learner_id, splitting, caller.actor)


@router.get(
    "/{learner_id}/export", dependencies=[needs("people:write")], response_model=LearnerExport, responses=errors(404)
)
def get_learner_export(learner_id: UUID) -> Response:
    """Everything that is kept about a learner; it looks through the whole record, so give it time."""
    name = f'attachment; filename="learner-{learner_id}.json"'
    content = erasure.export(session_scope, learner_id)
    return Response(content, media_type="application/json", headers={**_PRIVATE, "Content-Disposition": name})


@router.delete("/{learner_id}", responses=errors(404, 409))
def delete_learner(
    request: Request,
    learner_id: UUID,
    caller: Writer,
    dry_run: Annotated[bool, Query(description="true: only say what would be deleted")] = False,
) -> Erased:
    """Erase everything that is kept about a learner, for good; only counts stay in the audit log.

    What was accepted before and waits on the stream is loaded first, and 409 says if the loader does not come to it.
    """
    settings: Settings = request.app.state.settings
    if not dry_run:
        wait_until_loaded(the_stream(), settings.erase_wait_seconds)
    with session_scope() as db:
        marks = learners.marks(db, learner_id)
    told = erasure.erase(session_scope, learner_id, caller.actor, dry_run=dry_run)
    told.deleted["dead jobs"] = forget_dead_jobs(marks.found_in, dry_run=dry_run)
    return told
