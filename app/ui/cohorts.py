"""The pages of cohorts: all of them beside each other, and how one of them is doing."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics import cohort_list, grid, overview
from app.analytics.rules import rate
from app.analytics.schemas import CohortOverview, LessonName
from app.analytics.schemas_course import AttributeChoice, CohortGrid, CohortList, WeekBefore
from app.analytics.selection import Page
from app.database import get_db
from app.ui import course_figures  # noqa: F401  (the charts of these pages)
from app.ui.asking import ATTRIBUTE, Days, Listing, NoneIfEmpty, Word, files_of, filters_of, going_on
from app.ui.definitions import definition
from app.ui.figures import drawn, narrow_of
from app.ui.pages import HTML, show, wants_json, zone_of

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

COHORTS_PAGE_ROWS = 100
AT_RISK_SHOWN = 8
AT_RISK_MAX_SHOWN = 100
CohortSort = Literal[
    "name",
    "-name",
    "learners",
    "-learners",
    "rate",
    "-rate",
    "active",
    "-active",
    "risk",
    "-risk",
    "due",
    "-due",
]


class CohortsQuery(Listing):
    """Which cohorts, in which order."""

    q: Annotated[Word | None, NoneIfEmpty] = None
    sort: Annotated[CohortSort | None, NoneIfEmpty] = None


class CohortsPage(BaseModel):
    """The list of cohorts. sort: in which order; downwards with a hyphen in front."""

    list: CohortList
    search: str | None
    sort: CohortSort


@router.get("/ui/cohorts", response_model=CohortsPage, responses=HTML, dependencies=[needs("reports:read")])
def get_cohorts(request: Request, db: Db, query: Annotated[CohortsQuery, Query()]) -> Response:
    """All cohorts: learners, completion, who is active and at risk, the lesson due next."""
    sort = query.sort or "name"
    page_wanted = Page(COHORTS_PAGE_ROWS, query.cursor, going_on(request))
    found = cohort_list.all_cohorts(db, filters_of(request), page_wanted, sort=sort, search=query.q or "")
    return show(request, "cohorts.html", CohortsPage(list=found, search=query.q, sort=sort), hint=definition)


class CohortQuery(Listing, Days):
    """Which part of a cohort. Parameters that begin with `attr.` filter by attributes."""

    lesson: Annotated[UUID | None, NoneIfEmpty] = None
    sort: Annotated[grid.Sort | None, NoneIfEmpty] = None
    risks: Annotated[int, NoneIfEmpty] = Field(AT_RISK_SHOWN, ge=1, le=AT_RISK_MAX_SHOWN)


class CohortPage(BaseModel):
    """How a cohort is doing. all_active_share: of all cohorts, to compare with. lessons, attributes: to filter by.

    behind_count, silent_count: for which reason learners are at risk; some for both.
    """

    overview: CohortOverview
    week_before: WeekBefore
    active_share: float | None
    all_active_share: float | None
    at_risk_share: float | None
    behind_count: int
    silent_count: int
    grid: CohortGrid
    lessons: list[LessonName]
    attributes: list[AttributeChoice]


@router.get("/ui/cohorts/{cohort_id}", response_model=CohortPage, responses=HTML, dependencies=[needs("reports:read")])
def get_cohort(request: Request, cohort_id: UUID, db: Db, query: Annotated[CohortQuery, Query()]) -> Response:
    """One cohort: its figures, who did which lesson, who is at risk and why, where people drop off."""
    filters, everybody = filters_of(request, query, attributes=True), filters_of(request)
    limits = overview.Limits()
    read = overview.read_cohort(db, cohort_id, filters, limits)
    told = overview.overview_of(db, read, limits, Page(query.risks))
    rows = grid.cohort_grid(
        db,
        read,
        {lesson.id: lesson.completed for lesson in told.lessons},
        Page(grid.GRID_LEARNERS, query.cursor, going_on(request)),
        query.sort or "name",
    )
    page = CohortPage.model_construct(
        overview=told,
        week_before=cohort_list.week_before(db, read),
        active_share=rate(told.active_learner_count, told.learner_count),
        at_risk_share=rate(told.at_risk_count, told.learner_count),
        all_active_share=cohort_list.active_share(db, everybody, read.now),
        behind_count=sum("behind" in risk.reasons for _, risk in read.at_risk),
        silent_count=sum("silent" in risk.reasons for _, risk in read.at_risk),
        grid=rows,
        lessons=cohort_list.lessons_of(db, cohort_id),
        attributes=cohort_list.attributes_of(db, cohort_id, everybody),
    )
    if wants_json(request):
        return show(request, "cohort.html", page)
    about: dict[str, str | None] = {
        name: value for name, value in request.query_params.items() if value and _is_of_chart(name)
    }
    about |= {"cohort": str(cohort_id), "narrow": narrow_of(request)}
    figure = drawn(db, "drop-off", zone_of(request), **about) if told.started_learner_count else None
    api = f"/api/reports/cohorts/{cohort_id}"
    return show(
        request,
        "cohort.html",
        page,
        hint=definition,
        drop_off=figure,
        chosen=filters,
        lesson_options=[(str(one.id), one.title or one.activity_id) for one in page.lessons],
        zone_options=_zones(told.cohort.time_zone, zone_of(request).key, query.time_zone),
        attribute_options={one.name: [(value, value) for value in one.values] for one in page.attributes},
        completions=files_of(request, f"{api}/completions", "from", "to", "time_zone", "lesson", ATTRIBUTE),
        at_risk=files_of(request, f"{api}/at-risk", ATTRIBUTE),
    )


def _is_of_chart(name: str) -> bool:
    """Whether the drop-off takes this parameter of the page; it is told along all lessons."""
    return name in ("from", "to", "time_zone") or name.startswith(ATTRIBUTE)


def _zones(own: str, viewers: str, asked: str | None) -> list[tuple[str, str]]:
    """The time zones whose days can be chosen: the cohort's, the viewer's, UTC, and the one that is asked for."""
    others = dict.fromkeys(zone for zone in (viewers, "UTC", asked) if zone and zone != own)
    return [("", f"{own}, its own"), *((zone, zone) for zone in others)]
