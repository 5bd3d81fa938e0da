"""A learner's timeline in words: what they did, day by day of their own, and what their choices say."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.analytics import queries_timeline, rules
from app.analytics.schemas import LearnerTimeline, SpokenDay, SpokenEntry, TimelineEntry
from app.platform.ids import stable_id

_VERBS = {
    "completed": "Completed",
    "passed": "Passed",
    "failed": "Failed",
    "answered": "Answered",
    "launched": "Opened",
    "initialized": "Opened",
    "opened": "Opened",
    "attempted": "Began",
    "started": "Began",
    "experienced": "Looked at",
    "viewed": "Looked at",
    "progressed": "Went on with",
    "interacted": "Used",
    "terminated": "Left",
    "exited": "Left",
    "suspended": "Paused",
    "resumed": "Came back to",
    "commented": "Commented on",
    "voided": "Took back",
}
MAX_ANSWER_CHARACTERS = 1_000


def spoken_days(db: Session, timeline: LearnerTimeline) -> list[SpokenDay]:
    """A page of a timeline, by days of its time zone, the newest first."""
    zone = ZoneInfo(timeline.time_zone)
    answered = [one for one in timeline.entries if one.response]
    keys = {stable_id("activity", one.object_id) for one in answered}
    choices = {key: rules.choice_texts(found or {}) for key, found in queries_timeline.definitions(db, keys).items()}

    def day_of(entry: TimelineEntry) -> date:
        return entry.occurred_at.astimezone(zone).date()

    return [
        SpokenDay(day=day, entries=[_spoken(one, choices) for one in entries])
        for day, entries in groupby(timeline.entries, day_of)
    ]


def statements_by_actor(db: Session, learner_id: UUID) -> dict[str, int]:
    """How many statements came under each identifier, written kind:value."""
    return {row.actor_key: row.statements for row in queries_timeline.actor_counts(db, learner_id)}


def _spoken(entry: TimelineEntry, choices: dict[UUID, dict[str, str]]) -> SpokenEntry:
    words = _VERBS.get(entry.verb) or entry.verb[:1].upper() + entry.verb[1:]
    return SpokenEntry(
        statement_id=entry.statement_id,
        at=entry.occurred_at,
        did="Completed" if entry.completes_lesson and entry.verb != "passed" else words,
        what=entry.object_name or entry.lesson_title or entry.object_id,
        lesson_id=entry.lesson_id,
        lesson=entry.lesson_title,
        answer=_answer(entry.response, choices.get(stable_id("activity", entry.object_id), {})),
        completes_lesson=entry.completes_lesson,
        success=entry.success,
        score_scaled=entry.score_scaled,
        duration_s=entry.duration_s,
    )


def _answer(response: str | None, texts: dict[str, str]) -> str | None:
    if not response:
        return None
    told: Iterable[str] = (texts.get(one, one) for one in rules.choices_of(response)) if texts else (response,)
    return ", ".join(told)[:MAX_ANSWER_CHARACTERS]
