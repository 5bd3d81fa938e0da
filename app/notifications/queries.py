"""The SELECTs of reminders: who may be due, how they stand, what a reminder would hold, the list of them all."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, not_, or_, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Cohort, CohortLesson, CohortMember
from app.models import Lesson, Notification, StatementFlat, User
from app.notifications.models import ReminderStop, ReminderTemplate
from app.notifications.standing import LastReminder, Membership, OpenLesson, Standing
from app.warehouse.models import LessonProgress

COUNTED = ("sent", "unknown")
"""Statuses of reminders that the learner may have got."""


def members(
    db: Session,
    *,
    after: UUID | None,
    limit: int,
    cohort_id: UUID | None = None,
    found: ColumnElement[bool] | None = None,
) -> list[User]:
    """The next learners after this id who are in a cohort (in this one; found: which of them)."""
    membership = select(CohortMember.user_id).where(CohortMember.user_id == User.id)
    if cohort_id is not None:
        membership = membership.where(CohortMember.cohort_id == cohort_id)
    query = select(User).where(membership.exists())
    if found is not None:
        query = query.where(found)
    return _page(db, query, after, limit)


def worth_a_look(db: Session, *, after: UUID | None, limit: int, latest_day: date, since: datetime) -> list[User]:
    """The next learners after this id of whom one may be due.

    latest_day: the latest day that it is anywhere. since: who was reminded after it is left alone, unless the mail
    server asked to come back.
    """
    return _page(db, select(User).where(*_promising(latest_day, since)), after, limit)


def count_worth_a_look(db: Session, *, latest_day: date, since: datetime) -> int:
    """How many `worth_a_look` gives in all."""
    return db.scalar(select(func.count()).select_from(User).where(*_promising(latest_day, since))) or 0


def _promising(latest_day: date, since: datetime) -> tuple[ColumnElement[bool], ...]:
    reminded = select(Notification.id).where(
        Notification.learner_id == User.id, Notification.claimed_at > since, Notification.status != "waiting"
    )
    open_lesson = _open_lessons(latest_day).where(CohortMember.user_id == User.id)
    return User.email.is_not(None), open_lesson.exists(), not_(reminded.exists())


def _page(db: Session, query: Select[User], after: UUID | None, limit: int) -> list[User]:
    if after is not None:
        query = query.where(User.id > after)
    return list(db.scalars(query.order_by(User.id).limit(limit)))


def _open_lessons(
    latest_day: date | BindParameter[date], *, earliest_day: date | None = None
) -> Select[Any, Any, Any, Any, Any]:
    """Lessons due on this day or before (not before `earliest_day`) that a learner has not completed, or not begun."""
    done = and_(
        LessonProgress.learner_id == CohortMember.user_id,
        LessonProgress.lesson_id == CohortLesson.lesson_id,
        LessonProgress.completed_at.is_not(None),
    )
    query = (
        select(
            CohortMember.user_id,
            CohortLesson.lesson_id,
            CohortLesson.cohort_id,
            CohortLesson.due_on,
            CohortLesson.position,
        )
        .join(CohortLesson, CohortLesson.cohort_id == CohortMember.cohort_id)
        .where(CohortLesson.due_on <= latest_day, not_(select(LessonProgress.learner_id).where(done).exists()))
    )
    return query if earliest_day is None else query.where(CohortLesson.due_on >= earliest_day)


def incomplete_learners(db: Session, lesson_date: date, *, after: UUID | None, limit: int) -> list[User]:
    """The next learners after this id with a lesson due on this day of their own that they have not completed, or not
    even begun."""
    late = _open_lessons(lesson_date, earliest_day=lesson_date).where(CohortMember.user_id == User.id)
    return _page(db, select(User).where(late.exists()), after, limit)


def standings(db: Session, users: Sequence[User], latest_day: date, max_unanswered: int) -> list[Standing]:
    """How these learners stand, in the same order. latest_day: lessons due later are left out."""
    ids = [user.id for user in users]
    if not ids:
        return []
    memberships = _memberships(db, ids)
    lessons: dict[UUID, list[OpenLesson]] = defaultdict(list)
    for row in db.execute(_open_lessons(latest_day).where(CohortMember.user_id.in_(ids))):
        lessons[row.user_id].append(OpenLesson(row.lesson_id, row.cohort_id, row.due_on, row.position))
    last = _last_reminders(db, ids)
    unanswered = _unanswered(db, ids, max_unanswered)
    stops = {stop.learner_id: stop for stop in db.scalars(select(ReminderStop).where(ReminderStop.learner_id.in_(ids)))}
    found = []
    for user in users:
        stop = stops.get(user.id)
        found.append(
            Standing(
                learner_id=user.id,
                name=user.name,
                email=user.email,
                time_zone=user.time_zone,
                memberships=tuple(memberships[user.id]),
                lessons=tuple(lessons[user.id]),
                last=last.get(user.id),
                unanswered=unanswered.get(user.id, 0),
                unsubscribed=stop is not None and stop.unsubscribed_at is not None,
                bounced=stop is not None and _bounced(user.email, stop.bounced_address_hash),
            )
        )
    return found


def refreshed(db: Session, standing: Standing, latest_day: date) -> Standing | None:
    """The learner with what may have changed a moment ago read anew: what is left, the address, whether they want it.
    None when they were erased."""
    rows = db.connection().execute(_REFRESHED, {"learner": standing.learner_id, "latest_day": latest_day}).all()
    if not rows:
        return None
    cohorts = {membership.cohort_id for membership in standing.memberships}
    return replace(
        standing,
        name=rows[0].name,
        email=rows[0].email,
        time_zone=rows[0].time_zone,
        lessons=tuple(
            OpenLesson(row.lesson_id, row.cohort_id, row.due_on, row.position)
            for row in rows
            if row.cohort_id in cohorts
        ),
        unsubscribed=rows[0].unsubscribed_at is not None,
        bounced=_bounced(rows[0].email, rows[0].bounced_address_hash),
    )


def _with_open_lessons() -> Select[Any, Any, Any, Any, Any, Any, Any, Any, Any]:
    """A learner with all that may change at the last moment: one row per open lesson, or one without any."""
    latest_day = bindparam("latest_day", type_=CohortLesson.due_on.type)
    left = _open_lessons(latest_day).where(CohortMember.user_id == User.id).lateral()
    return (
        select(
            User.name,
            User.email,
            User.time_zone,
            ReminderStop.unsubscribed_at,
            ReminderStop.bounced_address_hash,
            left.c.lesson_id,
            left.c.cohort_id,
            left.c.due_on,
            left.c.position,
        )
        .outerjoin(ReminderStop, ReminderStop.learner_id == User.id)
        .outerjoin(left, true())
        .where(User.id == bindparam("learner"))
    )


_REFRESHED = _with_open_lessons()


def _bounced(email: str | None, known: bytes | None) -> bool:
    return known is not None and email is not None and known == address_hash(email)


def address_hash(address: str) -> bytes:
    """What is kept of an address that bounced: enough to know it again, and not the address."""
    return sha256(address.lower().encode()).digest()


def _memberships(db: Session, ids: Sequence[UUID]) -> dict[UUID, list[Membership]]:
    dated = select(CohortLesson.lesson_id).where(CohortLesson.cohort_id == Cohort.id, CohortLesson.due_on.is_not(None))
    rows = db.execute(
        select(
            CohortMember.user_id,
            Cohort.id,
            Cohort.name,
            Cohort.time_zone,
            Cohort.reminder_hour,
            Cohort.quiet_from_hour,
            Cohort.quiet_until_hour,
            dated.exists().label("has_dates"),
        )
        .join(Cohort, Cohort.id == CohortMember.cohort_id)
        .where(CohortMember.user_id.in_(ids))
        .order_by(CohortMember.joined_at, Cohort.id)
    )
    found: dict[UUID, list[Membership]] = defaultdict(list)
    for row in rows:
        own = None if row.quiet_from_hour is None else (row.quiet_from_hour, row.quiet_until_hour)
        found[row.user_id].append(Membership(row.id, row.name, row.time_zone, row.reminder_hour, row.has_dates, own))
    return found


def _last_reminders(db: Session, ids: Sequence[UUID]) -> dict[UUID, LastReminder]:
    rows = db.scalars(
        select(Notification)
        .where(Notification.learner_id.in_(ids))
        .ext(distinct_on(Notification.learner_id))
        .order_by(Notification.learner_id, Notification.local_day.desc())
        .execution_options(populate_existing=True)
    )
    return {row.learner_id: LastReminder(row.local_day, row.status, row.claimed_at, row.retry_at) for row in rows}


def _unanswered(db: Session, ids: Sequence[UUID], most: int) -> dict[UUID, int]:
    """How many of each learner's last `most` reminders no statement of theirs followed."""
    latest = (
        select(Notification.claimed_at)
        .where(Notification.learner_id == User.id, Notification.status.in_(COUNTED))
        .order_by(Notification.local_day.desc())
        .limit(most)
        .lateral()
    )
    answer = select(StatementFlat.statement_id).where(
        StatementFlat.learner_id == User.id, StatementFlat.occurred_at > latest.c.claimed_at
    )
    rows = db.execute(
        select(User.id, func.count())
        .join(latest, true())
        .outerjoin(ReminderStop, ReminderStop.learner_id == User.id)
        .where(
            User.id.in_(ids),
            or_(ReminderStop.resumed_at.is_(None), latest.c.claimed_at >= ReminderStop.resumed_at),
            not_(answer.exists()),
        )
        .group_by(User.id)
    )
    return {row[0]: row[1] for row in rows}


