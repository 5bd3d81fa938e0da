"""What was answered, question by question: distributions, correct shares, means."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts.visibility import Viewer, masked
from app.analytics import queries_answers, rules
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.schemas import AnswersReport, ChoiceCount, LessonName, QuestionAnswers
from app.analytics.scope import chosen_cohort, cohort_scope, lesson_scope, name_of
from app.analytics.selection import Filters, Page, Part
from app.analytics.tables import Cell
from app.platform import clock
from app.schemas import CohortName

PAGE_QUESTIONS = 5
PAGE_MAX_QUESTIONS = 50
"""How many questions a page has when the request does not say, and the most that it may ask for."""
SORTED_QUESTIONS = 200
"""Lessons have a handful of questions, which come in the order of their names. A sender that makes up a question for
each answer makes more: those come in the order of their ids, which an index walks, so that no page reads them all.
"""
_SORTED_CHARACTERS = 200
_DIGITS = re.compile(r"(\d{1,18})", re.ASCII)

TextsLink = Callable[[UUID, UUID], str]
"""Where the answers in words to a question of a lesson are read."""


def cohort_answers(db: Session, cohort_id: UUID, filters: Filters, page: Page, texts: TextsLink) -> AnswersReport:
    """What the learners of a cohort answered in its lessons. Errors as for cohort_scope."""
    scope = cohort_scope(db, cohort_id, filters)
    filters = replace(filters, cohort_id=cohort_id)
    return _answers(db, scope.lessons, scope.name, filters=filters, page=page, texts=texts)


def lesson_answers(db: Session, lesson_id: UUID, filters: Filters, page: Page, texts: TextsLink) -> AnswersReport:
    """What anybody, or the cohort of the filters, answered in a lesson. NotFound when there is no such lesson."""
    lesson = lesson_scope(db, lesson_id)
    cohort = chosen_cohort(db, filters)
    return _answers(db, [lesson], name_of(cohort) if cohort else None, filters=filters, page=page, texts=texts)


def question_answers(db: Session, lesson_id: UUID, question_id: UUID, filters: Filters) -> QuestionAnswers | None:
    """What was answered to one question of a lesson; None when nobody ever did. NotFound: no such lesson."""
    lesson = lesson_scope(db, lesson_id)
    cohort = chosen_cohort(db, filters)
    name = name_of(cohort) if cohort else None
    report = _answers(db, [lesson], name, filters=filters, page=Page(), texts=lambda *_: "", only=question_id)
    return report.questions[0] if report.questions else None


def _answers(
    db: Session,
    lessons: Sequence[LessonName],
    cohort: CohortName | None,
    *,
    filters: Filters,
    page: Page,
    texts: TextsLink,
    only: UUID | None = None,
) -> AnswersReport:
    zone = filters.zone(cohort.time_zone if cohort else None)
    part = Part(*filters.statements("learner_id"), *filters.span(zone))
    lesson_ids = [lesson.id for lesson in lessons]
    found = _questions(db, lesson_ids, page) if only is None else _only_question(db, lesson_ids, only)
    shown = found[: page.limit]
    asked = [(row.lesson_id, row.question_id) for row in shown]
    known = {(row.lesson_id, row.question_id): row for row in queries_answers.definitions(db, asked)}
    counted: dict[tuple[UUID, UUID], list[Row[Any]]] = defaultdict(list)
    for row in queries_answers.counts(db, asked, part):
        counted[row.lesson_id, row.question_id].append(row)
    names = {
        lesson.id: LessonName(id=lesson.id, activity_id=lesson.activity_id, title=lesson.title) for lesson in lessons
    }
    last = shown[-1] if len(found) > page.limit else None
    return AnswersReport.model_construct(
        cohort=cohort,
        generated_at=clock.now(),
        time_zone=zone.key,
        questions=[
            _question(row, names[row.lesson_id], known.get(key), counted[key], texts=texts, viewer=filters.viewer)
            for row, key in zip(shown, asked, strict=True)
        ],
        next=page.next(last and write_cursor(last.place, last.object_id[:_SORTED_CHARACTERS], last.question_id)),
    )


def _questions(db: Session, lesson_ids: Sequence[UUID], page: Page) -> list[Row[Any]]:
    """The questions of a page in order, and at least one more if there is one."""
    cursor = read_cursor(page.cursor, int, str, UUID) if page.cursor else None
    lessons = [(place, key) for place, key in enumerate(lesson_ids, start=1) if cursor is None or place >= cursor[0]]
    found = list(queries_answers.questions(db, lessons, SORTED_QUESTIONS + 1))
    counts = Counter(row.place for row in found)

    def in_order(place: int, object_id: str, key: UUID) -> tuple[int, list[tuple[int, str]], UUID]:
        by_name = counts[place] <= SORTED_QUESTIONS
        return place, _natural(object_id[:_SORTED_CHARACTERS]) if by_name else [], key

    if cursor and counts[cursor[0]] > SORTED_QUESTIONS:
        # Of this lesson the lowest ids were found, and the page begins somewhere behind them.
        here = [one for one in lessons if one[0] == cursor[0]]
        rest = queries_answers.questions(db, here, page.limit + 1, after=cursor[2])
        found = [*rest, *(row for row in found if row.place > cursor[0])]
    after = in_order(*cursor) if cursor else None
    ordered = sorted((in_order(row.place, row.object_id, row.question_id), place) for place, row in enumerate(found))
    return [found[place] for key, place in ordered if after is None or key > after]


def _only_question(db: Session, lesson_ids: Sequence[UUID], question_id: UUID) -> list[Row[Any]]:
    """This question, where one of the lessons has it."""
    before = UUID(int=question_id.int - 1) if question_id.int else None
    rows = queries_answers.questions(db, list(enumerate(lesson_ids, start=1)), 1, after=before)
    return [row for row in rows if row.question_id == question_id]


def _natural(text: str) -> list[tuple[int, str]]:
    """A key by which card-10 comes after card-9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(text) if part]


