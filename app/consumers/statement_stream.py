"""The consumer of the statement stream: reads batches, loads them, acknowledges; claims what a dead worker left."""

import os
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import redis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.config import Settings
from app.consumers.flood import Flood, Halted
from app.database import is_passing
from app.etl_streaming import acknowledge, hand_over, load_messages
from app.platform import telemetry
from app.platform.logs import get_logger
from app.stream_reading import Fields, ReadBatch, read_messages
from app.streaming import StatementStream

log = get_logger(__name__)

BLOCK_MS = 1_000
TARGET_BATCH_BYTES = 4 * 2**20
MAX_PAUSE_SECONDS = 10.0
LINE_EVERY_SECONDS = 5.0
FORGET_CONSUMER_AFTER_MS = 3_600_000
HALTED_LOOK_SECONDS = 0.5

Message = tuple[str, Fields]


class StatementConsumer(threading.Thread):
    """One member of the consumer group, in a thread of the worker; a second thread waits for PostgreSQL."""

    def __init__(self, stream: StatementStream, settings: Settings):
        super().__init__(name="statement-consumer", daemon=True)
        self._host = socket.gethostname()
        self.consumer = f"{self._host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._stream = stream
        self._group = settings.stream_group
        self._most_entries = settings.loader_batch_entries
        self._claim_idle_ms = int(settings.loader_claim_idle_seconds * 1000)
        self._stopping = threading.Event()
        self._flood = Flood(stream, settings)
        self._next_claim = 0.0
        self._mean_bytes = 64 * 1024.0
        self._group_known = False
        self._own_after: str | None = None
        self._tally: Counter[str] = Counter()
        self._busy_seconds = 0.0
        self._next_line = 0.0
        self._loader = ThreadPoolExecutor(1, "statement-loader")
        self._in_hand: Future[None] | None = None

    def stop(self) -> None:
        """Finish the batch in hand and end; unread entries stay on the stream for whoever comes next."""
        self._stopping.set()

    def run(self) -> None:
        """Until stopped: take a batch, load it, acknowledge it. Stores that are away are waited for."""
        log.info("consumer started", consumer=self.consumer, stream=self._stream.name, group=self._group)
        pause = 0.0
        while not self._stopping.is_set():
            try:
                if not self._group_known:
                    self.join_group()
                if self._flood.stopped():
                    self._let_go()
                    self._own_after = "0-0"
                    self._stopping.wait(HALTED_LOOK_SECONDS)
                    continue
                messages = self.take()
                # Read and flattened here while PostgreSQL works on the batch before.
                read = read_messages(messages)
                self._finish()
                if messages:
                    self._in_hand = self._loader.submit(self.handle, messages, read)
                self._tell()
                pause = 0.0
            except Exception as error:
                self._let_go()
                pause = min(MAX_PAUSE_SECONDS, pause * 2 or 0.25)
                self._group_known = False
                self._own_after = "0-0"
                log.warning(
                    "consumer pauses",
                    seconds=pause,
                    error=f"{type(error).__name__}: {error}"[:500],
                    exc_info=not isinstance(error, redis.RedisError | DBAPIError | PoolTimeout | Halted),
                )
                self._stopping.wait(pause)
        self._let_go()
        self._loader.shutdown()
        self._tell(now=True)
        self._leave()
        log.info("consumer stopped", consumer=self.consumer)

    def _finish(self) -> None:
        """Wait for the batch in hand. Raises what its loading raised."""
        batch, self._in_hand = self._in_hand, None
        if batch is not None:
            batch.result()

    def _let_go(self) -> None:
        """Wait for the batch in hand, whatever becomes of it: what is not acknowledged is taken again."""
        try:
            self._finish()
        except Exception as error:  # noqa: BLE001
            log.info("batch in hand was not loaded", error=f"{type(error).__name__}: {error}"[:300])

    def take(self) -> list[Message]:
        """The next batch: what this consumer took before it had to pause, then what others left, then what is new.

        Empty when there is nothing to do for a second.
        """
        if self._own_after is not None:
            if own := self._take_own(self._own_after):
                self._own_after = own[-1][0]
                return own
            self._own_after = None
        if time.monotonic() >= self._next_claim:
            self._finish()  # What this consumer has in hand must not be claimed by itself.
            if claimed := self._claim():
                return claimed
            self._next_claim = time.monotonic() + self._claim_idle_ms / 2000
        # The bytes that one read brings into memory are bounded by what the last reads were like.
        count = max(1, min(self._most_entries, int(TARGET_BATCH_BYTES / self._mean_bytes)))
        answer = self._stream.client.xreadgroup(
            self._group, self.consumer, {self._stream.name: ">"}, count=count, block=BLOCK_MS
        )
        messages = _messages_of(answer)
        for _, fields in messages:
            size = sum(map(len, fields.values()))
            self._mean_bytes += (size - self._mean_bytes) * (0.02 if size < self._mean_bytes else 0.5)
        return messages

    @telemetry.traced_batch
    def handle(self, messages: Sequence[Message], read: ReadBatch | None = None) -> None:
        """Load a batch and acknowledge it. A batch that fails is split; an entry that fails alone goes to the actor.

        read: what `read_messages` made of it, if that was done already.
        Raises only what says nothing about the entries (a store is away), and Halted when too many die: then what was
        not acknowledged stays pending and is taken again later.
        """
        if not messages:
            return
        started = time.perf_counter()
        try:
            with self._flood.watching(messages) as toll:
                loaded = load_messages(messages, read)
        except Exception as error:
            if isinstance(error, redis.RedisError | Halted) or is_passing(error):
                raise
            if len(messages) == 1:
                log.warning(
                    "entry fails alone",
                    message_id=messages[0][0],
                    error=f"{type(error).__name__}: {error}"[:500],
                )
                if hand_over(self._stream, *messages[0]):
                    self._flood.note(died=1)
                return
            middle = len(messages) // 2
            self.handle(messages[:middle])
            self.handle(messages[middle:])
            return
        acknowledge(self._stream, [message_id for message_id, _ in messages])
        self._flood.note(toll.dead, toll.lived(loaded.new))
        self._tally.update(new=loaded.new, repeated=loaded.repeated, buried=loaded.buried, entries=len(messages))
        self._busy_seconds += time.perf_counter() - started

    def _tell(self, *, now: bool = False) -> None:
        """Say in one line what was loaded since the last one, every few seconds while there is something to say."""
        moment = time.monotonic()
        if self._tally["entries"] and (now or moment >= self._next_line):
            log.info("loaded", **self._tally, busy_seconds=round(self._busy_seconds, 3))
            self._tally.clear()
            self._busy_seconds = 0.0
            self._next_line = moment + LINE_EVERY_SECONDS

    def _take_own(self, after: str) -> list[Message]:
        """Entries that are pending in this consumer's own name, read once in order; they need not grow idle first."""
        answer = self._stream.client.xreadgroup(self._group, self.consumer, {self._stream.name: after}, count=50)
        return _messages_of(answer)

    def _claim(self) -> list[Message]:
        """Entries that a consumer took and did not acknowledge in time: it died, or this one's store was away."""
        answer = self._stream.client.xautoclaim(
            self._stream.name, self._group, self.consumer, self._claim_idle_ms, "0-0", count=50
        )
        claimed = _entries(answer[1])
        if claimed:
            log.info("claimed", entries=len(claimed))
        return claimed

    def join_group(self) -> None:
        """The group begins at the start of the stream, so that what was sent before the first worker is read."""
        try:
            self._stream.client.xgroup_create(self._stream.name, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._group_known = True
        for other in self._stream.client.xinfo_consumers(self._stream.name, self._group):
            if other["pending"] == 0 and other["idle"] > FORGET_CONSUMER_AFTER_MS:
                self._stream.client.xgroup_delconsumer(self._stream.name, self._group, other["name"])
            elif other["pending"] and self._is_dead_neighbour(other["name"].decode()):
                self._inherit(other["name"])

    def _inherit(self, name: bytes) -> None:
        """Take over at once what a worker of this machine left when it was killed; its entries need not grow idle."""
        rows = self._stream.client.xpending_range(
            self._stream.name, self._group, "-", "+", count=10_000, consumername=name
        )
        ids: list[Any] = [row["message_id"] for row in rows]
        if ids:
            self._stream.client.xclaim(self._stream.name, self._group, self.consumer, 0, ids, justid=True)
            self._own_after = "0-0"
            log.info("inherited", entries=len(ids), left_by=name.decode())

    def _is_dead_neighbour(self, name: str) -> bool:
        """Whether a consumer's name is that of a process of this machine that no longer is."""
        host, _, pid = name.rpartition("-")[0].rpartition("-")
        if host != self._host or not pid.isdigit():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    def _leave(self) -> None:
        """Take this consumer's name off the group, unless entries are still in its name: those get claimed."""
        try:
            for own in self._stream.client.xinfo_consumers(self._stream.name, self._group):
                if own["name"] == self.consumer.encode() and own["pending"] == 0:
                    self._stream.client.xgroup_delconsumer(self._stream.name, self._group, self.consumer)
        except redis.RedisError as error:
            log.info("consumer could not sign off", error=str(error))


def _messages_of(answer: Any) -> list[Message]:
    """The entries in an XREADGROUP answer of one stream; RESP2 gives pairs, RESP3 a mapping."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, Mapping) else [pair[1] for pair in answer]
    return [message for stream in streams for message in _entries(stream)]


def _entries(rows: Sequence[Any]) -> list[Message]:
    found: list[Message] = []
    for row in rows:
        if isinstance(row, list) and row and isinstance(row[0], list):
            found.extend(_entries(row))  # RESP3 wraps the entries of a stream once more
        elif isinstance(row, tuple | list) and row[1] is not None:
            found.append((row[0].decode(), row[1]))
    return found