def lessons_of(db: Session, ids: Sequence[UUID]) -> dict[UUID, Lesson]:
    """The lessons of these ids."""
    return {lesson.id: lesson for lesson in db.scalars(select(Lesson).where(Lesson.id.in_(ids)))}


def first_lessons(db: Session, cohort_id: UUID, *, limit: int) -> list[UUID]:
    """The ids of the cohort's first lessons, in order."""
    query = select(CohortLesson.lesson_id).where(CohortLesson.cohort_id == cohort_id)
    return list(db.scalars(query.order_by(CohortLesson.position).limit(limit)))


def template_of(db: Session, cohort_id: UUID | None) -> ReminderTemplate | None:
    """The cohort's own template; None: it uses the default."""
    return db.get(ReminderTemplate, cohort_id, populate_existing=True) if cohort_id else None


def reminders(
    db: Session,
    *,
    status: str | None,
    learner_id: UUID | None,
    cohort_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[Notification, User]]:
    """Reminders with their learners, the latest first; `before` goes on after the last one of a page."""
    learner = aliased(User)
    query = select(Notification, learner).join(learner, learner.id == Notification.learner_id)
    for column, wanted in (
        (Notification.status, status),
        (Notification.learner_id, learner_id),
        (Notification.cohort_id, cohort_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(
            or_(
                Notification.claimed_at < before[0],
                and_(Notification.claimed_at == before[0], Notification.id < before[1]),
            )
        )
    rows = db.execute(query.order_by(Notification.claimed_at.desc(), Notification.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def totals(db: Session, since: datetime) -> dict[str, int]:
    """How many reminders of each status were begun since then."""
    rows = db.execute(
        select(Notification.status, func.count()).where(Notification.claimed_at >= since).group_by(Notification.status)
    )
    return {row[0]: row[1] for row in rows}
