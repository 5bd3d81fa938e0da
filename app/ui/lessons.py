"""The page of all lessons, in the order of the course."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics import lesson_list
from app.analytics.schemas_course import LessonList
from app.analytics.selection import Page
from app.database import get_db
from app.ui.asking import Listing, NoneIfEmpty, Word, filters_of, going_on
from app.ui.definitions import definition
from app.ui.pages import HTML, show

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

LESSONS_PAGE_ROWS = 100
LessonSort = Literal[
    "order",
    "-order",
    "title",
    "-title",
    "started",
    "-started",
    "completed",
    "-completed",
    "rate",
    "-rate",
    "time",
    "-time",
    "due",
    "-due",
]


class LessonsQuery(Listing):
    """Which lessons, in which order."""

    q: Annotated[Word | None, NoneIfEmpty] = None
    sort: Annotated[LessonSort | None, NoneIfEmpty] = None


class LessonsPage(BaseModel):
    """The list of lessons. sort: in which order; downwards with a hyphen in front."""

    list: LessonList
    search: str | None
    sort: LessonSort


@router.get("/ui/lessons", response_model=LessonsPage, responses=HTML, dependencies=[needs("reports:read")])
def get_lessons(request: Request, db: Db, query: Annotated[LessonsQuery, Query()]) -> Response:
    """All lessons: started, completed, how long they take, which cohorts have them, due when."""
    sort = query.sort or "order"
    wanted = Page(LESSONS_PAGE_ROWS, query.cursor, going_on(request))
    found = lesson_list.all_lessons(db, filters_of(request), wanted, sort=sort, search=query.q or "")
    page = LessonsPage.model_construct(list=found, search=query.q, sort=sort)
    return show(request, "lessons.html", page, hint=definition)
