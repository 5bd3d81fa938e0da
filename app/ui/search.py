"""The search in the bar of every page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import Caller, needs
from app.analytics.search import FOUND_MOST, Found, search
from app.database import get_db
from app.errors import BadRequest, Problem
from app.ui.pages import HTML, show
from app.ui.viewing import viewer_of

router = APIRouter(tags=["Pages"], include_in_schema=False)

SCOPE, LEARNERS_SCOPE = "reports:read", "learners:read"


class SearchPage(BaseModel):
    """What was searched and what was found; found is null while nothing was searched."""

    q: str
    most: int
    found: Found | None


@router.get("/ui/search", response_model=SearchPage, responses=HTML)
def get_search(
    request: Request,
    caller: Annotated[Caller, needs(SCOPE)],
    db: Annotated[Session, Depends(get_db, scope="function")],
    q: Annotated[str, Query(max_length=200, description="some letters of a name, an address, a phone or a title")] = "",
) -> Response:
    """Learners, lessons and cohorts that hold these letters."""
    if "\x00" in q:
        wrong = Problem("?q", "holds a NUL character.", "Letters, digits and other signs.")
        raise BadRequest(f"{wrong.path} {wrong.message}", [wrong])
    found = search(db, viewer_of(request), q.strip()) if q.strip() else None
    if found is not None and not caller.may(LEARNERS_SCOPE):
        found.learners, found.more_learners = [], False
    return show(request, "search.html", SearchPage(q=q, most=FOUND_MOST, found=found))
