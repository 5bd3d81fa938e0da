"""The doors of the reports. Each answers JSON, CSV or XLSX, by ?format= or Accept."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics import answers, completions, drop_off, incomplete, overview, schemas, texts, timeline
from app.api import reporting_query as ask
from app.api.problems import errors
from app.api.reporting_answer import FILES, Kind, link
from app.database import get_db

router = APIRouter(
    prefix="/api/reports",
    tags=["Reports"],
    dependencies=[needs("reports:read")],
    responses={**errors(400, 401, 404, 503), **FILES},
)
Db = Annotated[Session, Depends(get_db, scope="function")]


COMPLETIONS = Kind[schemas.CohortCompletions]("completions", completions.COLUMNS, completions.rows)
OVERVIEW = Kind[schemas.CohortOverview]("overview", overview.COLUMNS, overview.rows)
AT_RISK = Kind[schemas.AtRiskReport]("at-risk", overview.AT_RISK_COLUMNS, overview.at_risk_rows)
DROP_OFF = Kind[schemas.CohortDropOff]("drop-off", drop_off.COLUMNS, drop_off.rows)
ANSWERS = Kind[schemas.AnswersReport](
    "answers",
    answers.COLUMNS,
    answers.rows,
    page_rows=answers.PAGE_QUESTIONS,
    page_max_rows=answers.PAGE_MAX_QUESTIONS,
)
TEXTS = Kind[schemas.TextAnswers]("texts", texts.COLUMNS, texts.rows)
INCOMPLETE = Kind[schemas.LessonIncomplete]("incomplete", incomplete.COLUMNS, incomplete.rows)
TIMELINE = Kind[schemas.LearnerTimeline]("timeline", timeline.COLUMNS, timeline.rows, by_attributes=False)


@router.get(
    "/cohorts/{cohort_id}/completions", response_model=schemas.CohortCompletions, openapi_extra=ask.BY_ATTRIBUTES
)
def get_cohort_completions(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.CompletionsQuery, Query()]
) -> Response:
    """Who in the cohort has completed which lesson, when; rates per lesson, per learner and overall."""
    return COMPLETIONS.answer(request, query, db, partial(completions.cohort_completions, cohort_id=cohort_id))


@router.get("/cohorts/{cohort_id}/overview", response_model=schemas.CohortOverview, openapi_extra=ask.BY_ATTRIBUTES)
def get_cohort_overview(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.OverviewQuery, Query()]
) -> Response:
    """How the cohort is doing: completion, median times, who is active, and the first page of who is at risk and why.

    A file holds one row per lesson; who is at risk has a report of its own, where `next` leads.
    """
    at_risk = f"{request.url.path.removesuffix('overview')}at-risk"
    return OVERVIEW.answer(
        request,
        query,
        db,
        partial(overview.cohort_overview, cohort_id=cohort_id, limits=query.limits),
        goes_on=lambda cursor: link(request, at_risk, keep=ask.is_about_risk, cursor=cursor),
    )


@router.get("/cohorts/{cohort_id}/at-risk", response_model=schemas.AtRiskReport, openapi_extra=ask.BY_ATTRIBUTES)
def get_cohort_at_risk(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.AtRiskQuery, Query()]
) -> Response:
    """Who is at risk and why: behind by so many lessons (due and not complete), or silent for so many days."""
    return AT_RISK.answer(
        request, query, db, partial(overview.cohort_at_risk, cohort_id=cohort_id, limits=query.limits)
    )


@router.get("/cohorts/{cohort_id}/drop-off", response_model=schemas.CohortDropOff, openapi_extra=ask.BY_ATTRIBUTES)
def get_cohort_drop_off(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.DropOffQuery, Query()]
) -> Response:
    """Along the lessons of the cohort: who started, who completed, and who came no further."""
    return DROP_OFF.answer(request, query, db, partial(drop_off.cohort_drop_off, cohort_id=cohort_id))


@router.get("/cohorts/{cohort_id}/answers", response_model=schemas.AnswersReport, openapi_extra=ask.BY_ATTRIBUTES)
def get_cohort_answers(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.CohortAnswersQuery, Query()]
) -> Response:
    """What the learners of the cohort answered, question by question; each learner's latest answer counts."""
    where = _texts_of(request, str(cohort_id))
    return ANSWERS.answer(request, query, db, partial(answers.cohort_answers, cohort_id=cohort_id, texts=where))


@router.get("/lessons/{lesson_id}/answers", response_model=schemas.AnswersReport, openapi_extra=ask.BY_ATTRIBUTES)
def get_lesson_answers(
    request: Request, lesson_id: UUID, db: Db, query: Annotated[ask.LessonAnswersQuery, Query()]
) -> Response:
    """What was answered in the lesson, question by question; each learner's latest answer counts."""
    where = _texts_of(request, str(query.cohort) if query.cohort else None)
    return ANSWERS.answer(request, query, db, partial(answers.lesson_answers, lesson_id=lesson_id, texts=where))


@router.get(
    "/lessons/{lesson_id}/answers/{question_id}/texts",
    response_model=schemas.TextAnswers,
    openapi_extra=ask.BY_ATTRIBUTES,
)
def get_question_texts(
    request: Request, lesson_id: UUID, question_id: UUID, db: Db, query: Annotated[ask.TextsQuery, Query()]
) -> Response:
    """The answers to one question as they were written, the newest first, all or those that hold some letters."""
    read = partial(texts.text_answers, lesson_id=lesson_id, question_id=question_id, search=query.search)
    return TEXTS.answer(request, query, db, read)


@router.get("/lessons/{lesson_id}/incomplete", response_model=schemas.LessonIncomplete, openapi_extra=ask.BY_ATTRIBUTES)
def get_lesson_incomplete(
    request: Request, lesson_id: UUID, db: Db, query: Annotated[ask.IncompleteQuery, Query()]
) -> Response:
    """Who has not completed the lesson, of the cohorts that have it in their plan; the longest overdue first."""
    return INCOMPLETE.answer(request, query, db, partial(incomplete.lesson_incomplete, lesson_id=lesson_id))


@router.get("/learners/{learner_id}/timeline", response_model=schemas.LearnerTimeline)
def get_learner_timeline(
    request: Request, learner_id: UUID, db: Db, query: Annotated[ask.TimelineQuery, Query()]
) -> Response:
    """What one learner did, the newest first. Days are those of the learner's own time zone unless another is given."""
    return TIMELINE.answer(request, query, db, partial(timeline.learner_timeline, learner_id=learner_id))


def _texts_of(request: Request, cohort: str | None) -> answers.TextsLink:
    """Where the answers in words are, under the same filters."""
    root = request.url.path.partition("/api/reports/")[0]

    def texts_of(lesson_id: UUID, question_id: UUID) -> str:
        path = f"{root}/api/reports/lessons/{lesson_id}/answers/{question_id}/texts"
        return link(request, path, limit=None, format=None, lesson=None, cursor=None, cohort=cohort)

    return texts_of
