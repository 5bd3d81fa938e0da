"""What each learner of a cohort did with each lesson, as a grid: a letter per pair."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy.orm import Session

from app.analytics import queries, queries_course
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.overview import CohortReading
from app.analytics.rules import rate
from app.analytics.schemas import PlannedLesson
from app.analytics.schemas_course import CohortGrid, GridLearner, GridLesson
from app.analytics.selection import Page
from app.analytics.sorting import page_of

Sort = Literal["name", "least", "silent"]
SORTS: tuple[str, ...] = get_args(Sort)
"""By name; who has completed the least first; who has been silent longest first."""
GRID_LEARNERS = 500
"""How many rows a page of the grid has."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "least": lambda row: (row.completed or 0, row.last_at or _NEVER, row.id),
    "silent": lambda row: (row.last_at or _NEVER, row.completed or 0, row.id),
}


def cohort_grid(
    db: Session, read: CohortReading, completed: Mapping[UUID, int], page: Page, sort: Sort = "name"
) -> CohortGrid:
    """One page of the learners who were read. completed: by lesson, how many of all of them completed it."""
    scope = read.scope
    rows = {row.id: row for row in read.learners}
    if sort == "name":
        after = read_cursor(page.cursor, str, UUID) if page.cursor else None
        found = queries.learners(db, scope.part, after, page.limit + 1)
        people = {row.id: row for row in found[: page.limit]}
        last = found[page.limit - 1] if len(found) > page.limit else None
        next_ = page.next(write_cursor(last.sort, last.id) if last else None)
    else:
        shown, next_ = page_of(sorted(read.learners, key=_KEYS[sort]), page)
        named = queries.people(db, [row.id for row in shown])
        people = {row.id: named[row.id] for row in shown if row.id in named}
    untouched = _untouched(scope.lessons)
    marked = {row.learner_id: row for row in queries_course.marks(db, scope.part, list(people), scope.lesson_ids)}
    cells: dict[UUID, str] = {}
    for key in people:
        today = read.today_of(rows[key].time_zone if key in rows else None)
        cells[key] = _cells(untouched(today), marked.get(key))
    count = len(read.learners)
    return CohortGrid.model_construct(
        cohort=scope.name,
        generated_at=read.now,
        time_zone=scope.zone.key,
        learner_count=count,
        lesson_count=len(scope.lessons),
        sort=sort,
        lessons=[
            GridLesson.model_construct(
                **lesson.__dict__, completed=(done := completed.get(lesson.id, 0)), rate=rate(done, count)
            )
            for lesson in scope.lessons
        ],
        learners=[
            GridLearner.model_construct(
                id=key,
                name=person.name,
                email=person.email,
                phone=person.phone,
                completed=cells[key].count("d"),
                last_activity_at=rows[key].last_at if key in rows else None,
                cells=cells[key],
            )
            for key, person in people.items()
        ],
        next=next_,
    )


def _untouched(lessons: Sequence[PlannedLesson]) -> Callable[[date], str]:
    """The cells of somebody who did nothing, by the day it is for them."""

    @cache
    def cells(today: date) -> str:
        return "".join("l" if lesson.due_on and lesson.due_on < today else "n" for lesson in lessons)

    return cells


def _cells(untouched: str, row: Any) -> str:
    """The cells of a learner: what they did where they did something. Who started a lesson that is overdue is late."""
    if row is None:
        return untouched
    cells = list(untouched)
    for place, mark in zip(row.places, row.marks, strict=True):
        if mark == "d":
            cells[place - 1] = "d"
        elif mark == "c":
            cells[place - 1] = "n"
        elif mark == "p" and cells[place - 1] == "n":
            cells[place - 1] = "p"
    return "".join(cells)
