"""The SELECTs of the reports. Each is bounded by a cohort."""

from datetime import date
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from app.accounts.models import CohortLesson, CohortMember
from app.models import Lesson, User
from app.warehouse.models import LessonProgress


def _members(cohort_id: UUID) -> Select[UUID]:
    return select(CohortMember.user_id).where(CohortMember.cohort_id == cohort_id)


def planned_lessons(db: Session, cohort_id: UUID) -> list[tuple[Lesson, int | None, date | None]]:
    """The lessons planned for the cohort, in order, each with position and day due."""
    rows = db.execute(
        select(Lesson, CohortLesson.position, CohortLesson.due_on)
        .join(CohortLesson, CohortLesson.lesson_id == Lesson.id)
        .where(CohortLesson.cohort_id == cohort_id)
        .order_by(CohortLesson.position)
    )
    return [(lesson, position, due_on) for lesson, position, due_on in rows]


def touched_lessons(db: Session, cohort_id: UUID) -> list[Lesson]:
    """Every lesson that a learner of the cohort has touched, the one first touched first."""
    first_touched = (
        select(LessonProgress.lesson_id, func.min(LessonProgress.started_at).label("first"))
        .where(LessonProgress.learner_id.in_(_members(cohort_id)), LessonProgress.statement_count > 0)
        .group_by(LessonProgress.lesson_id)
        .subquery()
    )
    rows = db.execute(
        select(Lesson).join(first_touched, first_touched.c.lesson_id == Lesson.id).order_by(first_touched.c.first)
    )
    return list(rows.scalars())


def learners(db: Session, cohort_id: UUID) -> list[User]:
    """The learners of the cohort, by name."""
    rows = db.execute(
        select(User)
        .join(CohortMember, and_(CohortMember.user_id == User.id, CohortMember.cohort_id == cohort_id))
        .order_by(func.lower(func.coalesce(User.name, User.email, User.phone)), User.id)
    )
    return list(rows.scalars())


def progress(db: Session, cohort_id: UUID, lesson_ids: list[UUID]) -> list[LessonProgress]:
    """What the learners of the cohort did with these lessons."""
    rows = db.execute(
        select(LessonProgress).where(
            LessonProgress.learner_id.in_(_members(cohort_id)),
            LessonProgress.lesson_id.in_(lesson_ids),
            LessonProgress.statement_count > 0,
        )
    )
    return list(rows.scalars())
