"""Answers in words to one question, to be read and searched."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.analytics import queries, queries_answers
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.schemas import LearnerName, TextAnswer, TextAnswers
from app.analytics.scope import chosen_cohort, lesson_scope
from app.analytics.selection import Filters, Page, Part
from app.analytics.tables import Cell
from app.platform import clock


def text_answers(
    db: Session, lesson_id: UUID, question_id: UUID, filters: Filters, page: Page, *, search: str | None
) -> TextAnswers:
    """One page of answers, the newest first. NotFound when there is no such lesson; a question that nobody answered
    has no answers.
    """
    lesson = lesson_scope(db, lesson_id)
    cohort = chosen_cohort(db, filters)
    zone = filters.zone(cohort.time_zone if cohort else None)
    part = Part(*filters.statements("flat.learner_id"), *filters.span(zone))
    after = read_cursor(page.cursor, datetime, UUID) if page.cursor else None
    found = queries_answers.texts(db, part, (lesson_id, question_id), search=search, after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    people = queries.people(db, {row.learner_id for row in shown if row.learner_id})
    last = shown[-1] if len(found) > page.limit else None
    return TextAnswers.model_construct(
        lesson=lesson,
        question_id=question_id,
        generated_at=clock.now(),
        time_zone=zone.key,
        search=search,
        answers=[
            TextAnswer.model_construct(
                statement_id=row.statement_id,
                learner=(
                    LearnerName.model_construct(**person._mapping)
                    if (person := people.get(row.learner_id)) is not None
                    else None
                ),
                answered_at=row.occurred_at,
                response=row.response,
            )
            for row in shown
        ],
        next=page.next(last and write_cursor(last.occurred_at, last.statement_id)),
    )


COLUMNS = ("lesson", "learner", "email", "phone", "answered_at", "response")


def rows(report: TextAnswers) -> Iterator[tuple[Cell, ...]]:
    """One row per answer."""
    for one in report.answers:
        who = one.learner
        yield (
            report.lesson.title or report.lesson.activity_id,
            who.name if who else None,
            who.email if who else None,
            who.phone if who else None,
            one.answered_at,
            one.response,
        )
