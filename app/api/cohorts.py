"""The doors of cohorts, for admins: who takes the course together, and what is due when."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy.orm import Session

from app import audit
from app.access.callers import Caller, needs
from app.accounts import cohorts
from app.accounts.schemas import CoursePlan, CourseRead
from app.api.problems import errors
from app.database import get_db
from app.schemas import CohortName, CohortPlan, CohortRead

router = APIRouter(prefix="/api/cohorts", tags=["Cohorts"], responses=errors(400, 401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("people:write")]
Slug = Annotated[
    str,
    Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="lower-case letters, digits, hyphens"),
]


@router.get("", dependencies=[needs("reports:read")])
def get_cohorts(db: Db) -> list[CohortName]:
    """Every cohort, by name."""
    return [
        CohortName(id=cohort.id, slug=cohort.slug, name=cohort.name, time_zone=cohort.time_zone)
        for cohort in cohorts.list_cohorts(db)
    ]


@router.put("/{slug}")
def put_cohort(slug: Slug, plan: CohortPlan, db: Db, caller: Writer) -> CohortRead:
    """Make the cohort be what the plan says; putting the same plan again changes nothing."""
    audit.note(db, caller.actor, "cohort.put", f"cohort:{slug}", {"name": plan.name})
    return cohorts.put_cohort(db, slug, plan)


@router.get("/{slug}/lessons", dependencies=[needs("reports:read")], responses=errors(404))
def get_cohort_lessons(slug: Slug, db: Db) -> CourseRead:
    """The lessons of a cohort in order, with the days they are due."""
    return cohorts.show_lessons(db, slug)


@router.put("/{slug}/lessons", responses=errors(404))
def put_cohort_lessons(slug: Slug, plan: CoursePlan, db: Db, caller: Writer) -> CourseRead:
    """Replace a cohort's lessons, their order and due days; its learners stay."""
    audit.note(db, caller.actor, "cohort.put_lessons", f"cohort:{slug}", {"lessons": len(plan.lessons)})
    return cohorts.put_lessons(db, slug, plan)
