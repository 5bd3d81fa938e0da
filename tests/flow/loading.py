"""The worker's consumer in a thread of this process, and what it made of what was sent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, select

from app.config import Settings, get_settings
from app.consumers.statement_stream import StatementConsumer
from app.database import session_scope
from app.etl_streaming import the_stream
from app.ingest.models import DeadLetter
from app.models import StatementFlat, StatementRaw


@contextmanager
def at_work(claim_idle_seconds: float = 15.0) -> Iterator[StatementConsumer]:
    """A consumer in its thread, as the worker has it."""
    settings = get_settings().model_copy(update={"loader_claim_idle_seconds": claim_idle_seconds})
    made = StatementConsumer(the_stream(), settings)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        made.join(20)
        assert not made.is_alive()


def record(url: str | None = None) -> tuple[list[str], list[str]]:
    """The ids in bronze and in silver, sorted."""
    engine = create_engine(Settings(database_url=url or os.environ["DATABASE_URL"]).sqlalchemy_url)
    with engine.connect() as connection:
        raw = [str(one) for one in connection.scalars(select(StatementRaw.id))]
        flat = [str(one) for one in connection.scalars(select(StatementFlat.statement_id))]
    engine.dispose()
    return sorted(raw), sorted(flat)


def letters() -> list[DeadLetter]:
    with session_scope() as db:
        return list(db.scalars(select(DeadLetter).order_by(DeadLetter.reason)))
