"""The page of the audit log: who did what to what, and when."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app import audit
from app.access.callers import needs
from app.analytics.parameters import Day
from app.analytics.rules import span
from app.database import get_db
from app.errors import BadRequest, Problem
from app.ui.act_words import words_of
from app.ui.asking import Asking, NoneIfEmpty, Word
from app.ui.pages import HTML, show, zone_of

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

PAGE_ACTS = 50
_LARGEST_ID = 2**63 - 1
_PAGES_OF = {
    "learner": "/ui/learners/{}",
    "cohort": "/ui/cohorts/{}",
    "lesson": "/ui/lessons/{}",
    "dead_letter": "/ui/dead-letters/{}",
}
"""The pages of what acts are about, by the noun of their target."""


class AuditQuery(Asking):
    """Which acts. target: noun:id for one thing, or a noun. Days are days of the viewer's time zone, both included."""

    actor: Annotated[Word | None, NoneIfEmpty] = None
    act: Annotated[Word | None, NoneIfEmpty] = None
    target: Annotated[Word | None, NoneIfEmpty] = None
    first_day: Annotated[Day | None, NoneIfEmpty] = Field(None, alias="from")
    last_day: Annotated[Day | None, NoneIfEmpty] = Field(None, alias="to")
    cursor: Annotated[Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None, NoneIfEmpty] = None


class Act(BaseModel):
    """One act. page: of what it was about, where there is one. It may be gone by now."""

    id: int
    at: datetime
    actor: str
    act: str
    words: str
    target: str
    page: str | None
    detail: dict[str, object]


class AuditPage(BaseModel):
    """Acts, the newest first. actors, kinds: everybody who ever acted, every act there ever was. next: a cursor."""

    acts: list[Act]
    time_zone: str
    actors: list[str]
    kinds: list[str]
    next: int | None


@router.get("/ui/admin/audit", response_model=AuditPage, responses=HTML, dependencies=[needs("audit:read")])
def get_audit(request: Request, db: Db, query: Annotated[AuditQuery, Query()]) -> Response:
    """Who did what when: by whom, which act, about what, on which days."""
    zone = zone_of(request)
    if query.first_day and query.last_day and query.last_day < query.first_day:
        wrong = Problem("?to", "is before ?from.", "The same day or a later one.")
        raise BadRequest(f"?to {wrong.message}", [wrong])
    since, until = span(query.first_day, query.last_day, zone)
    target = query.target.strip() if query.target else None
    wanted = audit.Wanted(query.actor, query.act, target, since, until)
    found = audit.find(db, wanted, before=query.cursor, limit=PAGE_ACTS + 1)
    actors, kinds = audit.kinds(db)
    page = AuditPage(
        acts=[
            Act(
                id=one.id,
                at=one.at,
                actor=one.actor,
                act=one.act,
                words=words_of(one.act),
                target=one.target,
                page=_page_of(one),
                detail=one.detail,
            )
            for one in found[:PAGE_ACTS]
        ],
        time_zone=zone.key,
        actors=list(actors),
        kinds=list(kinds),
        next=found[PAGE_ACTS - 1].id if len(found) > PAGE_ACTS else None,
    )
    return show(
        request,
        "audit.html",
        page,
        asked=query,
        words_of=words_of,
        actors=[(one, one) for one in page.actors],
        kinds=[(one, words_of(one)) for one in page.kinds],
    )


def _page_of(entry: audit.AuditEntry) -> str | None:
    noun, _, key = entry.target.partition(":")
    address = _PAGES_OF.get(noun)
    if address is None or entry.act == "learner.erase":
        return None
    try:
        return address.format(UUID(key))
    except ValueError:
        return None
