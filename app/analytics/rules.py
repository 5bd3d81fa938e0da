"""What the numbers mean, apart from where they are kept. docs/metrics.md says the same to people. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from app.platform import clock

RATE_DIGITS = 4
BEHIND_LESSONS = 2
SILENT_DAYS = 7
ACTIVE_DAYS = 7
MAX_CHOICES = 50
"""The most different answers of a question that are told one by one."""

Kind = Literal["poll", "quiz", "rating", "text"]
_RATINGS = frozenset({"likert", "numeric"})
_TEXTS = frozenset({"long-fill-in", "fill-in"})
_CHOSEN = frozenset({"choice", "true-false"})
_KINDS: dict[str, Kind] = {
    "poll": "poll",
    "quiz": "quiz",
    "rating": "rating",
    "form": "text",
    "text": "text",
    "open": "text",
}
_SEVERAL = "[,]"
_TRAILING_NUMBER = re.compile(r"-?\d+(\.\d+)?$", re.ASCII)


def rate(part: int, whole: int) -> float | None:
    """A share from 0 to 1, rounded to four digits; None of nothing."""
    return round(part / whole, RATE_DIGITS) if whole else None


def rounded(seconds: float | None) -> float | None:
    """Seconds, to a tenth."""
    return None if seconds is None else round(float(seconds), 1)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day in a time zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def span(first: date | None, last: date | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """From which moment (included) until which (not included) these days last, both of them included."""
    return (
        start_of(first, zone) if first else None,
        start_of(last + timedelta(days=1), zone) if last else None,
    )


def today(now: datetime, zone_name: str | None, otherwise: str) -> date:
    """The learner's own day: in their time zone, in that of their cohort while theirs is not known."""
    return now.astimezone(clock.zone_of(zone_name) or clock.zone_of(otherwise) or UTC).date()


def overdue_days(due_on: date | None, learners_today: date) -> int:
    """For how many days a lesson that is not complete has been overdue: 0 on the day due itself, and before."""
    return max(0, (learners_today - due_on).days) if due_on else 0


def question_kind(card_type: str | None, interaction_type: str | None, *, is_judged: bool) -> Kind:
    """What a question is: as 7taps calls its card, else by its interaction type (xAPI 1.0.3 Data 2.4.4.1).

    is_judged: whether an answer to it was called right or wrong.
    """
    if card_type and (kind := _KINDS.get(card_type.lower())):
        return kind
    if interaction_type in _RATINGS:
        return "rating"
    if interaction_type in _TEXTS:
        return "quiz" if is_judged else "text"
    if is_judged:
        return "quiz"
    return "poll" if interaction_type else "text"


def rating_of(raw: float | None, choice: str | None) -> float | None:
    """The number of a rating: result.score.raw, else the number that the response ends with, as in stars-4."""
    if raw is not None:
        return raw
    found = _TRAILING_NUMBER.search(choice or "")
    # A hyphen before the number separates, unless there is nothing else.
    return None if found is None else float(found[0] if found[0] == choice else found[0].lstrip("-"))


def choices_of(response: str | None) -> list[str]:
    """The choices that a response names; several are joined by `[,]` (xAPI 1.0.3 Data, appendix C)."""
    return [] if response is None else list(dict.fromkeys(response.split(_SEVERAL)))


def distribution(counted: Iterable[tuple[str | None, int]]) -> list[tuple[str, int]]:
    """How many learners named each choice, the most frequent first, MAX_CHOICES at most. counted: by response."""
    total: Counter[str] = Counter()
    for response, learners in counted:
        for choice in choices_of(response):
            total[choice] += learners
    return sorted(total.items(), key=lambda one: (-one[1], one[0]))[:MAX_CHOICES]


def right_choices(definition: Mapping[str, Any], judged: Iterable[tuple[str | None, bool | None]]) -> dict[str, bool]:
    """Which choices are right and which are wrong, as answers were judged; else as the definition says.

    judged: (response, success). A choice that stands only among several in a response was not judged by itself.
    correctResponsesPattern (xAPI 1.0.3 Data, appendix C) names the right ones; what it does not name is wrong.
    """
    known = {response: success for response, success in judged if response is not None and success is not None}
    found = definition.get("correctResponsesPattern")
    patterns = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    if definition.get("interactionType") in _CHOSEN and patterns:
        right = {choice for one in patterns for choice in choices_of(one)}
        named = {str(one) for one in choice_texts(definition)}
        return {choice: choice in right for choice in named | right} | known
    return known


def choice_texts(definition: Mapping[str, Any]) -> dict[str, str]:
    """What the choices of an interaction mean, by their id: of choices, scale or source (xAPI 1.0.3 Data 2.4.4.1)."""
    texts: dict[str, str] = {}
    for name in ("choices", "scale", "source"):
        found = definition.get(name)
        for one in found if isinstance(found, list) else ():
            if isinstance(one, Mapping) and isinstance(words := one.get("description"), Mapping) and words:
                texts[str(one.get("id"))] = str(
                    next((words[tag] for tag in ("en-US", "en") if tag in words), None) or next(iter(words.values()))
                )
    return texts


class Risk(NamedTuple):
    """Whether a learner is at risk, and why. overdue: lessons due and not complete. silent_since: the last activity."""

    reasons: tuple[Literal["behind", "silent"], ...]
    overdue: int
    silent_since: datetime
    silent_days: int


def risk(
    *,
    overdue: int,
    is_finished: bool,
    last_at: datetime | None,
    begun_at: datetime,
    now: datetime,
    behind_lessons: int,
    silent_days: int,
) -> Risk:
    """Who has completed every lesson is not at risk. Without any activity, silence began when the learner joined.

    begun_at: when they joined the cohort, or when it began, whichever was later.
    """
    silent_since = last_at or begun_at
    silent_for = max(0, (now - silent_since).days)
    reasons: list[Literal["behind", "silent"]] = []
    if not is_finished and overdue >= behind_lessons:
        reasons.append("behind")
    if not is_finished and silent_for >= silent_days:
        reasons.append("silent")
    return Risk(tuple(reasons), overdue, silent_since, silent_for)
