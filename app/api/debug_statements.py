"""Doors for whoever connects a sender: the last statement, the newest completions, a statement as it was received."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.accounts import visibility
from app.analytics import recent
from app.analytics.recent_schemas import LastStatement, RawStatement, RecentCompletions
from app.analytics.selection import PAGE_MAX_ROWS, PAGE_ROWS, Filters, Page
from app.api.problems import errors
from app.api.reporting_answer import link
from app.api.reporting_query import Cursor
from app.database import get_db

router = APIRouter(prefix="/api/debug", tags=["Debug"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.get("/last-statement", dependencies=[needs("statements:read")])
def get_last_statement(db: Db, response: Response) -> LastStatement:
    """The statement that was loaded last, as a flat row: what came in, and what the system made of it."""
    response.headers.update(_PRIVATE)
    return recent.last_statement(db, Filters(viewer=visibility.admin()))


@router.get("/recent-completions", dependencies=[needs("reports:read")])
def get_recent_completions(
    request: Request,
    db: Db,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX_ROWS, description="completions on a page")] = PAGE_ROWS,
    cursor: Annotated[Cursor | None, Query(description="where a page goes on: in `next` of the one before")] = None,
) -> RecentCompletions:
    """Who completed which lesson, the newest first; a lesson that was completed again is there again."""
    response.headers.update(_PRIVATE)
    page = Page(limit, cursor, lambda cursor: link(request, request.url.path, cursor=cursor))
    return recent.completions(db, Filters(viewer=visibility.admin()), page)


@router.get(
    "/raw-json/{statement_id}",
    dependencies=[needs("statements:read")],
    response_model=RawStatement,
    responses=errors(403, 404),
)
def get_raw_json(statement_id: UUID, db: Db) -> Response:
    """A statement letter by letter as it was received, with what the system knows of it; a voided one too."""
    told = recent.raw_statement(db, Filters(viewer=visibility.admin()), statement_id)
    return Response(told, media_type="application/json", headers=_PRIVATE)
