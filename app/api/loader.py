"""Doors for whoever looks after the loader: whether it stands still, and letting it go on."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.access.callers import Caller, needs
from app.api.problems import errors
from app.consumers.flood import resume_loader
from app.database import get_db
from app.etl_streaming import the_stream
from app.schemas import LoaderRead
from app.streaming import why_halted

router = APIRouter(prefix="/api/loader", tags=["Debug"], responses=errors(401, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]


@router.get("", dependencies=[needs("pipeline:read")])
def get_loader() -> LoaderRead:
    """Whether the loader has stopped itself because most entries die, and why."""
    reason = why_halted(the_stream())
    return LoaderRead(halted=reason is not None, reason=reason)


@router.post("/resume")
def post_loader_resume(db: Db, caller: Annotated[Caller, needs("pipeline:run")]) -> LoaderRead:
    """Let the loader go on, once the cause is mended. It stops again when the next entries die as well.

    `resumed` is false when nothing had stopped it.
    """
    resumed = resume_loader(db, the_stream(), caller.actor)
    return LoaderRead(halted=False, reason=None, resumed=resumed)
