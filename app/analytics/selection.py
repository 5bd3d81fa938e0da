"""Which part of the data a report is about: who looks, which days, which attributes, which page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.accounts import visibility
from app.accounts.visibility import ADMIN, EVERYBODY, Viewer
from app.analytics import rules
from app.errors import BadRequest, Problem
from app.platform import clock

PAGE_ROWS = 50
PAGE_MAX_ROWS = 500
"""How many rows a page has when the request does not say, and the most that it may ask for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows, and how the next ones are told: link makes what `next` says out of a cursor."""

    limit: int = PAGE_ROWS
    cursor: str | None = None
    link: Callable[[str], str] = str

    def next(self, cursor: str | None) -> str | None:
        """What `next` says: nothing when this was the last page."""
        return None if cursor is None else self.link(cursor)


@dataclass(frozen=True, slots=True)
class Part:
    """Whose rows of which span, as queries take it: an SQL condition on learners with its parameters, and the span.

    order: the SQL expression by which learners are ordered; their id decides between equals.
    """

    condition: str
    parameters: Mapping[str, Any]
    since: datetime | None = None
    until: datetime | None = None
    order: str = ""

    def within(self, column: str) -> str:
        """The SQL condition that a moment lies in the span; `true` for all of time."""
        conditions = [*([f"{column} >= :since"] if self.since else []), *([f"{column} < :until"] if self.until else [])]
        return " AND ".join(conditions) or "true"

    def bind(self, **more: object) -> dict[str, object]:
        """The parameters of a query, these among them."""
        return {**self.parameters, "since": self.since, "until": self.until, **more}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the viewer wants to look at. Days are days of `time_zone`, both included.

    attributes: by name, the values of which a learner has to have one; every name has to fit.
    """

    viewer: Viewer = ADMIN
    cohort_id: UUID | None = None
    lesson_id: UUID | None = None
    first_day: date | None = None
    last_day: date | None = None
    time_zone: str | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def zone(self, otherwise: str | None) -> ZoneInfo:
        """The time zone that was asked for, else this one, else UTC. BadRequest when it is unknown."""
        if self.time_zone is None:
            return clock.zone_of(otherwise) or ZoneInfo("UTC")
        found = clock.zone_of(self.time_zone)
        if found is None:
            wrong = Problem("?time_zone", f"{self.time_zone!r} is no IANA time zone.", "One such as Europe/Berlin.")
            raise BadRequest(f"?time_zone: {wrong.message}", [wrong])
        return found

    def span(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """From which moment (included) until which (not included). BadRequest when the last day is before the first."""
        if self.first_day and self.last_day and self.last_day < self.first_day:
            wrong = Problem("?to", "is before ?from.", "The same day or a later one.")
            raise BadRequest(f"?to: {wrong.message}", [wrong])
        return rules.span(self.first_day, self.last_day, zone)

    def learners(self, users: str) -> tuple[str, dict[str, Any]]:
        """The SQL condition, with its parameters, on rows of public.users known as `users` in the query."""
        fitting, parameters = visibility.have_attributes(self.viewer, users, self.attributes)
        conditions = [visibility.may_see(self.viewer, f"{users}.id"), fitting]
        condition = " AND ".join(one for one in conditions if one != EVERYBODY) or EVERYBODY
        return condition, {**visibility.parameters(self.viewer), **parameters}

    def statements(self, learner: str) -> tuple[str, dict[str, Any]]:
        """The SQL condition, with its parameters, on the learner of statements, such as `flat.learner_id`.

        Without a cohort, attributes or a narrower view it is `true`, and nobody's statements (a group's) are in it too.
        """
        if self.viewer.sees_everybody and self.cohort_id is None and not self.attributes:
            return "true", {}
        condition, parameters = self.learners("u")
        cohort = ""
        if self.cohort_id is not None:
            cohort = "JOIN cohort_members m ON m.user_id = u.id AND m.cohort_id = :cohort_id"
            parameters["cohort_id"] = self.cohort_id
        # As a question to be answered, not as a join: a table of the learners is made once, whatever their number.
        return f"({learner} IN (SELECT u.id FROM users u {cohort} WHERE {condition})) IS TRUE", parameters  # noqa: S608
