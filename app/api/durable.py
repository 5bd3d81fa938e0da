"""Accepted means durable: from valid statements to an entry on the stream, or a row in bronze, or a 409 or 503.

What is asked of the stores is grouped: the requests of one moment share one look into the record and one write.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from app.accounts.credentials import DEFINE, KnownKey
from app.config import Settings
from app.database import connect_async, session_scope
from app.errors import Conflict, Problem, Unavailable, Unreadable
from app.etl_incremental import Incoming, store_statements
from app.lrs.comparison import agree
from app.lrs.receiving import Received
from app.lrs.statements import split
from app.platform import metrics, telemetry
from app.platform.grouped import Grouped
from app.platform.logs import get_logger
from app.platform.postgres import AsyncPostgres, PostgresAway
from app.publishing import Publisher, Taken
from app.streaming import StreamEntry, StreamFull
from app.warehouse import bronze, pages

log = get_logger(__name__)

MOST_LOOKED_UP_AT_ONCE = 64

Hashes = Mapping[UUID, bytes]


class KnownIds(Grouped[Sequence[UUID], Hashes]):
    """Which ids does the record know, and under which text? Answers may hold ids that others asked for."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(self._look_up_all, MOST_LOOKED_UP_AT_ONCE)
        self._postgres = AsyncPostgres(lambda: connect_async(settings))

    async def _look_up_all(self, groups: Sequence[Sequence[UUID]]) -> list[Hashes | Exception]:
        found = await bronze.look_up_hashes(self._postgres, [one for group in groups for one in group])
        return [found] * len(groups)

    def close(self) -> None:
        """Give the connection back."""
        self._postgres.close()


async def make_durable(state: State, sender: KnownKey, version: str, received: Received, request_id: str) -> None:
    """Into the stream; into bronze if that is the mode, or if Redis is away (the sweep finds it there).

    state: the application's, with settings, publisher and known_ids. When this returns, no crash can lose what was
    sent. Raises Conflict when an id stands for another statement already, in the record or on the stream (law 4), and
    Unavailable when nothing takes it.
    """
    settings: Settings = state.settings
    entry = StreamEntry(
        received.body,
        received.ids,
        None,
        version,
        sender.id,
        request_id,
        sender.may(DEFINE),
        received.attachments,
        telemetry.traceparent(),
    )
    if received.held:
        try:
            known: Hashes = await state.known_ids.ask(received.held)
            if not known.keys().isdisjoint(received.held):
                await run_in_threadpool(_check_stored, received, known)
                if known.keys() >= set(received.ids):
                    return  # Senders repeat what they are not sure of: all of it is in the record.
        except (PostgresAway, SQLAlchemyError) as error:
            log.warning("the record is away; the loader will decide about repeats", error=str(error)[:300])
    if settings.etl_mode == "streaming":
        try:
            await _publish(state.publisher, entry, received)
            return
        except StreamFull:
            raise
        except Unavailable as error:
            log.warning("the stream is away; storing in bronze", error=error.message)
    try:
        await run_in_threadpool(_store, entry)
        metrics.stored_in_bronze()
    except SQLAlchemyError as error:
        log.error("nothing takes statements", error=str(error)[:300])
        raise Unavailable() from error


@telemetry.traced_async("stream.append", "producer")
async def _publish(publisher: Publisher, entry: StreamEntry, received: Received) -> None:
    held = list(received.held)
    while True:
        try:
            await publisher.publish(entry, held)
            return
        except Taken as taken:
            statement_id = held.pop(taken.place)
            waiting = await publisher.entry(taken.message_id)
            if waiting is None:
                await run_in_threadpool(_check_now_stored, received, statement_id)
            elif not _same(_sent(received, statement_id), _text_of(waiting, statement_id)):
                raise _conflict(received, statement_id) from taken


def _check_stored(received: Received, known: Hashes) -> None:
    """xAPI 1.0.3 Communication 2.1.1: an id of another statement is a conflict, however old that one is."""
    with session_scope() as db:
        for statement_id in received.held:
            if statement_id in known:
                sent = _sent(received, statement_id)
                if bronze.text_hash(sent) != known[statement_id] and not _agree(db, sent, statement_id):
                    raise _conflict(received, statement_id)


def _check_now_stored(received: Received, statement_id: UUID) -> None:
    """The entry that held the id has been loaded since, so the record knows; or it was buried, and the id is free."""
    with session_scope() as db:
        if found := bronze.content_hashes(db, [statement_id]):
            sent = _sent(received, statement_id)
            if bronze.text_hash(sent) != found[statement_id] and not _agree(db, sent, statement_id):
                raise _conflict(received, statement_id)


def _agree(db: Session, sent: bytes, statement_id: UUID) -> bool:
    """Whether the two differ only in what the store itself added, such as a timestamp (xAPI 1.0.3 Data 2.3.1)."""
    found = pages.by_id(db, statement_id, voided=False) or pages.by_id(db, statement_id, voided=True)
    return found is not None and _same(sent, found.payload)


def _same(one: bytes | str, other: bytes | str) -> bool:
    return agree(_parsed(one), _parsed(other))


def _parsed(text: bytes | str) -> dict[str, Any]:
    parsed = orjson.loads(text)
    return parsed if isinstance(parsed, dict) else {}


def _sent(received: Received, statement_id: UUID) -> bytes:
    return split(received.body)[received.ids.index(statement_id)]


def _text_of(entry: StreamEntry, statement_id: UUID) -> bytes:
    try:
        return split(entry.body)[entry.ids.index(statement_id)]
    except (ValueError, IndexError, Unreadable):
        return b"{}"


def _conflict(received: Received, statement_id: UUID) -> Conflict:
    place = "id" if len(received.ids) == 1 else f"[{received.ids.index(statement_id)}].id"
    told = f"is {statement_id}, which stands for a different statement already."
    return Conflict(
        f"Another statement has the id {statement_id}.",
        [Problem(place, told, "The statement as first sent, or another id.")],
    )


@telemetry.traced("bronze.store")
def _store(entry: StreamEntry) -> None:
    with session_scope() as db:
        stored_at = bronze.announce(db)
        bronze.keep_attachments(db, entry.attachments, stored_at)
        store_statements(
            db,
            [
                Incoming(
                    statement_id,
                    payload,
                    stored_at + timedelta(microseconds=place),
                    entry.xapi_version,
                    entry.credential_id,
                    entry.defines,
                )
                for place, (statement_id, payload) in enumerate(zip(entry.ids, split(entry.body), strict=True))
            ],
        )
