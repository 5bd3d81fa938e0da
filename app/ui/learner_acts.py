"""What people do about one learner: have everything told, erase it, merge two that are one, split a wrong merge.

Each act is shown before it is done, with what follows from it; only the button on that page does it.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app import erasure, identities
from app.access.callers import needs
from app.access.forms import Fields, Form
from app.accounts import learners, visibility
from app.accounts.cohorts import list_cohorts
from app.accounts.schemas import Erased, LearnerExport, LearnerRead, LearnerRow, Merge, Split
from app.analytics import spoken
from app.config import Settings
from app.database import get_db, session_scope
from app.errors import BadRequest, NotFound
from app.etl_streaming import forget_dead_jobs, the_stream
from app.streaming import wait_until_loaded
from app.ui.asking import Asking, NoneIfEmpty, Word
from app.ui.forms import actor_of, id_in
from app.ui.learner import KnownBy, known_by, name_of
from app.ui.pages import HTML, PRIVATE, show

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
WRITER = [needs("people:write")]
CANDIDATES = 10
MAX_NAME_CHARACTERS = 200

WHAT = {
    "bronze.statements_raw": "Statements: everything they did, as it was received",
    "silver.statements_flat": "Rows of their timeline and of answers",
    "silver.statement_links": "Entries by which statements are found",
    "bronze.attachments": "Attachments",
    "gold.lesson_progress": "Lessons with progress",
    "ops.dead_letters": "Requests that could not be read",
    "dead jobs": "Jobs that failed",
    "public.users": "Learner",
    "public.user_identifiers": "Identifiers (addresses, numbers, accounts and their hashes)",
    "public.cohort_members": "Memberships of cohorts",
    "public.notifications": "Reminders",
    "public.reminder_stops": "Decisions about reminders",
    "public.avatar_claims": "Public handles",
}


class ErasePage(BaseModel):
    """What would go with a learner, and what would stay although it names them."""

    learner: LearnerRow
    erased: Erased


class Held(BaseModel):
    """A learner who may be the same person, and what would come along. rows: by table."""

    learner: LearnerRead
    cohorts: list[str]
    statements: int
    rows: dict[str, int]


class MergePage(BaseModel):
    """Two learners that may be one. candidates: found by the search. other: the one chosen."""

    learner: Held
    search: str | None
    candidates: list[LearnerRow]
    other: Held | None


class SplitPage(BaseModel):
    """The identifiers of a learner, some of which may be somebody else's. problem: why it was not done."""

    learner: LearnerRead
    known_by: list[KnownBy]
    problem: str | None


class MergeQuery(Asking):
    """Who may be the same person."""

    q: Annotated[Word | None, NoneIfEmpty] = None
    other: Annotated[UUID | None, NoneIfEmpty] = None


@router.get("/ui/learners/{learner_id}/export", response_model=LearnerExport, dependencies=WRITER)
def get_export(learner_id: UUID) -> Response:
    """Everything that is kept about a learner, as a file; it looks through the whole record, so give it time."""
    content = erasure.export(session_scope, learner_id)
    name = f'attachment; filename="learner-{learner_id}.json"'
    return Response(content, media_type="application/json", headers={**PRIVATE, "Content-Disposition": name})


@router.get("/ui/learners/{learner_id}/erase", response_model=ErasePage, responses=HTML, dependencies=WRITER)
def get_erase(request: Request, learner_id: UUID, db: Db) -> Response:
    """What erasing would delete, by a look through the whole record. Nothing is deleted by looking."""
    learner = learners.look_up(db, visibility.admin(), learner_id)
    told = erasure.erase(session_scope, learner_id, actor_of(request), dry_run=True)
    told.deleted["dead jobs"] = forget_dead_jobs(learners.marks(db, learner_id).found_in, dry_run=True)
    page = ErasePage(learner=LearnerRow.model_validate(learner.model_dump()), erased=told)
    things = sum(told.deleted.values())
    return show(request, "learner_erase.html", page, name=name_of(learner), what=WHAT, things=things)


@router.post("/ui/learners/{learner_id}/erase", dependencies=WRITER, include_in_schema=False)
def post_erase(request: Request, learner_id: UUID) -> Response:
    """Erase the learner, for good. What was accepted before and waits on the stream is loaded first."""
    settings: Settings = request.app.state.settings
    wait_until_loaded(the_stream(), settings.erase_wait_seconds)
    with session_scope() as db:
        marks = learners.marks(db, learner_id)
    erasure.erase(session_scope, learner_id, actor_of(request), dry_run=False)
    forget_dead_jobs(marks.found_in, dry_run=False)
    return RedirectResponse("/ui/learners?told=erased", 303)


