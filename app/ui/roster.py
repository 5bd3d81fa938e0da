"""Import of rosters and of response exports by people: upload, look at every row, apply, and see what came of it."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from redis import RedisError
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.accounts import imports, roster_import, uploads, visibility
from app.accounts.cohorts import list_cohorts
from app.accounts.roster import ID_HOME_PAGE, read_roster
from app.accounts.roster_files import MAX_COLUMNS, MAX_ROWS, read_table
from app.accounts.schemas import ImportRead, UploadLine
from app.database import get_db, session_scope
from app.errors import AppError, Unavailable
from app.ingest.transformers.response_export import COURSE
from app.jobs.imports import apply_upload
from app.platform import clock
from app.response_import import import_responses
from app.schemas import Iri, TimeZone
from app.ui.asking import Asking, NoneIfEmpty
from app.ui.formatting import zone_named
from app.ui.forms import actor_of
from app.ui.pages import HTML, show, zone_of
from app.ui.uploading import Uploaded, UploadedForm

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
WRITER = [needs("people:write")]

LINES_SHOWN = 100
CUT_OFF_SECONDS = 120
"""An import without a step for so long may have been cut off; it goes on by itself when the worker is back."""
Kind = Literal["roster", "responses"]
Only = Literal["problems", "new", "changed", "known", "duplicate", "invalid"]
VERDICTS = {
    "new": ("progress", "New"),
    "changed": ("progress", "Changed"),
    "known": ("none", "Known"),
    "duplicate": ("late", "Repeated"),
    "invalid": ("broken", "Left out"),
    "skipped": ("broken", "Left out"),
}


class Waiting(BaseModel):
    """A file that was uploaded and not applied yet."""

    id: UUID
    kind: str
    actor: str
    file_name: str
    uploaded_at: Any
    rows: int


class PastImport(ImportRead):
    """An import of the ledger. upload_id: its page, for as long as that is kept. stalled: nothing moves."""

    upload_id: UUID | None
    stalled: bool


class RosterPage(BaseModel):
    """The forms, files that wait, and past imports. problem: why the file was not taken."""

    kind: Kind
    problem: str | None
    field: str | None
    chosen: dict[str, str]
    waiting: list[Waiting]
    imports: list[PastImport]


class UploadPage(BaseModel):
    """A file: what it comes to, row by row; while it is applied how far it is; afterwards what came of it.

    lines: of the rows that were asked for. more: the row that the page ended with.
    """

    id: UUID
    kind: Kind
    file_name: str
    actor: str
    uploaded_at: Any
    summary: dict[str, Any]
    problem: str | None
    only: Only | None
    lines: list[UploadLine]
    more: int | None
    run: PastImport | None


class RosterQuery(Asking):
    """Which of the two imports."""

    kind: Annotated[Kind | None, NoneIfEmpty] = None
    told: Annotated[Literal["discarded"] | None, NoneIfEmpty] = None


class UploadQuery(Asking):
    """Which rows."""

    only: Annotated[Only | None, NoneIfEmpty] = None
    cursor: Annotated[Annotated[int, Field(ge=0, le=10**9)] | None, NoneIfEmpty] = None


@router.get("/ui/roster", response_model=RosterPage, responses=HTML, dependencies=WRITER)
def get_roster(request: Request, db: Db, query: Annotated[RosterQuery, Query()]) -> Response:
    """Where files are uploaded, and what became of those before."""
    uploads.forget_old(db, clock.now() - uploads.KEPT)
    return _roster_page(request, db, query.kind or "roster", told=query.told)


@router.post("/ui/roster", dependencies=WRITER, include_in_schema=False)
def post_roster(request: Request, form: Uploaded) -> Response:
    """Look at a file. It is kept for as long as it takes to decide; nothing of it is entered."""
    kind: Kind = "responses" if form.fields.get("kind") == "responses" else "roster"
    names = ("time_zone", "id_home_page") if kind == "roster" else ("cohort", "course")
    choices = {name: value.strip()[:2_000] for name in names if (value := form.fields.get(name, "")).strip()}
    field, problem = "file", form.problem
    for name, type_ in (("time_zone", TimeZone), ("id_home_page", Iri), ("course", Iri)):
        if problem is None and name in choices and (wrong := _wrong(type_, choices[name])):
            field, problem = name, wrong
    if problem is None:
        try:
            told = _look(kind, form, choices, actor_of(request))
        except AppError as error:
            if error.status >= 500:
                raise
            problem = _told(error)
    if problem is not None:
        with session_scope() as db:
            return _roster_page(request, db, kind, problem=problem, field=field, chosen=choices)
    if visibility.admin().pseudonyms is None:
        choices["names"] = "yes"
    with session_scope() as db:
        key = uploads.keep(
            db, kind, actor_of(request), name=form.file_name, choices=choices, content=form.content, told=told
        )
    return RedirectResponse(f"/ui/roster/{key}", 303)


@router.get("/ui/roster/{upload_id}", response_model=UploadPage, responses=HTML, dependencies=WRITER)
def get_upload(request: Request, upload_id: UUID, db: Db, query: Annotated[UploadQuery, Query()]) -> Response:
    """A file: before it is applied what it comes to, while it is how far it is, afterwards what came of it."""
    upload = uploads.find(db, upload_id)
    verdicts = uploads.PROBLEMS if query.only == "problems" else [query.only] if query.only else None
    found = uploads.lines_of(db, upload_id, verdicts, query.cursor or 0, LINES_SHOWN + 1)
    run = uploads.import_of(db, upload)
    page = UploadPage(
        id=upload.id,
        kind=_kind(upload.kind),
        file_name=upload.file_name,
        actor=upload.actor,
        uploaded_at=upload.uploaded_at,
        summary=upload.summary,
        problem=upload.problem,
        only=query.only,
        lines=found[:LINES_SHOWN],
        more=found[LINES_SHOWN - 1].row if len(found) > LINES_SHOWN else None,
        run=_past(run, upload.id) if run else None,
    )
    return show(request, "upload.html", page, verdicts=VERDICTS, kept_hours=uploads.KEPT_HOURS)


@router.post("/ui/roster/{upload_id}/apply", dependencies=WRITER, include_in_schema=False)
def post_apply(request: Request, upload_id: UUID) -> Response:
    """Have the worker apply the file; its page says how far it is."""
    with session_scope() as db:
        uploads.begin(db, upload_id, actor_of(request))
    try:
        apply_upload.send(str(upload_id))
    except RedisError as error:
        with session_scope() as db:
            uploads.take_back(db, upload_id, "The worker could not be told. Try again in a minute.")
        raise Unavailable("The worker could not be told. Nothing was imported; try again in a minute.") from error
    return RedirectResponse(f"/ui/roster/{upload_id}", 303)


@router.post("/ui/roster/{upload_id}/discard", dependencies=WRITER, include_in_schema=False)
def post_discard(upload_id: UUID, db: Db) -> Response:
    """Forget a file that is not to be applied."""
    uploads.discard(db, upload_id)
    return RedirectResponse("/ui/roster?told=discarded", 303)


def _look(kind: Kind, form: UploadedForm, choices: dict[str, str], actor: str) -> uploads.Told:
    table = read_table(form.content)
    if kind == "roster":
        roster = read_roster(table, choices.get("id_home_page") or ID_HOME_PAGE)
        with session_scope() as db:
            read = roster_import.look_at(db, roster)
        return uploads.of_roster(read, roster, shown=visibility.admin().pseudonyms is None)
    course, cohort = choices.get("course") or COURSE, choices.get("cohort")
    return uploads.of_responses(
        import_responses(session_scope, None, table, course=course, cohort=cohort, actor=actor, dry_run=True)
    )


def _roster_page(
    request: Request,
    db: Session,
    kind: Kind,
    *,
    problem: str | None = None,
    field: str | None = None,
    chosen: dict[str, str] | None = None,
    told: str | None = None,
) -> Response:
    past = imports.recent(db)
    of_them = uploads.of_imports(db, [one.id for one in past])
    page = RosterPage(
        kind=kind,
        problem=problem,
        field=field,
        chosen=chosen or {"time_zone": zone_named(zone_of(request).key).key},
        waiting=[Waiting(**one._mapping) for one in uploads.waiting(db)],
        imports=[_past(one, of_them.get(one.id)) for one in past],
    )
    return show(
        request,
        "roster.html",
        page,
        status=400 if problem else 200,
        told=told,
        cohorts=[(one.slug, one.name) for one in list_cohorts(db)],
        most_rows=MAX_ROWS,
        most_columns=MAX_COLUMNS,
        most_megabytes=request.app.state.settings.max_body_bytes / 2**20,
        kept_hours=uploads.KEPT_HOURS,
        id_home_page=ID_HOME_PAGE,
        course=COURSE,
    )


def _past(run: Any, upload_id: UUID | None) -> PastImport:
    read = ImportRead.model_validate(run)
    stalled = run.outcome is None and (clock.now() - run.updated_at).total_seconds() > CUT_OFF_SECONDS
    return PastImport(**read.model_dump(), upload_id=upload_id, stalled=stalled)


def _kind(kind: str) -> Kind:
    return "responses" if kind == "responses" else "roster"


def _told(error: AppError) -> str:
    expected = " ".join(one.expected for one in error.problems if one.expected and one.expected not in error.message)
    return f"{error.message} {expected}".strip()


def _wrong(type_: Any, value: str) -> str | None:
    check: Callable[[str], Any] = TypeAdapter(type_).validate_python
    try:
        check(value)
    except ValidationError as error:
        told = error.errors()[0]["msg"].removeprefix("Value error, ")
        return f"{told}." if value in told else f"“{value[:100]}”: {told}."
    return None
