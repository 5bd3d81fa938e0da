"""Where people drop off along the lessons of a cohort."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy.orm import Session

from app.analytics import queries, queries_overview
from app.analytics.rules import rate
from app.analytics.schemas import CohortDropOff, DropOffStep
from app.analytics.scope import cohort_scope
from app.analytics.selection import Filters, Page
from app.analytics.tables import Cell
from app.platform import clock


def cohort_drop_off(db: Session, cohort_id: UUID, filters: Filters, page: Page) -> CohortDropOff:
    """Every lesson as a step: who came to it, who came no further; all of them on one page. Errors as for cohort_scope.

    A learner has reached a step when they started its lesson or a later one. So the learners of the cohort are those
    who have not started, those lost at one of the steps, and those who completed the last one having reached it.
    """
    scope = cohort_scope(db, cohort_id, filters)
    learner_count = queries.count_learners(db, scope.part)
    totals = queries.totals(db, scope.part, scope.lesson_ids)
    ended = {row.step: row for row in queries_overview.furthest(db, scope.part, scope.lesson_ids)}
    steps: list[DropOffStep] = []
    reached = began = sum(row.learners for row in ended.values())
    finished = 0
    for step, lesson in enumerate(scope.lessons, start=1):
        here, end = totals.get(lesson.id), ended.get(step)
        came_no_further = end.learners if end else 0
        if step == len(scope.lessons):
            finished = end.completed if end else 0
        lost = came_no_further - (finished if step == len(scope.lessons) else 0)
        steps.append(
            DropOffStep.model_construct(
                **lesson.__dict__,
                step=step,
                started=here.started if here else 0,
                completed=here.completed if here else 0,
                reached=reached,
                reached_rate=rate(reached, learner_count),
                lost=lost,
                lost_rate=rate(lost, reached),
            )
        )
        reached -= came_no_further
    return CohortDropOff.model_construct(
        cohort=scope.name,
        generated_at=clock.now(),
        time_zone=scope.zone.key,
        learner_count=learner_count,
        lesson_count=len(steps),
        not_started_count=learner_count - began,
        finished_count=finished,
        steps=steps,
    )


COLUMNS = (
    "cohort",
    "step",
    "lesson",
    "position",
    "due_on",
    "started",
    "completed",
    "reached",
    "reached_rate",
    "lost",
    "lost_rate",
)


def rows(report: CohortDropOff) -> Iterator[tuple[Cell, ...]]:
    """One row per step."""
    for step in report.steps:
        yield (
            report.cohort.name,
            step.step,
            step.title or step.activity_id,
            step.position,
            step.due_on,
            step.started,
            step.completed,
            step.reached,
            step.reached_rate,
            step.lost,
            step.lost_rate,
        )
