"""How far the project is: each module held against what is there, the last test run, and who works on what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.config import get_settings
from app.contracts import agents, files
from app.contracts import progress as measuring
from app.contracts import test_runs
from app.database import get_db
from app.ui.definitions import hints
from app.ui.pages import HTML, show

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]

STATUS = {"planned": ("none", "Planned"), "in_progress": ("progress", "In progress"), "done": ("done", "Done")}
TESTS = {
    "passed": ("done", "Passed"),
    "failed": ("broken", "Failed"),
    "outdated": ("late", "Passed, other code"),
    "not_run": ("none", "Not all run"),
    "not_here": ("none", "Not installed here"),
    "none": ("none", "None named"),
}


class ContractsPage(BaseModel):
    """What /api/debug/progress, /api/debug/test-report and /api/debug/active-agents say, together."""

    progress: measuring.ProgressRead
    tests: test_runs.TestReportRead
    agents: agents.AgentsRead


@router.get("/ui/contracts", response_model=ContractsPage, responses=HTML, dependencies=[needs("progress:read")])
def get_contracts(request: Request, db: Db) -> Response:
    """How far each module is, with what is missing; the last test run; active agents."""
    settings = get_settings()
    code, report = request.app.state.code, test_runs.file_of(settings)
    reading = files.read_all(files.folder_of(settings))
    served = measuring.endpoints_of(request.app.openapi())
    around = measuring.Surroundings(files.ROOT, served, code, test_runs.read(report)[0])
    page = ContractsPage(
        progress=measuring.progress(reading, around),
        tests=test_runs.told(report, code),
        agents=agents.active_agents(db, reading),
    )
    means = hints("Progress", "Modules done", "Tests passed", "Active agents")
    return show(request, "contracts.html", page, status_words=STATUS, tests_words=TESTS, means=means)
