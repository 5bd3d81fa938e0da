"""Which cohorts have words of their own for reminders, and what a template may use, told for people who write one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Cohort, CohortLesson, CohortMember
from app.notifications.models import ReminderTemplate

MOST_COHORTS_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Variable:
    """Something that a template may use: how it is written, what it says, and an example."""

    name: str
    meaning: str
    example: str


VARIABLES: tuple[Variable, ...] = (
    Variable("learner_name", "the learner's name; empty when it is not known", "Ana Souza"),
    Variable("cohort_name", "the name of the cohort", "Spring course"),
    Variable("lessons_left", "how many lessons are due and not completed", "3"),
    Variable("lessons", "those lessons, the next one first, 20 at most; for a loop", "{% for lesson in lessons %}"),
    Variable("lessons_more", "how many are left out of that list", "0"),
    Variable("next_lesson", "the first of them", "{{ next_lesson.title }}"),
    Variable("lesson.title", "of a lesson in the loop: its title", "First steps"),
    Variable("lesson.link", "where it is opened; empty when that is not known", "https://app.7taps.com/…"),
    Variable("lesson.due", "the day on which it is due", "2 March 2026"),
    Variable("lesson.days_late", "days since then; 0 on the day itself", "4"),
    Variable("today", "the learner's day", "6 March 2026"),
    Variable("unsubscribe_url", "where they end the reminders; text and HTML have to hold it", "https://…"),
)


class WordingRow(BaseModel):
    """A cohort, when it is reminded and by whose words. own: since when by its own; None: by the default."""

    cohort_id: UUID
    cohort: str
    reminder_hour: int
    time_zone: str
    learners: int
    dated_lessons: int
    own_since: datetime | None


def wordings(db: Session, search: str | None) -> list[WordingRow]:
    """Cohorts by name."""
    members = select(func.count()).where(CohortMember.cohort_id == Cohort.id).scalar_subquery()
    dated = (
        select(func.count())
        .where(CohortLesson.cohort_id == Cohort.id, CohortLesson.due_on.is_not(None))
        .scalar_subquery()
    )
    query = (
        select(
            Cohort.id.label("cohort_id"),
            Cohort.name.label("cohort"),
            Cohort.reminder_hour,
            Cohort.time_zone,
            members.label("learners"),
            dated.label("dated_lessons"),
            ReminderTemplate.updated_at.label("own_since"),
        )
        .outerjoin(ReminderTemplate, ReminderTemplate.cohort_id == Cohort.id)
        .order_by(Cohort.name, Cohort.id)
        .limit(MOST_COHORTS_SHOWN)
    )
    if search:
        query = query.where(Cohort.name.icontains(search, autoescape=True))
    return [WordingRow.model_validate(dict(row._mapping)) for row in db.execute(query)]
