"""Doors for whoever looks after the system: how far the pipeline is."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.api.problems import errors
from app.database import get_db
from app.etl_streaming import get_last_processed, stream_state
from app.ingest.dead_letters import open_letters
from app.models import StatementFlat, StatementRaw
from app.platform import clock
from app.schemas import PipelineRead

router = APIRouter(
    prefix="/api/debug", tags=["Debug"], dependencies=[needs("pipeline:read")], responses=errors(401, 503)
)
Db = Annotated[Session, Depends(get_db, scope="function")]


@router.get("/pipeline")
def get_pipeline(db: Db) -> PipelineRead:
    """How many statements are waiting, stored, flattened and in quarantine."""
    state = stream_state()
    last = get_last_processed(db)
    return PipelineRead(
        stream_length=state.length,
        pending=state.pending,
        oldest_waiting_seconds=_age(state.oldest_at),
        raw_statements=db.scalar(select(func.count()).select_from(StatementRaw)) or 0,
        flat_statements=db.scalar(select(func.count()).select_from(StatementFlat)) or 0,
        unflattened_statements=db.scalar(
            select(func.count())
            .select_from(StatementRaw)
            .where(StatementRaw.flattened_at.is_(None), StatementRaw.flatten_error.is_(None))
        )
        or 0,
        dead_letters=open_letters(db),
        last_statement=asdict(last) if last else None,
    )


def _age(moment: datetime | None) -> float | None:
    return round(max(0.0, (clock.now() - moment.astimezone(UTC)).total_seconds()), 3) if moment else None
