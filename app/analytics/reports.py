"""The reports: a question about a cohort, answered whole."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy.orm import Session

from app.accounts.cohorts import find_cohort
from app.analytics import queries
from app.errors import NotFound
from app.platform import clock
from app.schemas import (
    CohortCompletions,
    CohortName,
    LearnerCompletion,
    LearnerCompletions,
    LessonCompletions,
)
from app.warehouse.models import LessonProgress


def cohort_completions(db: Session, cohort_id: UUID) -> CohortCompletions:
    """Who in the cohort has completed which lesson. NotFound when there is no such cohort.

    The lessons are those planned for the cohort; while none are planned, those that its learners have touched.
    Learners without any statement are in it: they are the ones somebody is looking for.
    """
    cohort = find_cohort(db, cohort_id)
    if cohort is None:
        raise NotFound(f"There is no cohort {cohort_id}.")
    lessons = [
        LessonCompletions(
            id=lesson.id,
            activity_id=lesson.activity_id,
            title=lesson.title,
            position=position,
            due_on=due_on,
            completed=0,
            started=0,
            rate=None,
        )
        for lesson, position, due_on in (
            queries.planned_lessons(db, cohort_id)
            or [(lesson, None, None) for lesson in queries.touched_lessons(db, cohort_id)]
        )
    ]
    by_learner: dict[UUID, list[LessonProgress]] = defaultdict(list)
    by_lesson: dict[UUID, list[LessonProgress]] = defaultdict(list)
    for row in queries.progress(db, cohort_id, [lesson.id for lesson in lessons]):
        by_learner[row.learner_id].append(row)
        by_lesson[row.lesson_id].append(row)
    order = {lesson.id: place for place, lesson in enumerate(lessons)}
    learners = [
        LearnerCompletions(
            id=user.id,
            name=user.name,
            email=user.email,
            phone=user.phone,
            completed=(completed := _completed(by_learner[user.id])),
            rate=_rate(completed, len(lessons)),
            lessons=[
                LearnerCompletion(
                    lesson_id=row.lesson_id,
                    started_at=row.started_at,
                    completed_at=row.completed_at,
                )
                for row in sorted(by_learner[user.id], key=lambda row: order[row.lesson_id])
                if row.started_at
            ],
        )
        for user in queries.learners(db, cohort_id)
    ]
    for lesson in lessons:
        lesson.started = len(by_lesson[lesson.id])
        lesson.completed = _completed(by_lesson[lesson.id])
        lesson.rate = _rate(lesson.completed, len(learners))
    return CohortCompletions(
        cohort=CohortName(id=cohort.id, slug=cohort.slug, name=cohort.name, time_zone=cohort.time_zone),
        generated_at=clock.now(),
        learner_count=len(learners),
        lesson_count=len(lessons),
        rate=_rate(sum(lesson.completed for lesson in lessons), len(learners) * len(lessons)),
        lessons=lessons,
        learners=learners,
    )


def completions_csv(report: CohortCompletions) -> Iterator[str]:
    """The report as CSV (RFC 4180): one row per learner and lesson, times in UTC; empty: did not happen."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(*cells: object) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([_cell(cell) for cell in cells])
        return buffer.getvalue()

    yield line(
        "cohort",
        "learner",
        "email",
        "phone",
        "lesson",
        "position",
        "due_on",
        "started_at",
        "completed_at",
    )
    for learner in report.learners:
        done = {row.lesson_id: row for row in learner.lessons}
        for lesson in report.lessons:
            row = done.get(lesson.id)
            yield line(
                report.cohort.name,
                learner.name,
                learner.email,
                learner.phone,
                lesson.title or lesson.activity_id,
                lesson.position,
                lesson.due_on,
                clock.iso(row.started_at) if row else None,
                clock.iso(row.completed_at) if row and row.completed_at else None,
            )


def _cell(value: object) -> object:
    """A cell that no spreadsheet runs as a formula: names are written by learners themselves (CWE-1236)."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value if value[1:].isdigit() else f"'{value}"
    return value


def _completed(rows: list[LessonProgress]) -> int:
    return sum(row.completed_at is not None for row in rows)


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
