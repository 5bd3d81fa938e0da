"""Doors that say how far the project is: progress by contract, who works on what, the last test run."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.api.orchestrator import NO_STORE, read_contracts
from app.api.problems import errors
from app.config import get_settings
from app.contracts import agents
from app.contracts import progress as measuring
from app.contracts import test_runs
from app.contracts.files import ROOT
from app.database import get_db

router = APIRouter(
    prefix="/api/debug", tags=["Debug"], dependencies=[needs("progress:read")], responses=errors(400, 401, 503)
)
Db = Annotated[Session, Depends(get_db, scope="function")]


@router.get("/progress")
def get_progress(request: Request, response: Response) -> measuring.ProgressRead:
    """How far each module is: its status, and whether its files are there, its endpoints served, its tests passed."""
    response.headers.update(NO_STORE)
    record, _ = test_runs.read(test_runs.file_of(get_settings()))
    served = measuring.endpoints_of(request.app.openapi())
    return measuring.progress(read_contracts(), measuring.Surroundings(ROOT, served, request.app.state.code, record))


@router.get("/active-agents")
def get_active_agents(db: Db, response: Response) -> agents.AgentsRead:
    """Agents that have taken a contract, and those whose token was used within a day."""
    response.headers.update(NO_STORE)
    return agents.active_agents(db, read_contracts())


@router.get("/test-report")
def get_test_report(request: Request, response: Response) -> test_runs.TestReportRead:
    """The last test run: when, of which code, how it ended, the slowest tests, the failures. Says so when none ran."""
    response.headers.update(NO_STORE)
    return test_runs.told(test_runs.file_of(get_settings()), request.app.state.code)
