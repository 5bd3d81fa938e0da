"""What admins say of a lesson on its page: its title and link; its place and day in the plan of a cohort."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app import audit
from app.access.callers import needs
from app.access.forms import Form
from app.accounts.cohorts import plan_lesson
from app.accounts.lessons import change_lesson
from app.accounts.schemas import LessonChange, LessonPlace
from app.database import get_db
from app.errors import BadRequest
from app.ui.lesson import LessonQuery, lesson_page
from app.ui.pages import HTML

router = APIRouter(tags=["Pages"], dependencies=[needs("people:write")])
Db = Annotated[Session, Depends(get_db, scope="function")]

_WORDS = {
    "title": "A title has at most 200 characters.",
    "link": "A link is a web address such as https://app.7taps.com/lessons/1.",
    "position": "A place is a number from 1 to 500.",
    "due_on": "A day is written as 2026-03-02.",
    "due_after_days": "Days after the first day of the cohort: a number from 0 to 3650.",
    "starts_on": "A day is written as 2026-03-02.",
    "due": "Give a day or a number of days, not both.",
}


def _filled(form: Form) -> dict[str, str]:
    """The fields of the form that were filled in, by name."""
    return {name: value for name, value in form.items() if value.strip()}


Fields = Annotated[dict[str, str], Depends(_filled)]


@router.post("/ui/lessons/{lesson_id}", response_class=Response, responses={**HTML, 303: {}})
def post_lesson(request: Request, lesson_id: UUID, db: Db, fields: Fields) -> Response:
    """Give the lesson a title and a link; what is left empty is taken away."""
    given = {name: fields.get(name, "") for name in ("title", "link")}
    try:
        change = LessonChange.model_validate({name: value or None for name, value in given.items()})
    except ValidationError as error:
        return lesson_page(
            request, db, lesson_id, LessonQuery(), status=400, given=given, wrong=_wrong(error), form="title"
        )
    change_lesson(db, lesson_id, change)
    audit.note(db, request.state.caller.actor, "lesson.change", f"lesson:{lesson_id}", {"fields": sorted(fields)[:5]})
    return RedirectResponse(f"/ui/lessons/{lesson_id}?told=saved", 303)


@router.post("/ui/lessons/{lesson_id}/cohorts/{cohort_id}", response_class=Response, responses={**HTML, 303: {}})
def post_lesson_place(request: Request, lesson_id: UUID, cohort_id: UUID, db: Db, fields: Fields) -> Response:
    """Give the lesson its place and its day in the plan of a cohort."""
    given = {name: fields.get(name, "") for name in ("position", "due_on", "due_after_days", "starts_on")}
    wrong: Mapping[str, str]
    try:
        change = LessonPlace.model_validate({name: value for name, value in given.items() if value})
        plan_lesson(db, cohort_id, lesson_id, change)
    except ValidationError as error:
        wrong = _wrong(error)
    except BadRequest as error:
        wrong = {one.path: one.expected for one in error.problems}
    else:
        detail = {"cohort": str(cohort_id), **change.model_dump(mode="json")}
        audit.note(db, request.state.caller.actor, "lesson.plan", f"lesson:{lesson_id}", detail)
        return RedirectResponse(f"/ui/lessons/{lesson_id}?told=planned#cohorts", 303)
    db.rollback()
    return lesson_page(
        request, db, lesson_id, LessonQuery(), status=400, given=given, wrong=dict(wrong), form=str(cohort_id)
    )


def _wrong(error: ValidationError) -> dict[str, str]:
    """What is wrong with which field, in words; of the two together as `due`."""
    names = [str(one["loc"][0]) if one["loc"] else "due" for one in error.errors(include_url=False)]
    return {name: _WORDS.get(name, "This is not right.") for name in names}
