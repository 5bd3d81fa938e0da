"""Who would get what, when, and why the others do not: the rules at work, with nothing claimed and nothing sent."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.accounts import visibility
from app.accounts.lessons import link_of
from app.config import Settings
from app.errors import NotFound
from app.models import User
from app.notifications import acts, choosing, queries, rules
from app.notifications.schemas import PreviewPage, PreviewQuery, PreviewRow, RenderedRead
from app.notifications.standing import Decision, OpenLesson
from app.notifications.templates import Words, check, render
from app.notifications.unsubscribing import warnings_of
from app.notifications.writing import reminder_of
from app.platform import clock

WHY: dict[str, str] = {
    "due": "The next run sends it.",
    "later": "It is not time yet.",
    "retry": "The mail server asked to come back later.",
    "nothing_due": "Nothing that is due is left.",
    "no_dates": "No lesson of their cohorts is due on a day.",
    "no_email": "No e-mail address is known.",
    "unsubscribed": "They want no reminders.",
    "bounced": "The mail server refused their address for good.",
    "unanswered": "They did nothing after the last reminders; an admin can resume them.",
    "reminded": "Their day has had its reminder.",
    "day_over": "Quiet hours have begun; the next day has its own reminder.",
    "unknown_outcome": "Nobody knows whether today's was sent; an admin has to say.",
}


def preview(db: Session, query: PreviewQuery, settings: Settings) -> PreviewPage:
    """A page of learners, by id, with what is decided for each at this moment."""
    now = clock.now()
    latest = rules.latest_day(now)
    viewer = visibility.admin(settings)
    if query.learner_id is not None:
        found = db.get(User, query.learner_id)
        if found is None:
            raise NotFound("There is no learner of this id.")
        users = [found]
    else:
        wanted = visibility.found_by(viewer, "?search", query.search, User.name, User.email) if query.search else None
        users = queries.members(db, after=query.after, limit=query.limit, cohort_id=query.cohort_id, found=wanted)
    standings = queries.standings(db, users, latest, settings.reminder_max_unanswered)
    limits = choosing.limits_of(settings)
    decided = [(standing, rules.decide(standing, now, limits)) for standing in standings]
    shown = [(standing, decision) for standing, decision in decided if query.reason in (None, decision.reason)]
    nexts = queries.lessons_of(db, list({decision.lessons[0].lesson_id for _, decision in shown if decision.lessons}))
    people = {user.id: visibility.shown(viewer, user) for user in users}
    rows = []
    for standing, decision in shown:
        lesson = nexts.get(decision.lessons[0].lesson_id) if decision.lessons else None
        rows.append(
            PreviewRow(
                learner_id=standing.learner_id,
                name=people[standing.learner_id]["name"],
                email=people[standing.learner_id]["email"],
                reason=decision.reason,
                why=WHY[decision.reason],
                at=decision.at.astimezone(UTC) if decision.at else None,
                local_time=now.astimezone(ZoneInfo(decision.time_zone)).isoformat(timespec="minutes"),
                local_day=decision.local_day,
                time_zone=decision.time_zone,
                lessons_left=len(decision.lessons),
                next_lesson=(lesson.title or lesson.activity_id) if lesson else None,
                next_link=link_of(lesson) if lesson else None,
                cohort=next((m.cohort for m in standing.memberships if m.cohort_id == decision.cohort_id), None),
                unanswered=standing.unanswered,
            )
        )
    return PreviewPage(
        now=now,
        quiet_hours=f"{limits.quiet_from_hour:02}:00 to {limits.quiet_until_hour:02}:00 of the learner's day",
        sends="by SMTP" if settings.smtp_url else "into the outbox; nobody is mailed",
        warnings=warnings_of(settings),
        learners=rows,
        counts=dict(Counter(decision.reason for _, decision in decided)),
        more=users[-1].id if query.learner_id is None and len(users) == query.limit else None,
    )


def rendered(db: Session, cohort_id: UUID, learner_id: UUID, words: Words | None, settings: Settings) -> RenderedRead:
    """What a learner of the cohort would read with these words (None: those that the cohort has).

    Where nothing is open for them the first lessons of the cohort stand in, as if they were due today.
    """
    acts.template_of(db, cohort_id)
    if words is not None:
        check(words)
    found = choosing.look(db, learner_id, settings, clock.now())
    if found is None or not acts.in_cohort(db, learner_id, cohort_id):
        raise NotFound("There is no learner of this id in the cohort.")
    standing, decision = found
    viewer = visibility.admin(settings)
    if viewer.pseudonyms is not None:
        standing = replace(standing, name=viewer.pseudonyms.of(learner_id), email=None)
    lessons = tuple(lesson for lesson in decision.lessons if lesson.cohort_id == cohort_id)
    example = not lessons
    if example:
        lessons = _examples(db, cohort_id, decision.local_day)
    reminder = reminder_of(db, standing, _with(decision, lessons, cohort_id), settings)
    result = render(words or reminder.words, reminder.values)
    return RenderedRead(subject=result.subject, text=result.text, html=result.html, example=example)


def _with(decision: Decision, lessons: tuple[OpenLesson, ...], cohort_id: UUID) -> Decision:
    return Decision("due", decision.local_day, decision.time_zone, decision.at, lessons, cohort_id)


def _examples(db: Session, cohort_id: UUID, today: date) -> tuple[OpenLesson, ...]:
    ids = queries.first_lessons(db, cohort_id, limit=3)
    if not ids:
        raise NotFound("The cohort has no lessons, so there is nothing to show.")
    late = len(ids) - 1
    return tuple(
        OpenLesson(lesson_id, cohort_id, today - timedelta(days=late - i), i + 1) for i, lesson_id in enumerate(ids)
    )
