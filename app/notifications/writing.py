"""What a reminder says: everything that its mail needs, read once for many of them, and put into words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from jinja2 import TemplateError
from sqlalchemy.orm import Session

from app.accounts.lessons import link_of
from app.config import Settings
from app.notifications import ledger, queries
from app.notifications.standing import Decision, Standing
from app.notifications.templates import (
    LESSONS_SHOWN,
    LessonWords,
    Rendered,
    Values,
    Words,
    default_words,
    render,
    words_of,
)
from app.notifications.unsubscribing import unsubscribe_url
from app.platform import mail
from app.platform.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder that was claimed, or is shown as a preview: all that it takes to write the mail."""

    id: UUID
    learner_id: UUID
    name: str | None
    address: str
    decision: Decision
    words: Words
    values: Values
    attempts: int = 1


class Catalogue:
    """Lessons and cohorts' own words, each read once. To be made anew now and then, so that it is small and not old."""

    def __init__(self) -> None:
        self._lessons: dict[UUID, tuple[str | None, str | None]] = {}
        self._words: dict[UUID | None, Words] = {}

    def lessons(self, db: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[str | None, str | None]]:
        """(title, link) of these lessons."""
        if missing := [one for one in ids if one not in self._lessons]:
            found = queries.lessons_of(db, missing)
            self._lessons |= {one: (lesson.title, link_of(lesson)) for one, lesson in found.items()}
        return self._lessons

    def words(self, db: Session, cohort_id: UUID | None) -> Words:
        """The cohort's own template, else the default one."""
        if cohort_id not in self._words:
            own = queries.template_of(db, cohort_id)
            self._words[cohort_id] = words_of(own)
        return self._words[cohort_id]


def reminder_of(
    db: Session,
    standing: Standing,
    decision: Decision,
    settings: Settings,
    *,
    claimed: tuple[UUID, int] | None = None,
    catalogue: Catalogue | None = None,
) -> Reminder:
    """Everything the mail says. decision: with at least one lesson. claimed: id and attempt; None for a preview."""
    reminder_id, attempts = claimed or (ledger.reminder_id(standing.learner_id, decision.local_day), 0)
    catalogue = catalogue or Catalogue()
    cohort = next(m.cohort for m in standing.memberships if m.cohort_id == decision.cohort_id)
    shown = decision.lessons[:LESSONS_SHOWN]
    known = catalogue.lessons(db, [lesson.lesson_id for lesson in shown])
    lessons = tuple(
        LessonWords(
            title=known[lesson.lesson_id][0] or f"Lesson {lesson.position}",
            link=known[lesson.lesson_id][1],
            due=_day(lesson.due_on),
            days_late=(decision.local_day - lesson.due_on).days,
        )
        for lesson in shown
    )
    return Reminder(
        id=reminder_id,
        learner_id=standing.learner_id,
        name=standing.name,
        address=standing.email or "",
        decision=decision,
        words=catalogue.words(db, decision.cohort_id),
        values=Values(
            learner_name=mail.header_text(standing.name or "", 100),
            cohort_name=cohort,
            lessons_left=len(decision.lessons),
            lessons=lessons,
            lessons_more=len(decision.lessons) - len(lessons),
            next_lesson=lessons[0],
            today=_day(decision.local_day),
            unsubscribe_url=unsubscribe_url(settings, standing.learner_id),
        ),
        attempts=attempts,
    )


def written(reminder: Reminder) -> Rendered:
    """The reminder in words. A template that fails for this learner must not keep the reminder from them."""
    try:
        return render(reminder.words, reminder.values)
    except (TemplateError, RecursionError, TypeError, ValueError) as error:
        log.warning(
            "a template failed; the default took its place",
            cohort_id=str(reminder.decision.cohort_id),
            error=str(error),
        )
        return render(default_words(), reminder.values)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
