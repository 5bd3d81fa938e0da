"""The page of all learners: who they are, how far they are, who is behind; and the same as a file."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.accounts import visibility
from app.accounts.cohorts import list_cohorts
from app.analytics import learners
from app.analytics.learners import Asked
from app.analytics.parameters import ATTRIBUTE
from app.analytics.queries_learners import Sort
from app.analytics.schemas import LearnerList, LearnerState
from app.analytics.selection import Filters, Page
from app.analytics.tables import CSV, XLSX, Table, csv_chunks, file_chunks, xlsx_file
from app.database import get_db
from app.ui.asking import Asking, Cursor, NoneIfEmpty, Word, attributes_of
from app.ui.definitions import definition
from app.ui.pages import HTML, PRIVATE, Shell, show

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

FILE_MAX_ROWS = 200_000
STATES: dict[LearnerState, tuple[str, str]] = {
    "on_track": ("progress", "On track"),
    "behind": ("late", "Behind"),
    "silent": ("late", "Silent"),
    "not_started": ("none", "Not started"),
    "finished": ("done", "Finished"),
}
"""How a state is shown: the kind of its mark, and its words."""
SORTABLE = ("name", "completed", "last")
Told = Literal["erased"]


class LearnersQuery(Asking):
    """Which learners. Parameters that begin with `attr.` filter by attributes."""

    q: Annotated[Word | None, NoneIfEmpty] = None
    cohort: Annotated[UUID | None, NoneIfEmpty] = None
    state: Annotated[LearnerState | None, NoneIfEmpty] = None
    sort: Annotated[Sort | None, NoneIfEmpty] = None
    cursor: Annotated[Cursor | None, NoneIfEmpty] = None
    told: Annotated[Told | None, NoneIfEmpty] = None


class LearnersPage(BaseModel):
    """The list, what it is narrowed to, and what it can be narrowed to. pseudonyms: how learners are shown."""

    list: LearnerList
    search: str | None
    cohort: UUID | None
    state: LearnerState | None
    sort: Sort
    attributes: dict[str, tuple[str, ...]]
    pseudonyms: bool


@router.get(
    "/ui/learners", response_model=LearnersPage, responses=HTML, dependencies=[needs("learners:read")], name="learners"
)
def get_learners(request: Request, db: Db, query: Annotated[LearnersQuery, Query()]) -> Response:
    """All learners: search, filters, order and pages in the address."""
    filters, asked = _asked(request, query)
    found = learners.list_learners(db, filters, asked, Page(cursor=query.cursor))
    page = LearnersPage(
        list=found,
        search=asked.search,
        cohort=query.cohort,
        state=query.state,
        sort=asked.sort,
        attributes=dict(filters.attributes),
        pseudonyms=filters.viewer.pseudonyms is not None,
    )
    return show(
        request,
        "learners.html",
        page,
        states=STATES,
        sortable=SORTABLE,
        told=query.told,
        cohorts=[(one.id, one.name) for one in list_cohorts(db)],
        state_options=_state_options(found),
        choices={name: [(v, v) for v in values] for name, values in _choices(db, filters).items()},
        attribute=ATTRIBUTE,
        state_hint=state_hint(),
        file=lambda shell, kind: shell.address(cursor=None, told=None, **{"as": kind}).replace(
            "/ui/learners", "/ui/learners/file", 1
        ),
        chips=lambda shell: _chips(shell, db, query, filters),
    )


@router.get(
    "/ui/learners/file",
    response_class=StreamingResponse,
    responses={200: {"content": {CSV: {}, XLSX: {}}}},
    dependencies=[needs("learners:read")],
)
def get_learners_file(
    request: Request,
    db: Db,
    query: Annotated[LearnersQuery, Query()],
    kind: Annotated[Literal["csv", "xlsx"], Query(alias="as")] = "csv",
) -> Response:
    """The same list, all of its pages, as CSV or XLSX."""
    filters, asked = _asked(request, query)
    # By progress or activity everybody is looked at in one go, so that a file is one query.
    found = learners.list_learners(db, filters, Asked(asked.search, asked.state, asked.sort), Page(FILE_MAX_ROWS))
    table = Table("learners", learners.COLUMNS, learners.rows(found))
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="learners.{kind}"'}
    if kind == "csv":
        return StreamingResponse(csv_chunks(table), media_type="text/csv; charset=utf-8", headers=headers)
    return StreamingResponse(file_chunks(xlsx_file(table)), media_type=XLSX, headers=headers)


def _asked(request: Request, query: LearnersQuery) -> tuple[Filters, Asked]:
    filters = Filters(viewer=visibility.admin(), cohort_id=query.cohort, attributes=attributes_of(request))
    return filters, Asked(query.q.strip() if query.q else None, query.state, query.sort or "name")


def _choices(db: Session, filters: Filters) -> dict[str, list[str]]:
    return learners.attribute_choices(db, filters.viewer)


def _state_options(found: LearnerList) -> list[tuple[str, str]]:
    counts = found.counts
    return [
        (state, words if counts is None else f"{words} ({counts.get(state, 0):,})")
        for state, (_, words) in STATES.items()
    ]


def state_hint() -> tuple[str, str, str]:
    """What the states of learners mean, for a hint."""
    anchor, text = definition("State of a learner")
    return anchor, "State", text


def _chips(shell: Shell, db: Session, query: LearnersQuery, filters: Filters) -> list[tuple[str, str]]:
    """What the list is narrowed to, each with the address without it."""
    chips = []
    if query.q:
        chips.append((f"Search: {query.q}", shell.address(q=None, cursor=None)))
    if query.cohort:
        name = next((one.name for one in list_cohorts(db) if one.id == query.cohort), str(query.cohort))
        chips.append((f"Cohort: {name}", shell.address(cohort=None, cursor=None)))
    if query.state:
        chips.append((f"State: {STATES[query.state][1]}", shell.address(state=None, cursor=None)))
    for name, values in filters.attributes.items():
        chips.append((f"{name}: {' or '.join(values)}", shell.address(**{ATTRIBUTE + name: None, "cursor": None})))
    return chips