@router.get("/ui/learners/{learner_id}/merge", response_model=MergePage, responses=HTML, dependencies=WRITER)
def get_merge(request: Request, learner_id: UUID, db: Db, query: Annotated[MergeQuery, Query()]) -> Response:
    """Look for the other learner; once one is chosen, what follows from making the two one."""
    viewer = visibility.admin()
    if query.other == learner_id:
        raise BadRequest("?other is this learner; there is nothing to merge.")
    found = learners.find_learners(db, viewer, query.q.strip(), None, CANDIDATES + 1).learners if query.q else []
    page = MergePage(
        learner=_held(db, learner_id),
        search=query.q,
        candidates=[one for one in found if one.id != learner_id][:CANDIDATES],
        other=_held(db, query.other) if query.other else None,
    )
    return show(request, "learner_merge.html", page, name_of=name_of)


@router.post("/ui/learners/{learner_id}/merge", dependencies=WRITER, include_in_schema=False)
def post_merge(request: Request, learner_id: UUID, db: Db, form: Form) -> Response:
    """Make the other learner part of this one."""
    other = id_in(form.get("other", ""))
    if other is None:
        raise BadRequest("The form names no other learner. Go back and choose one.")
    identities.merge(db, learner_id, Merge(other=other), actor_of(request))
    return RedirectResponse(f"/ui/learners/{learner_id}?told=merged", 303)


@router.get("/ui/learners/{learner_id}/split", response_model=SplitPage, responses=HTML, dependencies=WRITER)
def get_split(request: Request, learner_id: UUID, db: Db) -> Response:
    """The identifiers of a learner, to choose those that are somebody else's."""
    return _split_page(request, learner_id, db, None)


@router.post("/ui/learners/{learner_id}/split", dependencies=WRITER, include_in_schema=False)
def post_split(request: Request, learner_id: UUID, db: Db, form: Form) -> Response:
    """Give the chosen identifiers, and what came under them, to a new learner or another one."""
    chosen = [key for one in form.getlist("identifier") if (key := id_in(one)) is not None]
    into, told = form.get("into", "").strip(), form.get("name", "").strip()
    problem = None
    if not chosen:
        problem = "Choose at least one identifier that is somebody else's."
    elif into and id_in(into) is None:
        problem = f"“{into[:100]}” is no learner. Paste the address of the learner's page, or leave it empty."
    elif len(told) > MAX_NAME_CHARACTERS:
        problem = f"The name has more than {MAX_NAME_CHARACTERS} characters."
    else:
        try:
            splitting = Split(identifiers=chosen, into=id_in(into) if into else None, name=told or None)
            moved = identities.split(db, learner_id, splitting, actor_of(request))
        except (BadRequest, NotFound) as error:
            learners.look_up(db, visibility.admin(), learner_id)  # Whether it is this one that is not there.
            problem = error.message
        else:
            return RedirectResponse(f"/ui/learners/{moved.learner_id}?told=split", 303)
    db.rollback()
    return _split_page(request, learner_id, db, problem, form)


def _split_page(
    request: Request, learner_id: UUID, db: Session, problem: str | None, form: Fields | None = None
) -> Response:
    learner = learners.look_up(db, visibility.admin(), learner_id)
    page = SplitPage(
        learner=learner,
        known_by=[one for one in known_by(db, learner) if one.kind != "mbox_sha1sum" or one.statements],
        problem=problem,
    )
    given = {name: form.get(name, "") if form else "" for name in ("into", "name")}
    chosen = set(form.getlist("identifier")) if form else set()
    status = 400 if problem else 200
    return show(request, "learner_split.html", page, status=status, name=name_of(learner), given=given, chosen=chosen)


def _held(db: Session, learner_id: UUID) -> Held:
    learner = learners.look_up(db, visibility.admin(), learner_id)
    names = {one.slug: one.name for one in list_cohorts(db)}
    return Held(
        learner=learner,
        cohorts=[names.get(slug, slug) for slug in learner.cohorts],
        statements=sum(spoken.statements_by_actor(db, learner_id).values()),
        rows=learners.count_rows(db, learner_id),
    )
