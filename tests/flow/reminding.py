"""What tests of reminders share: a course, a run at a moment, what became of each reminder."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.accounts.identifiers import email_identifiers
from app.accounts.models import Cohort, CohortLesson, CohortMember, UserIdentifier
from app.database import session_scope
from app.jobs import reminder
from app.models import Lesson, Notification, User
from app.notifications import service
from app.platform import clock
from app.platform.ids import stable_id
from tests.statements import lesson

MORNING = datetime(2026, 3, 10, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))


def course(
    *emails: str | None,
    slug: str = "spring",
    lessons: int = 2,
    due: date | None = date(2026, 3, 9),
    zone: str = "Europe/Berlin",
    learner_zone: str | None = None,
    hour: int = 9,
    name: str = "Ann",
) -> UUID:
    """A cohort with these learners; lesson n is due n - 1 days after `due`."""
    with session_scope() as db:
        cohort = Cohort(slug=slug, name=slug.title(), time_zone=zone, reminder_hour=hour)
        db.add(cohort)
        db.flush()
        for number in range(1, lessons + 1):
            activity = lesson(number)["id"]
            lesson_id = stable_id("activity", activity)
            if db.get(Lesson, lesson_id) is None:
                db.add(Lesson(id=lesson_id, activity_id=activity, title=f"Lesson {number}"))
                db.flush()
            day = due + timedelta(days=number - 1) if due else None
            db.add(CohortLesson(cohort_id=cohort.id, lesson_id=lesson_id, position=number, due_on=day))
        for email in emails:
            known = db.scalar(select(User).where(User.email == email)) if email else None
            user = known or User(name=name, email=email, time_zone=learner_zone, source="roster")
            db.add(user)
            db.flush()
            if email and not known:
                for one in email_identifiers(email):
                    db.add(UserIdentifier(key=one.key, user_id=user.id, kind=one.kind, value=one.value))
            db.add(CohortMember(cohort_id=cohort.id, user_id=user.id))
        return cohort.id


def send(at: datetime = MORNING) -> service.Run:
    with clock.set_now(at):
        return reminder.send_daily_reminders()


def rows() -> list[tuple[str, str, int]]:
    """(e-mail, status, attempts) of each reminder, by e-mail and day."""
    with session_scope() as db:
        query = (
            select(User.email, Notification.status, Notification.attempts)
            .join(User, User.id == Notification.learner_id)
            .order_by(User.email, Notification.local_day)
        )
        return [tuple(row) for row in db.execute(query)]  # type: ignore[misc]


def learner_id(email: str) -> UUID:
    with session_scope() as db:
        return db.scalars(select(User.id).where(User.email == email)).one()
