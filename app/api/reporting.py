"""The doors of the reports. Each answers JSON, or CSV with ?format=csv or Accept: text/csv."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.analytics import reports
from app.api.problems import errors
from app.database import get_db
from app.schemas import CohortCompletions
from app.security import Admin

router = APIRouter(
    prefix="/api/reports",
    tags=["Reports"],
    dependencies=[Admin],
    responses=errors(400, 401, 404, 503),
)
Db = Annotated[Session, Depends(get_db, scope="function")]
Format = Annotated[Literal["json", "csv"] | None, Query(description="json (default) or csv")]


@router.get(
    "/cohorts/{cohort_id}/completions",
    response_model=CohortCompletions,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_cohort_completions(
    cohort_id: UUID,
    db: Db,
    format: Format = None,
    accept: Annotated[str, Header()] = "",
) -> CohortCompletions | StreamingResponse:
    """Who in the cohort has completed which lesson, when; rates per lesson, per learner and overall."""
    report = reports.cohort_completions(db, cohort_id)
    if format == "csv" or (format is None and accept.startswith("text/csv")):
        name = f"completions-{report.cohort.slug}-{report.generated_at:%Y-%m-%d}.csv"
        return StreamingResponse(
            reports.completions_csv(report),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    return report
