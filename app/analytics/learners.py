"""The list of all learners: found, in some state, in some order; and the lessons of one of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.orm import Session

from app.accounts import visibility
from app.accounts.cohorts import list_cohorts
from app.accounts.visibility import LEAST_LEARNERS, Viewer
from app.analytics import queries_learners, rules
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.queries_learners import Sort, States, Wanted
from app.analytics.schemas import LearnerLesson, LearnerLine, LearnerList, LearnerState
from app.analytics.scope import MAX_LESSONS, chosen_cohort, name_of
from app.analytics.selection import Filters, Page
from app.analytics.tables import Cell
from app.models import User
from app.platform import clock
from app.schemas import CohortName

SEEN_LEARNERS = 6_000
"""Up to so many learners each is looked at for every page, which then says how many are in which state."""
CHOSEN_VALUES = 30
"""An attribute with more different values is nothing to choose from; it can be filtered by all the same."""
_PHONE = "+0123456789 ().-/"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list is asked for beside its filters. search: in name, e-mail, phone or avatar."""

    search: str | None = None
    state: LearnerState | None = None
    sort: Sort = "name"


def list_learners(db: Session, filters: Filters, asked: Asked, page: Page) -> LearnerList:
    """One page of learners. BadRequest names the filter that is wrong."""
    chosen_cohort(db, filters)
    now = clock.now()
    kinds = {"name": (str, UUID), "completed": (int, UUID), "last": (datetime, UUID)}[asked.sort.lstrip("-")]
    after = cast(tuple[Any, UUID], read_cursor(page.cursor, *kinds)) if page.cursor else None
    condition, parameters = _condition(filters, asked.search)
    wanted = Wanted(
        condition,
        parameters,
        visibility.order(filters.viewer, "users"),
        filters.cohort_id,
        asked.sort,
        after,
        page.limit + 1,
    )
    states = _states(db, now)
    in_order = asked.sort.lstrip("-") != "name" or asked.state is not None
    counts: dict[LearnerState, int] | None = None
    if in_order or queries_learners.count(db, wanted, SEEN_LEARNERS + 1) <= SEEN_LEARNERS:
        found, by_state = queries_learners.by_facts(db, wanted, states, asked.state)
        counts = cast(dict[LearnerState, int], by_state)
        total = by_state.get(asked.state, 0) if asked.state else sum(by_state.values())
    else:
        found, total = queries_learners.by_name(db, wanted, states), queries_learners.count(db, wanted)
    shown = found[: page.limit]
    last = shown[-1] if len(found) > page.limit else None
    return LearnerList(
        generated_at=now,
        learner_count=total,
        counts=counts,
        learners=_lines(db, filters.viewer, shown),
        next=page.next(last and write_cursor(_sorted_by(last, asked.sort), last.id)),
    )


def cohorts_of(db: Session, learner_id: UUID) -> list[CohortName]:
    """The cohorts that a learner is in, in the order of joining."""
    person = queries_learners.people(db, [learner_id]).get(learner_id)
    cohorts = {one.id: name_of(one) for one in list_cohorts(db)}
    return [cohorts[key] for key in (person.cohort_ids if person else ()) if key in cohorts]


def lessons_of(db: Session, learner_id: UUID, time_zone: str | None) -> list[LearnerLesson]:
    """The lessons of one learner in the order of the course. time_zone: the learner's own, where it is known."""
    now = clock.now()
    told = []
    for row in queries_learners.lessons_of(db, learner_id, MAX_LESSONS):
        late = 0 if row.completed_at else rules.overdue_days(row.due_on, rules.today(now, time_zone, row.time_zone))
        columns = {name: value for name, value in row._mapping.items() if name != "time_zone"}
        told.append(LearnerLesson(**columns, overdue_days=late))
    return told


def attribute_choices(db: Session, viewer: Viewer) -> dict[str, list[str]]:
    """Attributes to choose from: by name, their values. Under pseudonyms only what enough learners have."""
    least = 1 if viewer.pseudonyms is None else LEAST_LEARNERS
    choices: dict[str, list[str]] = {}
    for row in queries_learners.attribute_values(db, least, CHOSEN_VALUES):
        choices.setdefault(row.name, []).append(row.value)
    return choices


def _condition(filters: Filters, search: str | None) -> tuple[str, dict[str, Any]]:
    condition, parameters = filters.learners("users")
    if not search:
        return condition, parameters
    found = visibility.found_by(filters.viewer, "?q", search, User.name, User.email, User.phone, User.avatar)
    if filters.viewer.pseudonyms is None and set(search) <= set(_PHONE) and any(c.isdigit() for c in search):
        # A number is found as people write it, too.
        digits = "".join(c for c in search if c.isdigit())
        found = or_(found, func.coalesce(User.phone, "").contains(digits, autoescape=True))
    told = found.compile(dialect=psycopg2.dialect(paramstyle="named"))  # type: ignore[no-untyped-call]
    return f"{condition} AND ({told})", {**parameters, **told.params}


def _states(db: Session, now: datetime) -> States:
    days: Mapping[str, date] = {name: rules.today(now, name, "UTC") for name in queries_learners.zones(db)}
    return States(rules.BEHIND_LESSONS, now - timedelta(days=rules.SILENT_DAYS), days)


def _sorted_by(row: Any, sort: Sort) -> Any:
    column = sort.lstrip("-")
    if column == "last":
        return row.last_activity_at or datetime.fromisoformat("0001-01-01T00:00:00+00:00")
    return row.sort if column == "name" else row.completed


def _lines(db: Session, viewer: Viewer, rows: Any) -> list[LearnerLine]:
    people = queries_learners.people(db, [row.id for row in rows])
    cohorts = {one.id: name_of(one) for one in list_cohorts(db)} if people else {}
    return [
        LearnerLine(
            **visibility.shown(viewer, person),
            avatar=person.avatar if viewer.pseudonyms is None else None,
            cohorts=[cohorts[key] for key in person.cohort_ids if key in cohorts],
            completed=row.completed,
            planned=row.planned,
            overdue=max(0, row.overdue),
            last_activity_at=row.last_activity_at,
            state=row.state,
        )
        for row in rows
        if (person := people.get(row.id)) is not None
    ]


COLUMNS = ("learner", "email", "phone", "avatar", "cohorts", "completed", "planned", "overdue", "last_active", "state")


def rows(report: LearnerList) -> Iterator[tuple[Cell, ...]]:
    """One row per learner."""
    for one in report.learners:
        yield (
            one.name,
            one.email,
            one.phone,
            one.avatar,
            ", ".join(cohort.name for cohort in one.cohorts),
            one.completed,
            one.planned,
            one.overdue,
            one.last_activity_at,
            one.state,
        )
