"""Who in the cohort has completed which lesson, when."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.accounts import visibility
from app.analytics import queries
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.rules import rate
from app.analytics.schemas import CohortCompletions, LearnerCompletion, LearnerCompletions, LessonCompletions
from app.analytics.scope import cohort_scope
from app.analytics.selection import Filters, Page
from app.analytics.tables import Cell
from app.platform import clock


def cohort_completions(db: Session, cohort_id: UUID, filters: Filters, page: Page) -> CohortCompletions:
    """One page of learners, by name, and the figures of the whole cohort. Errors as for cohort_scope.

    Learners without any statement are in it: they are the ones somebody is looking for. With days, what counts as
    started or completed is what first happened on them.
    """
    scope = cohort_scope(db, cohort_id, filters)
    part = scope.part
    after = read_cursor(page.cursor, str, UUID) if page.cursor else None
    learner_count = queries.count_learners(db, part)
    found = queries.totals(db, part, scope.lesson_ids)
    lessons = [
        LessonCompletions.model_construct(
            **lesson.__dict__,
            started=total.started if (total := found.get(lesson.id)) else 0,
            completed=(completed := total.completed if total else 0),
            rate=rate(completed, learner_count),
        )
        for lesson in scope.lessons
    ]
    people = queries.learners(db, part, after, page.limit + 1)
    shown = people[: page.limit]
    order = {lesson.id: place for place, lesson in enumerate(lessons)}
    did: dict[UUID, list[LearnerCompletion]] = defaultdict(list)

    def in_span(moment: datetime | None) -> bool:
        return moment is not None and not (
            (part.since and moment < part.since) or (part.until and moment >= part.until)
        )

    for row in queries.progress(db, [person.id for person in shown], scope.lesson_ids):
        completed_at = row.completed_at if in_span(row.completed_at) else None
        if completed_at or in_span(row.started_at):
            did[row.learner_id].append(LearnerCompletion(row.lesson_id, row.started_at, completed_at))
    return CohortCompletions.model_construct(
        cohort=scope.name,
        generated_at=clock.now(),
        time_zone=scope.zone.key,
        learner_count=learner_count,
        lesson_count=len(lessons),
        rate=rate(sum(lesson.completed for lesson in lessons), learner_count * len(lessons)),
        lessons=lessons,
        learners=[
            LearnerCompletions.model_construct(
                **visibility.shown(filters.viewer, person),
                completed=(done := sum(one.completed_at is not None for one in did[person.id])),
                rate=rate(done, len(lessons)),
                lessons=sorted(did[person.id], key=lambda one: order[one.lesson_id]),
            )
            for person in shown
        ],
        next=page.next(write_cursor(shown[-1].sort, shown[-1].id) if len(people) > page.limit else None),
    )


COLUMNS = ("cohort", "learner", "email", "phone", "lesson", "position", "due_on", "started_at", "completed_at")


def rows(report: CohortCompletions) -> Iterator[tuple[Cell, ...]]:
    """One row per learner and lesson; what is empty did not happen."""
    nothing: Any = None
    for learner in report.learners:
        done = {row.lesson_id: row for row in learner.lessons}
        for lesson in report.lessons:
            row = done.get(lesson.id, nothing)
            yield (
                report.cohort.name,
                learner.name,
                learner.email,
                learner.phone,
                lesson.title or lesson.activity_id,
                lesson.position,
                lesson.due_on,
                row and row.started_at,
                row and row.completed_at,
            )
