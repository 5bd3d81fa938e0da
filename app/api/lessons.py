"""The doors of the catalogue of lessons, for admins: what a lesson is called and where learners open it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from app import audit
from app.access.callers import Caller, needs
from app.accounts import lessons
from app.accounts.schemas import PAGE_LESSONS, LessonChange, LessonRead
from app.api.problems import errors
from app.database import get_db

router = APIRouter(prefix="/api/lessons", tags=["Lessons"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]


@router.get("", dependencies=[needs("reports:read")])
def get_lessons(
    db: Db,
    after: Annotated[UUID | None, Query(description="the id of the last lesson of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_LESSONS)] = PAGE_LESSONS,
) -> list[LessonRead]:
    """Every lesson that statements or plans have named, by id; they are found by themselves."""
    return lessons.list_lessons(db, after, limit)


@router.put("/{lesson_id}", responses=errors(404))
def put_lesson(
    lesson_id: UUID, change: LessonChange, db: Db, caller: Annotated[Caller, needs("people:write")]
) -> LessonRead:
    """Give a lesson a title and a link of its own; what is left out is taken away."""
    changed = lessons.change_lesson(db, lesson_id, change)
    audit.note(db, caller.actor, "lesson.put", f"lesson:{lesson_id}", {"title": change.title, "link": change.link})
    return changed
