"""Answers in words to one question, to be read and searched."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts import visibility
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
    found: list[TextAnswer] = []
    while len(found) <= page.limit:
        rows = queries_answers.texts(
            db, part, (lesson_id, question_id), search=search, after=after, limit=page.limit + 1
        )
        found += _readable(db, filters.viewer, rows, search)
        if len(rows) <= page.limit:
            break
        after = rows[-1].occurred_at, rows[-1].statement_id
    shown = found[: page.limit]
    last = shown[-1] if len(found) > page.limit else None
    return TextAnswers.model_construct(
        lesson=lesson,
        question_id=question_id,
        generated_at=clock.now(),
        time_zone=zone.key,
        search=search,
        answers=shown,
        next=page.next(write_cursor(last.answered_at, last.statement_id) if last else None),
    )


def _readable(
    db: Session, viewer: visibility.Viewer, rows: Sequence[Row[Any]], search: str | None
) -> Iterator[TextAnswer]:
    """The answers as the viewer may read them, and only those that hold what was searched as they are read."""
    people = queries.people(db, {row.learner_id for row in rows if row.learner_id})
    for row in rows:
        person = people.get(row.learner_id)
        whose = (person.name, person.email, person.phone, person.avatar) if person else ()
        response = visibility.masked(viewer, row.response, *whose)
        if search is None or response is row.response or search.lower() in response.lower():
            yield TextAnswer.model_construct(
                statement_id=row.statement_id,
                learner=LearnerName.model_construct(**visibility.shown(viewer, person)) if person else None,
                answered_at=row.occurred_at,
                response=response,
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
