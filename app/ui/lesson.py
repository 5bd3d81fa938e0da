"""The page of one lesson: when it was completed, by whom not, what was answered; and the answers in words."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.accounts.cohorts import list_cohorts
from app.accounts.lessons import read_lesson
from app.accounts.schemas import LessonRead
from app.analytics import answers, incomplete, lesson_list, texts
from app.analytics.schemas import AnswersReport, LessonIncomplete, QuestionAnswers, TextAnswers
from app.analytics.schemas_course import LessonCohort, LessonDays
from app.analytics.selection import Filters, Page
from app.database import get_db
from app.errors import NotFound
from app.ui import course_figures
from app.ui.asking import ATTRIBUTE, Cursor, Days, Listing, NoneIfEmpty, Word, files_of, filters_of, going_on
from app.ui.definitions import definition
from app.ui.figures import drawn, narrow_of
from app.ui.pages import HTML, show, wants_json, zone_of

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

INCOMPLETE_ROWS = 25
TEXTS_ROWS = 50
TEXTS_SHOWN = 3
TOLD = {
    "saved": "The title and the link are saved.",
    "planned": "The place and the day in the plan are saved.",
}
"""What a form before the page has done, by the code in its address."""


class LessonQuery(Days):
    """Which part of a lesson. cursor: of who has not completed it; questions: of what was answered."""

    cohort: Annotated[UUID | None, NoneIfEmpty] = None
    cursor: Annotated[Cursor | None, NoneIfEmpty] = None
    questions: Annotated[Cursor | None, NoneIfEmpty] = None
    told: Annotated[Literal["saved", "planned"] | None, NoneIfEmpty] = None


class LessonPage(BaseModel):
    """How a lesson is doing. latest: of questions answered in words, the last answers, by the id of the question."""

    lesson: LessonRead
    days: LessonDays
    cohorts: list[LessonCohort]
    incomplete: LessonIncomplete
    answers: AnswersReport
    latest: dict[UUID, TextAnswers]


@router.get("/ui/lessons/{lesson_id}", response_model=LessonPage, responses=HTML, dependencies=[needs("reports:read")])
def get_lesson(request: Request, lesson_id: UUID, db: Db, query: Annotated[LessonQuery, Query()]) -> Response:
    """One lesson: completion over time and by cohort, who has not, what was answered."""
    return lesson_page(request, db, lesson_id, query)


def lesson_page(
    request: Request,
    db: Session,
    lesson_id: UUID,
    query: LessonQuery,
    *,
    status: int = 200,
    given: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    form: str = "",
) -> Response:
    """The page; of a form that was not right with what was given and what is wrong. form: which one that is."""
    filters = filters_of(request, query)
    zone = zone_of(request)
    days = course_figures.in_zone(filters, zone)
    # The days of the page are those of what was done; who has not is about the days due, and told of all of them.
    missing = Filters(filters.viewer, filters.cohort_id)
    report = answers.lesson_answers(
        db,
        lesson_id,
        days,
        Page(answers.PAGE_QUESTIONS, query.questions),
        lambda lesson, question: f"/ui/lessons/{lesson}/answers/{question}",
    )
    page = LessonPage.model_construct(
        lesson=read_lesson(db, lesson_id),
        days=lesson_list.lesson_days(db, lesson_id, days),
        cohorts=lesson_list.lesson_cohorts(db, lesson_id, filters),
        incomplete=incomplete.lesson_incomplete(
            db, lesson_id, missing, Page(INCOMPLETE_ROWS, query.cursor, going_on(request))
        ),
        answers=report,
        latest={
            one.question_id: texts.text_answers(db, lesson_id, one.question_id, days, Page(TEXTS_SHOWN), search=None)
            for one in report.questions
            if one.kind == "text"
        },
    )
    if wants_json(request):
        return show(request, "lesson.html", page, status=status)
    asked = {name: request.query_params.get(name) or None for name in ("cohort", "from", "to", "time_zone")}
    asked["narrow"] = narrow_of(request)
    api = f"/api/reports/lessons/{lesson_id}"
    return show(
        request,
        "lesson.html",
        page,
        status=status,
        hint=definition,
        chosen=filters,
        told=TOLD.get(query.told or ""),
        cohort_options=[(str(one.id), one.name) for one in list_cohorts(db)],
        over_time=drawn(db, "lesson-days", zone, lesson=lesson_id, **asked),
        figures={
            one.question_id: course_figures.figure_of(one, lesson_id, days, asked)
            for one in report.questions
            if one.kind != "text"
        },
        files=files_of(request, f"{api}/incomplete", "cohort"),
        answer_files=files_of(request, f"{api}/answers", "cohort", "from", "to", "time_zone", ATTRIBUTE),
        given=given or {},
        wrong=wrong or {},
        form=form,
    )


class TextsQuery(Listing, Days):
    """Which answers in words. q: letters that they hold, in either case."""

    cohort: Annotated[UUID | None, NoneIfEmpty] = None
    q: Annotated[Word | None, NoneIfEmpty] = None


class TextsPage(BaseModel):
    """Answers in words to one question, the newest first. question: null when nobody has ever answered it."""

    question: QuestionAnswers
    texts: TextAnswers


@router.get(
    "/ui/lessons/{lesson_id}/answers/{question_id}",
    response_model=TextsPage,
    responses=HTML,
    dependencies=[needs("reports:read")],
)
def get_texts(
    request: Request, lesson_id: UUID, question_id: UUID, db: Db, query: Annotated[TextsQuery, Query()]
) -> Response:
    """The answers to one question as they were written, all or those that hold some letters."""
    filters = course_figures.in_zone(filters_of(request, query), zone_of(request))
    question = answers.question_answers(db, lesson_id, question_id, filters)
    if question is None:
        raise NotFound("Nobody has answered this question.")
    found = texts.text_answers(
        db, lesson_id, question_id, filters, Page(TEXTS_ROWS, query.cursor, going_on(request)), search=query.q
    )
    api = f"/api/reports/lessons/{lesson_id}/answers/{question_id}/texts"
    files = files_of(request, api, "cohort", "from", "to", "time_zone")
    if query.q:
        files = texts_found(files, query.q)
    return show(
        request,
        "texts.html",
        TextsPage.model_construct(question=question, texts=found),
        files=files,
        cohort_options=[(str(one.id), one.name) for one in list_cohorts(db)],
        chosen=filters,
    )


def texts_found(files: dict[str, str], search: str) -> dict[str, str]:
    """The same files with only the answers that hold the search."""
    return {kind: f"{address}&{urlencode({'search': search})}" for kind, address in files.items()}
