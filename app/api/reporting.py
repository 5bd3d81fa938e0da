"""The doors of the reports. Each answers JSON, CSV or XLSX, by ?format= or Accept."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics import answers, completions, drop_off, incomplete, overview, schemas, texts, timeline
from app.api import reporting_query as ask
from app.api.problems import errors
from app.api.reporting_answer import FILES, Answering, link
from app.database import get_db

router = APIRouter(
    prefix="/api/reports",
    tags=["Reports"],
    dependencies=[needs("reports:read")],
    responses={**errors(400, 401, 404, 503), **FILES},
)
Db = Annotated[Session, Depends(get_db, scope="function")]


@router.get("/cohorts/{cohort_id}/completions", response_model=schemas.CohortCompletions)
def get_cohort_completions(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.CompletionsQuery, Query()]
) -> Response:
    """Who in the cohort has completed which lesson, when; rates per lesson, per learner and overall.

    Every report can be narrowed to learners with an attribute of the roster: `attr.Team=Blue`; several values of one
    attribute are alternatives, several attributes all have to fit.
    """
    filters = ask.filters_of(request, query)
    answering = Answering[schemas.CohortCompletions](
        request, query, name="completions", columns=completions.COLUMNS, rows=completions.rows
    )
    return answering.answer(db, lambda db, page: completions.cohort_completions(db, cohort_id, filters, page))


@router.get("/cohorts/{cohort_id}/overview", response_model=schemas.CohortOverview)
def get_cohort_overview(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.OverviewQuery, Query()]
) -> Response:
    """How the cohort is doing: completion, median times, who is active, and the first page of who is at risk and why.

    A file holds one row per lesson; who is at risk has a report of its own, where `next` leads.
    """
    filters = ask.filters_of(request, query)
    at_risk = f"{request.url.path.removesuffix('overview')}at-risk"
    answering = Answering[schemas.CohortOverview](
        request,
        query,
        name="overview",
        columns=overview.COLUMNS,
        rows=overview.rows,
        goes_on=lambda cursor: link(request, at_risk, keep=ask.is_about_risk, cursor=cursor),
    )
    return answering.answer(db, lambda db, page: overview.cohort_overview(db, cohort_id, filters, query.limits, page))


@router.get("/cohorts/{cohort_id}/at-risk", response_model=schemas.AtRiskReport)
def get_cohort_at_risk(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.AtRiskQuery, Query()]
) -> Response:
    """Who is at risk and why: behind by so many lessons (due and not complete), or silent for so many days."""
    filters = ask.filters_of(request, query)
    answering = Answering[schemas.AtRiskReport](
        request, query, name="at-risk", columns=overview.AT_RISK_COLUMNS, rows=overview.at_risk_rows
    )
    return answering.answer(db, lambda db, page: overview.cohort_at_risk(db, cohort_id, filters, query.limits, page))


@router.get("/cohorts/{cohort_id}/drop-off", response_model=schemas.CohortDropOff)
def get_cohort_drop_off(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.DropOffQuery, Query()]
) -> Response:
    """Along the lessons of the cohort: who started, who completed, and who came no further."""
    filters = ask.filters_of(request, query)
    answering = Answering[schemas.CohortDropOff](
        request, query, name="drop-off", columns=drop_off.COLUMNS, rows=drop_off.rows
    )
    return answering.answer(db, lambda db, page: drop_off.cohort_drop_off(db, cohort_id, filters, page))


@router.get("/cohorts/{cohort_id}/answers", response_model=schemas.AnswersReport)
def get_cohort_answers(
    request: Request, cohort_id: UUID, db: Db, query: Annotated[ask.CohortAnswersQuery, Query()]
) -> Response:
    """What the learners of the cohort answered, question by question; each learner's latest answer counts."""
    filters = replace(ask.filters_of(request, query), cohort_id=cohort_id)
    return _answers(request, query).answer(
        db,
        lambda db, page: answers.cohort_answers(db, cohort_id, filters, page, _texts_of(request, str(cohort_id))),
    )


@router.get("/lessons/{lesson_id}/answers", response_model=schemas.AnswersReport)
def get_lesson_answers(
    request: Request, lesson_id: UUID, db: Db, query: Annotated[ask.LessonAnswersQuery, Query()]
) -> Response:
    """What was answered in the lesson, question by question; each learner's latest answer counts."""
    filters = ask.filters_of(request, query)
    cohort = str(query.cohort) if query.cohort else None
    return _answers(request, query).answer(
        db, lambda db, page: answers.lesson_answers(db, lesson_id, filters, page, _texts_of(request, cohort))
    )


@router.get("/lessons/{lesson_id}/answers/{question_id}/texts", response_model=schemas.TextAnswers)
def get_question_texts(
    request: Request, lesson_id: UUID, question_id: UUID, db: Db, query: Annotated[ask.TextsQuery, Query()]
) -> Response:
    """The answers to one question as they were written, the newest first, all or those that hold some letters."""
    filters = ask.filters_of(request, query)
    answering = Answering[schemas.TextAnswers](request, query, name="texts", columns=texts.COLUMNS, rows=texts.rows)
    return answering.answer(
        db, lambda db, page: texts.text_answers(db, lesson_id, question_id, filters, page, search=query.search)
    )


@router.get("/lessons/{lesson_id}/incomplete", response_model=schemas.LessonIncomplete)
def get_lesson_incomplete(
    request: Request, lesson_id: UUID, db: Db, query: Annotated[ask.IncompleteQuery, Query()]
) -> Response:
    """Who has not completed the lesson, of the cohorts that have it in their plan; the longest overdue first."""
    filters = ask.filters_of(request, query)
    answering = Answering[schemas.LessonIncomplete](
        request, query, name="incomplete", columns=incomplete.COLUMNS, rows=incomplete.rows
    )
    return answering.answer(db, lambda db, page: incomplete.lesson_incomplete(db, lesson_id, filters, page))


@router.get("/learners/{learner_id}/timeline", response_model=schemas.LearnerTimeline)
def get_learner_timeline(
    request: Request, learner_id: UUID, db: Db, query: Annotated[ask.TimelineQuery, Query()]
) -> Response:
    """What one learner did, the newest first. Days are those of the learner's own time zone unless another is given."""
    filters = ask.filters_of(request, query, attributes=False)
    answering = Answering[schemas.LearnerTimeline](
        request, query, name="timeline", columns=timeline.COLUMNS, rows=timeline.rows
    )
    return answering.answer(db, lambda db, page: timeline.learner_timeline(db, learner_id, filters, page))


def _answers(request: Request, query: ask.ReportQuery) -> Answering[schemas.AnswersReport]:
    return Answering[schemas.AnswersReport](
        request,
        query,
        name="answers",
        columns=answers.COLUMNS,
        rows=answers.rows,
        page_rows=answers.PAGE_QUESTIONS,
        page_max_rows=answers.PAGE_MAX_QUESTIONS,
    )


def _texts_of(request: Request, cohort: str | None) -> answers.TextsLink:
    """Where the answers in words are, under the same filters."""
    root = request.url.path.partition("/api/reports/")[0]

    def texts_of(lesson_id: UUID, question_id: UUID) -> str:
        path = f"{root}/api/reports/lessons/{lesson_id}/answers/{question_id}/texts"
        return link(request, path, limit=None, format=None, lesson=None, cursor=None, cohort=cohort)

    return texts_of