def _question(
    row: Row[Any],
    lesson: LessonName,
    known: Row[Any] | None,
    counted: list[Row[Any]],
    *,
    texts: TextsLink,
    viewer: Viewer,
) -> QuestionAnswers:
    latest = [one for one in counted if one.is_latest]
    learners = sum(one.answers for one in latest)
    judged = sum(one.answers for one in latest if one.success is not None)
    correct = sum(one.answers for one in latest if one.success)
    definition = (known.definition if known else None) or {}
    kind = rules.question_kind(
        known.card_type if known else None,
        known.interaction_type if known else None,
        is_judged=judged > 0 or bool(definition.get("correctResponsesPattern")),
    )
    ratings = [
        (value, one.answers)
        for one in latest
        if kind == "rating" and (value := rules.rating_of(one.score_raw, one.choice)) is not None
    ]
    rated = sum(answers for _, answers in ratings)
    words = rules.choice_texts(definition)
    right = rules.right_choices(definition, ((one.choice, one.success) for one in counted)) if kind == "quiz" else {}
    return QuestionAnswers.model_construct(
        question_id=row.question_id,
        object_id=masked(viewer, row.object_id, numbers=False),
        name=masked(viewer, known.object_name, numbers=False) if known and known.object_name else None,
        lesson=lesson,
        kind=kind,
        learner_count=learners,
        answer_count=sum(one.answers for one in counted),
        distribution=(
            [
                ChoiceCount.model_construct(
                    value=value,
                    text=words.get(value),
                    count=count,
                    share=rules.rate(count, learners),
                    is_right=right.get(value),
                )
                for value, count in rules.distribution((_counted_as(one, viewer), one.answers) for one in latest)
            ]
            if kind != "text"
            else []
        ),
        judged_count=judged,
        correct_count=correct,
        correct_share=rules.rate(correct, judged),
        rated_count=rated,
        mean=round(sum(value * answers for value, answers in ratings) / rated, rules.RATE_DIGITS) if rated else None,
        texts=texts(row.lesson_id, row.question_id) if kind == "text" else None,
    )


def _counted_as(one: Row[Any], viewer: Viewer) -> str | None:
    """The response, as the viewer may read it; of a rating that was only sent as a score, that."""
    if one.choice is None:
        return None if one.score_raw is None else f"{one.score_raw:g}"
    return masked(viewer, one.choice)


COLUMNS = (
    "lesson",
    "question",
    "object_id",
    "kind",
    "learners",
    "answers",
    "judged",
    "correct",
    "correct_share",
    "rated",
    "mean",
    "answer",
    "answer_text",
    "count",
    "share",
)


def rows(report: AnswersReport) -> Iterator[tuple[Cell, ...]]:
    """One row per answer of the distribution; one for a question without any."""
    for question in report.questions:
        about = (
            question.lesson.title or question.lesson.activity_id,
            question.name,
            question.object_id,
            question.kind,
            question.learner_count,
            question.answer_count,
            question.judged_count,
            question.correct_count,
            question.correct_share,
            question.rated_count,
            question.mean,
        )
        for one in question.distribution:
            yield (*about, one.value, one.text, one.count, one.share)
        if not question.distribution:
            yield (*about, None, None, None, None)
