"""Where people begin: how things go now, beside last week."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.analytics import today
from app.analytics.schemas_today import CohortToday, LatestActivity, Today
from app.config import Settings
from app.database import get_db
from app.errors import NotFound
from app.schemas import CohortName
from app.ui import overview_charts as charts
from app.ui.definitions import definition
from app.ui.figures import drawn, drawn_chart, narrow_of, width_of
from app.ui.pages import HTML, show, wants_json, zone_of
from app.ui.remembering import remembered, remembering
from app.ui.viewing import viewer_of

router = APIRouter(tags=["Pages"], include_in_schema=False)

LATEST_SHOWN = 12
COHORTS_SECONDS = 10
"""For so long the figures of the cohorts stand: they pass over the progress of every learner."""


class OverviewPage(BaseModel):
    """How things go now. cohort: whose drop-off is shown. is_fresh: nobody and nothing is there yet."""

    is_fresh: bool
    today: Today
    cohorts: list[CohortToday]
    cohort: CohortName | None
    latest: list[LatestActivity]
    statements_address: str


@router.get("/ui", response_model=OverviewPage, responses=HTML, dependencies=[needs("reports:read")])
def get_overview(
    request: Request,
    db: Annotated[Session, Depends(get_db, scope="function")],
    cohort: Annotated[
        UUID | None, Query(description="whose drop-off is shown; the one that began last if none")
    ] = None,
) -> Response:
    """Active learners, today beside last week, every cohort, where people drop off, when they are active."""
    viewer, zone = viewer_of(request), zone_of(request)
    settings: Settings = request.app.state.settings
    remembering(request.app, db)
    now = today.today(db, viewer, zone)
    cohorts = remembered(db, ("cohorts", viewer), COHORTS_SECONDS, lambda: today.cohorts_today(db, viewer))
    chosen = next((one.cohort for one in cohorts if cohort in (None, one.cohort.id) and one.learner_count), None)
    if cohort is not None and chosen is None:
        chosen = next((one.cohort for one in cohorts if one.cohort.id == cohort), None)
        if chosen is None:
            raise NotFound(f"There is no cohort {cohort}, or it is not among the {today.MAX_COHORTS} newest.")
    latest = today.latest_activity(db, viewer, LATEST_SHOWN)
    page = OverviewPage(
        is_fresh=not (now.learner_count or cohorts or latest),
        today=now,
        cohorts=cohorts,
        cohort=chosen,
        latest=latest,
        statements_address=f"{settings.base_url}/api/xapi/statements",
    )
    figures = {}
    if not page.is_fresh and not wants_json(request):
        size = {"narrow": narrow_of(request)}
        completion = charts.completion_chart(cohorts, zone, width_of(size, charts.WIDTH))
        figures = {
            "completion": drawn_chart(completion, charts.COMPLETION, **size),
            "drop_off": drawn(db, charts.DROP_OFF, zone, cohort=chosen.id, **size) if chosen else None,
            "hours": drawn(db, charts.HOURS, zone, **size),
        }
    return show(request, "overview.html", page, figures=figures, definition=definition)
