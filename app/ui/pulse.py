"""How the pipeline is doing, in the few words of a badge."""

from typing import Literal

import redis
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.config import Settings
from app.database import session_scope
from app.etl_streaming import LastProcessed, StreamState, get_last_processed, stream_state, the_stream
from app.ingest.dead_letters import open_letters
from app.platform import clock
from app.streaming import why_halted
from app.ui.formatting import duration, plural

SLOW_SECONDS = 5.0
"""So old may the oldest waiting entry be before the badge says that the worker is behind."""


class Pulse(BaseModel):
    """good: what arrives is loaded at once. slow: somebody should look soon. broken: now. title: the whole sentence."""

    state: Literal["good", "slow", "broken"]
    text: str
    title: str


def pulse_now(settings: Settings) -> Pulse:
    """A look at the stores. One that is away is told, never raised."""
    try:
        with session_scope() as db:
            return pulse(db, settings)
    except redis.RedisError:
        return Pulse(state="broken", text="Redis is away", title="Redis does not answer. Statements go to PostgreSQL.")
    except SQLAlchemyError:
        return Pulse(
            state="broken",
            text="PostgreSQL is away",
            title="PostgreSQL does not answer. Statements wait on the stream.",
        )


def pulse(db: Session, settings: Settings) -> Pulse:
    """As `pulse_now`, in the caller's transaction. Raises what the stores raise."""
    reason = why_halted(the_stream())
    return judge(reason, stream_state(), open_letters(db), get_last_processed(db), settings.ready_max_lag_seconds)


def judge(
    halted: str | None, stream: StreamState, letters: int, last: LastProcessed | None, most_seconds: float
) -> Pulse:
    """What a look means. most_seconds: from this lag on, somebody has to look now. Pure but for the clock."""
    told = f"{plural(letters, 'dead letter')} to look at."
    if halted:
        return Pulse(state="broken", text="The loader has stopped", title=f"{halted} {told if letters else ''}".strip())
    age = max(0.0, (clock.now() - stream.oldest_at).total_seconds()) if stream.oldest_at else 0.0
    if age > SLOW_SECONDS:
        behind = f"Behind by {duration(round(age))}"
        waits = f"{plural(stream.length, 'entry', 'entries')} on the stream. Nothing is lost. {told if letters else ''}"
        return Pulse(state="broken" if age > most_seconds else "slow", text=behind, title=f"{behind}: {waits}".strip())
    if letters:
        return Pulse(state="slow", text=str(plural(letters, "dead letter")), title=f"Statements are loaded. {told}")
    if last is None:
        return Pulse(state="good", text="Ready", title="No statement has arrived yet.")
    if last.flattened_at is None:
        return Pulse(state="good", text="Live", title="The newest statement is stored and waits for the sweep.")
    took = max(0.0, (last.flattened_at - last.stored_at).total_seconds())
    return Pulse(
        state="good",
        text=f"Live · {took:.1f} s" if took < SLOW_SECONDS else "Live",
        title=f"The newest statement was loaded {took:.1f} s after it was accepted. No dead letters.",
    )
