"""The statement path behind the stream: batches of entries into the record, single failures through retries, deaths
into quarantine. An entry is acknowledged, and then deleted, only after the transaction that took it in has committed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import dramatiq
import redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.credentials import note_use
from app.config import get_settings
from app.database import after_commit, session_scope
from app.errors import Unreadable
from app.etl_incremental import Loaded, load_batch
from app.ingest.dead_letters import bury, bury_all
from app.models import StatementFlat, StatementRaw
from app.platform import clock, metrics, telemetry
from app.platform.broker import broker
from app.platform.logs import get_logger
from app.platform.redis import redis_client
from app.publishing import settle_ids
from app.stream_reading import Fields, ReadBatch, message_letter, read_messages
from app.streaming import OLDEST_ID, StatementStream, moment_of, why_halted
from app.warehouse.bronze import keep_attachments

log = get_logger(__name__)

HANDED_OVER_SECONDS = 3_600
"""How long an entry is left to its actor before somebody may hand it over again; longer than all its retries."""
MIN_BACKOFF_MS, MAX_BACKOFF_MS = 1_000, 60_000


@dataclass(frozen=True, slots=True)
class LastProcessed:
    """The newest statement of the record: when it was accepted, when it was flattened."""

    statement_id: UUID
    verb: str | None
    object_name: str | None
    occurred_at: datetime | None
    stored_at: datetime
    flattened_at: datetime | None


def get_last_processed(db: Session) -> LastProcessed | None:
    """The statement that was stored last, flattened or not; None when there is none yet."""
    row = db.execute(
        select(StatementRaw, StatementFlat)
        .outerjoin(StatementFlat, StatementFlat.statement_id == StatementRaw.id)
        .order_by(StatementRaw.seq.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    raw, flat = row
    return LastProcessed(
        statement_id=raw.id,
        verb=flat.verb if flat else None,
        object_name=flat.object_name if flat else None,
        occurred_at=flat.occurred_at if flat else None,
        stored_at=raw.stored_at,
        flattened_at=raw.flattened_at,
    )


@dataclass(frozen=True, slots=True)
class StreamState:
    """What waits on the stream, in entries (requests). pending: taken by a worker and not acknowledged yet."""

    length: int
    pending: int
    oldest_at: datetime | None


def stream_state() -> StreamState:
    """How much waits on the stream, and since when. All zero when it was never written to."""
    stream = the_stream()
    try:
        groups = stream.client.xinfo_groups(stream.name)
    except redis.ResponseError:
        return StreamState(0, 0, None)
    oldest: Any = stream.client.eval(OLDEST_ID, 1, stream.name)
    oldest_at = moment_of(oldest.decode()) if oldest else None
    return StreamState(int(stream.client.xlen(stream.name)), sum(group["pending"] for group in groups), oldest_at)


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """One of the consumer group. pending: entries it took and has not acknowledged. idle: since it last asked."""

    name: str
    pending: int
    idle_seconds: float


def stream_consumers() -> list[ConsumerState]:
    """Who reads the stream, by name; nobody when no worker has ever run. Raises what Redis raises."""
    stream = the_stream()
    try:
        found: Any = stream.client.xinfo_consumers(stream.name, get_settings().stream_group)
    except redis.ResponseError:
        return []
    return sorted(
        (ConsumerState(one["name"].decode(errors="replace"), one["pending"], one["idle"] / 1000) for one in found),
        key=lambda one: one.name,
    )


def the_stream() -> StatementStream:
    """The statement stream of the settings, for threads."""
    settings = get_settings()
    return StatementStream(redis_client(settings.required_redis_url), settings.stream_name, settings.stream_max_entries)


@metrics.measured_load
@telemetry.traced("batch.load")
def load_messages(messages: Sequence[tuple[str, Fields]], read: ReadBatch | None = None) -> Loaded:
    """Load a batch of stream entries in one transaction. After it returns, all of them may be acknowledged.

    messages: (message id, fields) pairs. read: what `read_messages` made of them, if that was done already. Entries
    that cannot be read are buried in the same transaction. Raises what the database raises; then nothing of the batch
    was taken in.
    """
    read = read or read_messages(messages)
    buried = [letter.statement_id for letter in read.statements.letters if letter.statement_id]
    ids = [*read.statements.unique, *buried]
    with session_scope() as db:
        # All at once, so that two loaders with the same ones wait for each other in one order only.
        keep_attachments(db, read.attachments, clock.now())
        bury_all(db, read.letters)
        loaded = load_batch(db, read.statements)
        note_use(db, read.last_use)
        after_commit(db, lambda: settle_ids(the_stream(), ids))
    loaded.buried += len(read.letters)
    return loaded


def acknowledge(stream: StatementStream, message_ids: Sequence[str]) -> None:
    """Take entries off the stream, now that what they held is committed."""
    if not message_ids:
        return
    group = get_settings().stream_group
    with stream.client.pipeline(transaction=True) as pipe:
        pipe.xack(stream.name, group, *message_ids)
        pipe.xdel(stream.name, *message_ids)
        pipe.execute()


def hand_over(stream: StatementStream, message_id: str, fields: Fields) -> bool:
    """Give an entry that fails alone to the actor `process_statement`; once, however often it is claimed again.

    False when the actor has it already. The entry stays pending on the stream until the actor has loaded or buried it.
    Should the actor's message be lost, the mark expires and the next claim hands the entry over again.
    """
    if not stream.client.set(_mark(stream, message_id), b"1", nx=True, ex=HANDED_OVER_SECONDS):
        return False
    try:
        process_statement.send(message_id, as_text(fields))
    except redis.RedisError:
        stream.client.delete(_mark(stream, message_id))
        raise
    return True


def _left_to_the_stream(stream: StatementStream, message_id: str) -> bool:
    """While the loader stands still, jobs neither load nor bury: the entry is pending, and handed over anew later."""
    if why_halted(stream) is None:
        return False
    stream.client.delete(_mark(stream, message_id))
    return True


@dramatiq.actor(
    actor_name="statement.process",
    queue_name="statements",
    broker=broker,
    max_retries=get_settings().loader_max_attempts - 1,
    min_backoff=MIN_BACKOFF_MS,
    max_backoff=MAX_BACKOFF_MS,
    throws=(Unreadable,),
)
def process_statement(message_id: str, data: dict[str, str]) -> None:
    """Load one stream entry by itself, with retries; when they run out QuarantineMiddleware buries it.

    message_id: the entry's id on the stream, acknowledged here. data: its fields, see `as_text`.
    """
    if _left_to_the_stream(the_stream(), message_id):
        return
    messages = [(message_id, as_bytes(data))]
    with telemetry.batch(messages):
        load_messages(messages)
    stream = the_stream()
    acknowledge(stream, [message_id])
    stream.client.delete(_mark(stream, message_id))


class QuarantineMiddleware(dramatiq.Middleware):
    """Sees both deaths of process_statement (never retried, and retries used up) and buries what the entry held."""

    def after_nack(self, _broker: dramatiq.Broker, message: Any) -> None:
        """Bury the dead message's entry, commit, and only then acknowledge the entry."""
        if message.actor_name != process_statement.actor_name:
            return
        message_id, data = message.args
        if _left_to_the_stream(the_stream(), message_id):
            return
        why = _last_words(str(message.options.get("traceback", ""))) or "It failed without a reason."
        # Counted up before each look at the limit, so after the last try it is one more than there were retries.
        attempts = min(int(message.options.get("retries", 0)), process_statement.options["max_retries"]) + 1
        with session_scope() as db:
            bury(db, message_letter(message_id, as_bytes(data), Unreadable(why), code="failed", attempts=attempts))
        metrics.letters_buried("retries")
        stream = the_stream()
        acknowledge(stream, [message_id])
        stream.client.delete(_mark(stream, message_id))


