"""The prebuilt queries: what each answers, and the types and bounds of its parameters."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeVar
from uuid import UUID

from app.analytics import queries_prebuilt as sql
from app.errors import BadRequest, NotFound, Problem
from app.platform import clock

ParameterKind = Literal["cohort", "lesson", "number", "day"]
ChartKind = Literal["bars", "drop_off", "days", "hours"]
Read = TypeVar("Read")
Value = UUID | float | int | date | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query asks for. kind: cohort and lesson are ids, day is YYYY-MM-DD.

    default: of a number; of a day, so many days before today, UTC. None: nothing, and then `needed` or every one.
    """

    name: str
    label: str
    kind: ParameterKind
    help: str = ""
    needed: bool = False
    default: float | None = None
    least: float = 0
    most: float = 0
    whole: bool = True

    def default_value(self) -> Value:
        """What it is when nothing was said."""
        if self.default is None:
            return None
        if self.kind == "day":
            return clock.now().date() - timedelta(days=int(self.default))
        return int(self.default) if self.whole else self.default

    def read(self, written: str) -> Value:
        """The value that somebody wrote. ValueError says what would be right."""
        written = written.strip()
        if not written:
            if self.needed:
                raise ValueError(f"The id of a {self.kind}.")
            return self.default_value()
        if self.kind in ("cohort", "lesson"):
            return _read(UUID, written, f"The id of a {self.kind}.")
        if self.kind == "day":
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.ASCII):
                raise ValueError("A day such as 2026-03-02.")
            return _read(date.fromisoformat, written, "A day such as 2026-03-02.")
        told = f"A {'whole ' if self.whole else ''}number from {self.least:g} to {self.most:g}."
        number: float = _read(int, written, told) if self.whole else _read(float, written, told)
        if not self.least <= number <= self.most:
            raise ValueError(told)
        return number


@dataclass(frozen=True, slots=True)
class Chart:
    """How a result is drawn. label, value: columns. unit: of the values, plural."""

    kind: ChartKind
    label: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class PrebuiltQuery:
    """A query that everybody with `scope` may run. question: what it answers. words: columns that learners wrote."""

    name: str
    title: str
    question: str
    group: str
    sql: str
    parameters: tuple[Parameter, ...] = ()
    chart: Chart | None = None
    scope: str = "reports:read"
    words: tuple[str, ...] = ()

    def read(self, given: Mapping[str, object]) -> dict[str, Value]:
        """The parameters, checked. BadRequest names each that is not known or not right."""
        known = {one.name: one for one in self.parameters}
        problems = [
            Problem(f"?{name}", "is no parameter of this query.", _listed(tuple(known)))
            for name in given
            if name not in known
        ]
        values: dict[str, Value] = {}
        for name, one in known.items():
            written = given.get(name)
            try:
                if written is not None and (isinstance(written, bool) or not isinstance(written, str | int | float)):
                    raise ValueError("Text or a number.")
                values[name] = one.read("" if written is None else str(written))
            except ValueError as error:
                problems.append(Problem(f"?{name}", "is not right." if written else "is needed.", str(error)))
        if problems:
            raise BadRequest(problems[0].sentence(), problems)
        return values


def find(name: str) -> PrebuiltQuery:
    """The query of this name. NotFound says which there are."""
    if name not in QUERIES:
        raise NotFound(f"There is no prebuilt query of this name. There are: {', '.join(QUERIES)}.")
    return QUERIES[name]


def _read(kind: Callable[[str], Read], written: str, told: str) -> Read:
    try:
        return kind(written)
    except ValueError:
        raise ValueError(told) from None


def _listed(names: tuple[str, ...]) -> str:
    return f"One of: {', '.join(names)}." if names else "It takes none."


_COHORT = Parameter("cohort", "Cohort", "cohort", needed=True)
_ANY_COHORT = Parameter("cohort", "Cohort", "cohort")
_LESSON = Parameter("lesson", "Lesson", "lesson", needed=True)
_ANY_LESSON = Parameter("lesson", "Lesson", "lesson")
_SINCE = Parameter("since", "From day", "day", default=28)

