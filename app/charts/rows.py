"""What charts are made of: rows without anything of a database, and the frame that every chart has.

A value of None is not known (or not yet); 0 is a zero that was counted. The two never look the same.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What is said around a chart.

    unit: what is counted, plural ("learners"), or a share ("% of learners"). period: in words. time_zone: its name,
    empty where no clock is involved. title: the finding; empty, a rule computes it (`app.charts.words`).
    width: px; 720 for pages, 358 for phones, 560 for e-mails.
    """

    unit: str
    period: str
    time_zone: str = ""
    title: str = ""
    width: int = 720

    @property
    def subtitle(self) -> str:
        """Unit, period and time zone in one line."""
        return " · ".join(part for part in (self.unit, self.period, self.time_zone) if part)


class Day(NamedTuple):
    """A number of one day."""

    day: date
    value: float | None


class Bar(NamedTuple):
    """A number with a name. of: what it is a part of, where it is one (12 of 40)."""

    label: str
    value: float | None
    of: float | None = None


class Answer(NamedTuple):
    """How many chose an answer. is_right is None where nothing is right or wrong, as in a poll."""

    label: str
    chosen: int
    is_right: bool | None = None


class Step(NamedTuple):
    """A lesson in its place in the course, and how many reached it."""

    label: str
    reached: int | None


class Hour(NamedTuple):
    """Activity in one hour of the week. weekday: 0 is Monday. hour: 0 to 23."""

    weekday: int
    hour: int
    number: int | None


class Standing(NamedTuple):
    """Where the learners of a cohort (or in a lesson) stand; four counts."""

    label: str
    done: int
    in_progress: int
    late: int
    not_started: int


@dataclass(frozen=True, slots=True)
class Table:
    """The same numbers as a table: for CSV and for readers who do not see the picture."""

    header: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