def forget_dead_jobs(holds: Callable[[bytes], bool], *, dry_run: bool) -> int:
    """Delete jobs that died with an entry which `holds` knows; the broker keeps those for a week. Returns how many."""
    dead = f"{broker.namespace}:{process_statement.queue_name}.XQ"
    client, found = the_stream().client, []
    try:
        for job_id, message in client.hscan_iter(f"{dead}.msgs", count=20):
            if holds(message):
                found.append(job_id)
        if found and not dry_run:
            client.hdel(f"{dead}.msgs", *found)
            client.zrem(dead, *found)
    except redis.RedisError as error:
        log.warning("dead jobs cannot be looked at", error=str(error)[:300])
    return len(found)


def _last_words(traceback: str) -> str:
    """The line of a traceback that names the error. Others may follow it, and say where to read about such errors."""
    lines = traceback.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    told = [line for line in lines[frames[-1] :] if not line.startswith(" ")] if frames else lines[-1:]
    return told[0] if told else ""


broker.add_middleware(QuarantineMiddleware())


def as_text(fields: Fields) -> dict[str, str]:
    """The fields of an entry as JSON can carry them: one character per byte."""
    return {key.decode("latin-1"): value.decode("latin-1") for key, value in fields.items()}


def as_bytes(data: Mapping[str, str]) -> dict[bytes, bytes]:
    """The way back from `as_text`."""
    return {key.encode("latin-1"): value.encode("latin-1") for key, value in data.items()}


def _mark(stream: StatementStream, message_id: str) -> str:
    return f"{stream.name}:handed-over:{message_id}"
