"""Doors for whoever looks after the system: how far the pipeline is."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.api.problems import errors
from app.database import get_db
from app.etl_streaming import get_last_processed, stream_state
from app.ingest.dead_letters import open_letters
from app.models import StatementFlat, StatementRaw
from app.platform import clock
from app.schemas import PipelineRead
from app.warehouse.counting import count_rows

router = APIRouter(
    prefix="/api/debug", tags=["Debug"], dependencies=[needs("pipeline:read")], responses=errors(400, 401, 503)
)
Db = Annotated[Session, Depends(get_db, scope="function")]


_STATEMENTS = {
    "raw_statements": select(StatementRaw.seq),
    "flat_statements": select(StatementFlat.statement_id),
    "unflattened_statements": select(StatementRaw.seq).where(
        StatementRaw.flattened_at.is_(None), StatementRaw.flatten_error.is_(None)
    ),
}


@router.get("/pipeline")
def get_pipeline(
    db: Db, exact: Annotated[bool, Query(description="Count every statement, which takes long at millions.")] = False
) -> PipelineRead:
    """How many statements are waiting, stored, flattened and in quarantine. `estimated` names what was not counted."""
    state = stream_state()
    last = get_last_processed(db)
    counts = {name: count_rows(db, rows, exact=exact) for name, rows in _STATEMENTS.items()}
    return PipelineRead(
        stream_length=state.length,
        pending=state.pending,
        oldest_waiting_seconds=_age(state.oldest_at),
        **{name: count for name, (count, _) in counts.items()},
        estimated=[name for name, (_, is_estimate) in counts.items() if is_estimate],
        dead_letters=open_letters(db),
        last_statement=asdict(last) if last else None,
    )


def _age(moment: datetime | None) -> float | None:
    return round(max(0.0, (clock.now() - moment.astimezone(UTC)).total_seconds()), 3) if moment else None
