"""The doors of imports, for admins: rosters of learners, exports of responses, and how far an import is."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.access.callers import Caller, needs
from app.accounts import imports, roster_import
from app.accounts.roster import ID_HOME_PAGE, Roster, read_roster
from app.accounts.roster_files import read_table
from app.accounts.schemas import ImportRead, ResponsesRead, RosterRead
from app.analytics.tables import CSV, XLSX
from app.api.problems import errors
from app.api.requests import read_body
from app.config import Settings
from app.database import get_db, session_scope
from app.etl_streaming import the_stream
from app.ingest.transformers.response_export import COURSE
from app.response_import import import_responses
from app.schemas import CohortSlug, Iri, TimeZone

FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is: CSV or XLSX, told apart by its content. Up to 10,000 rows and 20 columns.",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in (CSV, XLSX, "application/octet-stream")
        },
    }
}

router = APIRouter(prefix="/api", tags=["Imports"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("people:write")]
DryRun = Annotated[bool, Query(description="true: only say what would happen")]


@router.post("/roster", openapi_extra=FILE_BODY, responses=errors(413))
async def post_roster(
    request: Request,
    caller: Writer,
    dry_run: DryRun = True,
    time_zone: Annotated[TimeZone, Query(description="of cohorts that are new", examples=["Europe/Berlin"])] = "UTC",
    id_home_page: Annotated[Iri, Query(description="the system that the column ID counts in")] = ID_HOME_PAGE,
) -> RosterRead:
    """Look at a roster, or with dry_run=false enter it; a verdict for each row. Entering it again changes nothing.

    Headings in any order and case: First Name, Last Name, Name, Email, Phone, ID, Group, Team, Time Zone, Language;
    any other column is kept as an attribute. Group and Team make the cohort. While it works, `GET /api/imports` says
    how far it is.
    """
    settings: Settings = request.app.state.settings
    content = await read_body(request, settings.max_body_bytes)
    return await run_in_threadpool(_import_roster, content, caller.actor, dry_run, time_zone, id_home_page)


@router.post("/responses", openapi_extra=FILE_BODY, responses=errors(404, 413))
async def post_responses(
    request: Request,
    caller: Writer,
    dry_run: DryRun = True,
    cohort: Annotated[CohortSlug | None, Query(description="whose plan says which lesson has which number")] = None,
    course: Annotated[Iri, Query(description="where lessons are placed that no plan knows")] = COURSE,
) -> ResponsesRead:
    """Look at an export of responses from 7taps, or with dry_run=false take its answers in as statements.

    Headings: Learner, Card, Card type, Lesson Number, Global Q#, PDF Page #, Response. The id of a statement follows
    from what its row says, so that a second import of the same file adds nothing. Durable when this answers.
    """
    settings: Settings = request.app.state.settings
    content = await read_body(request, settings.max_body_bytes)
    stream = the_stream() if settings.etl_mode == "streaming" else None
    return await run_in_threadpool(
        lambda: import_responses(
            session_scope,
            stream,
            read_table(content),
            course=course,
            cohort=cohort,
            actor=caller.actor,
            dry_run=dry_run,
        )
    )


@router.get("/imports", dependencies=[needs("learners:read")])
def get_imports(db: Db) -> list[ImportRead]:
    """The last imports, the newest first, those that are running among them."""
    return [ImportRead.model_validate(one) for one in imports.recent(db)]


@router.get("/imports/{import_id}", dependencies=[needs("learners:read")], responses=errors(404))
def get_import(import_id: UUID, db: Db) -> ImportRead:
    """How far one import is."""
    return ImportRead.model_validate(imports.find(db, import_id))


def _import_roster(content: bytes, actor: str, dry_run: bool, time_zone: str, id_home_page: str) -> RosterRead:
    roster: Roster = read_roster(read_table(content), id_home_page)
    if not dry_run:
        return roster_import.apply(session_scope, roster, time_zone=time_zone, actor=actor)
    with session_scope() as db:
        return roster_import.look_at(db, roster)