_ALL = (
    PrebuiltQuery(
        "completion-by-cohort",
        "Completion by cohort",
        "How much of its plan has each cohort completed?",
        "Progress",
        sql.COHORTS,
        chart=Chart("bars", "cohort", "completed_percent", "% of lessons"),
    ),
    PrebuiltQuery(
        "completion-by-lesson",
        "Completion by lesson",
        "Who of a cohort started and completed each lesson, in numbers?",
        "Progress",
        sql.LESSONS_OF_COHORT,
        (_COHORT,),
        Chart("bars", "lesson", "completed_percent", "% of learners"),
    ),
    PrebuiltQuery(
        "drop-off",
        "Drop-off",
        "How many learners got at least as far as each lesson, and where do they stop?",
        "Progress",
        sql.DROP_OFF,
        (_COHORT,),
        Chart("drop_off", "lesson", "reached", "learners"),
    ),
    PrebuiltQuery(
        "never-started",
        "Never started",
        "Who has joined a cohort and not begun any lesson, and was reminded how often?",
        "Learners",
        sql.NEVER_STARTED,
        (_ANY_COHORT,),
    ),
    PrebuiltQuery(
        "slow-learners",
        "Slow learners",
        "Who took several times as long as is usual for the lessons they completed?",
        "Learners",
        sql.SLOW_LEARNERS,
        (
            _ANY_COHORT,
            Parameter(
                "times",
                "Times the median",
                "number",
                default=3,
                least=1,
                most=1000,
                whole=False,
            ),
        ),
    ),
    PrebuiltQuery(
        "lesson-times",
        "Lessons by median time",
        "How long do learners take from their first statement about a lesson to its completion?",
        "Lessons",
        sql.LESSON_TIMES,
        (_ANY_COHORT,),
        Chart("bars", "lesson", "median_minutes", "minutes"),
    ),
    PrebuiltQuery(
        "question-difficulty",
        "Question difficulty",
        "Which questions are answered wrong most often?",
        "Answers",
        sql.QUESTIONS,
        (
            _ANY_LESSON,
            Parameter("least", "Answers at least", "number", default=5, least=1, most=10**6),
        ),
        Chart("bars", "question", "right_percent", "% right"),
    ),
    PrebuiltQuery(
        "answers-chosen",
        "Answers chosen",
        "How do the answers to each question of a lesson spread?",
        "Answers",
        sql.CHOICES,
        (_LESSON,),
        Chart("bars", "answer", "given", "answers"),
    ),
    PrebuiltQuery(
        "text-answers",
        "Answers in words",
        "What did learners write in a lesson?",
        "Answers",
        sql.TEXTS,
        (_LESSON,),
        words=("answer",),
    ),
    PrebuiltQuery(
        "busiest-hours",
        "Busiest hours",
        "On which weekdays and at which hours of the cohort's time zone do its learners learn?",
        "Activity",
        sql.BUSIEST_HOURS,
        (_COHORT, _SINCE),
        Chart("hours", "hour", "statements", "statements"),
    ),
    PrebuiltQuery(
        "statements-by-verb-and-day",
        "Statements by verb and day",
        "What came in, by the day it happened, in UTC?",
        "Activity",
        sql.VERBS_BY_DAY,
        (_SINCE, Parameter("until", "To day", "day", default=0)),
        Chart("days", "day", "statements", "statements"),
    ),
    PrebuiltQuery(
        "reminders-and-return",
        "Reminders and who came back",
        "What became of reminders, and after how many did the learner do something?",
        "Activity",
        sql.REMINDERS,
        (
            _ANY_COHORT,
            _SINCE,
            Parameter("days", "Within days", "number", default=3, least=1, most=60),
        ),
        Chart("bars", "status", "reminders", "reminders"),
    ),
    PrebuiltQuery(
        "duplicates",
        "Repeated statements",
        "What was said twice under different ids: same learner, verb, object and answer within seconds?",
        "Pipeline",
        sql.DUPLICATES,
        (
            _SINCE,
            Parameter("seconds", "Within seconds", "number", default=60, least=0, most=86_400),
        ),
    ),
    PrebuiltQuery(
        "dead-letters-by-reason",
        "Dead letters by reason",
        "What could not be stored, why, and how often was it sent?",
        "Pipeline",
        sql.DEAD_LETTERS,
        scope="dead-letters:read",
    ),
)

QUERIES: dict[str, PrebuiltQuery] = {one.name: one for one in _ALL}
"""Every prebuilt query, by its name in addresses."""
