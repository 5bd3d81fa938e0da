"""The doors' side of the stream: appending entries in groups, holding ids until the record knows them, saying how far
the loader has come.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import redis
import redis.asyncio

from app.errors import Unavailable
from app.platform import metrics
from app.platform.grouped import Grouped
from app.platform.redis_memory import MemoryLimit
from app.streaming import (
    OUT_OF_MEMORY,
    RefusedEntry,
    StatementStream,
    StreamEntry,
    memory_full,
    moment_of,
    stream_full,
)

PLACE_SECONDS = 7 * 24 * 3_600
"""How long an id that waits on the stream is remembered with its content, should nobody ever load it."""
SETTLED_SECONDS = 60
"""How long it is remembered after it was loaded: longer than a door may take between looking into the record and
appending to the stream, so that there is no moment at which neither of them knows the id."""


MOST_ENTRIES_AT_ONCE = 64
"""How many entries one call appends: enough for one fsync to serve many senders, few enough that nobody waits long."""
MOST_BYTES_AT_ONCE = 8 * 2**20
"""How many bytes one call appends, unless a single entry is larger: Redis holds a call in memory several times over
while it works, and closes the connection of one that is too large."""


class Taken(Exception):
    """An id of the request waits on the stream already, in an entry with another body.

    place: which of the held ids, from 0. message_id: the entry that holds it.
    """

    def __init__(self, place: int, message_id: str):
        super().__init__(f"Id {place} is held by {message_id}.")
        self.place, self.message_id = place, message_id


# Appends entries, each unless the stream is full or an id that it holds stands in an entry with another body.
# KEYS: the stream. ARGV: most entries, seconds, number of entries; then of each: number of ids, number of field parts,
# a hash of the body, the ids, the field parts. Answers of each: its message id; '' when full; {place, message id}.
_APPEND = """
local stream, seconds = KEYS[1], ARGV[2]
local room = tonumber(ARGV[1]) - redis.call('XLEN', stream)
local answers, at = {}, 4
for entry = 1, tonumber(ARGV[3]) do
    local ids, parts, content = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2]
    local first = at + 3
    local answer = ''
    if room > 0 then
        for n = 0, ids - 1 do
            local held = redis.call('GET', stream .. ':id:' .. ARGV[first + n])
            if held and held:sub(1, #content) ~= content then
                answer = {n, held:sub(#content + 1)}
                break
            end
        end
        if answer == '' then
            answer = redis.call('XADD', stream, '*', unpack(ARGV, first + ids, first + ids + parts - 1))
            room = room - 1
            for n = 0, ids - 1 do
                redis.call('SET', stream .. ':id:' .. ARGV[first + n], content .. answer, 'EX', seconds)
            end
        end
    end
    answers[entry] = answer
    at = first + ids + parts
end
return answers
"""

# The ids of KEYS[1] that ARGV[1] holds, 16 bytes each, may be forgotten after ARGV[2] seconds.
_SETTLE = """
for at = 1, #ARGV[1], 16 do
    redis.call('EXPIRE', KEYS[1] .. ':id:' .. ARGV[1]:sub(at, at + 15), ARGV[2])
end
"""

# Where the stream stands: ids of its oldest and its newest entry ('' when it is empty), and the time of Redis. Only
# ids travel, for an entry may hold megabytes.
_STANDS = """
local function id_of(entries) return entries[1] and entries[1][1] or '' end
local time = redis.call('TIME')
return {id_of(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)),
        id_of(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)), time[1], time[2]}
"""


@dataclass(frozen=True, slots=True)
class _Stands:
    """Where the stream stands: its oldest and newest message ids, None when it is empty, and the time of Redis."""

    oldest: str | None
    newest: str | None
    now: datetime


class _Append:
    """One entry on its way, with what a call needs of it."""

    def __init__(self, entry: StreamEntry | RefusedEntry, held: Sequence[UUID]):
        parts = [part for pair in entry.fields().items() for part in pair]
        content = blake2b(entry.body, digest_size=16).digest()
        self.arguments: list[bytes | int] = [len(held), len(parts), content, *(i.bytes for i in held), *parts]
        size = sum(map(len, parts))
        self.size_bytes = size + size // 4 + 512 * (1 + len(held))
        """What it comes to in the memory of Redis, rather too much than too little."""


class Publisher:
    """The stream as the event loop of an API process uses it."""

    def __init__(self, client: "redis.asyncio.Redis", name: str, max_entries: int, max_memory_mib: int = 0):
        """max_memory_mib: of Redis, beyond which nothing is appended; 0: no limit but its own."""
        self._memory = MemoryLimit(client, max_memory_mib * 2**20)
        self._client = client
        self._name = name
        self._max_entries = max_entries
        self._append = client.register_script(_APPEND)
        self._stands = client.register_script(_STANDS)
        self._appends: Grouped[_Append, str] = Grouped(self._append_all, MOST_ENTRIES_AT_ONCE)
        self._through = datetime.fromtimestamp(0, UTC)

    async def publish(self, entry: StreamEntry | RefusedEntry, held: Sequence[UUID] = ()) -> str:
        """Append the entry and return its id once it is durable. Unavailable when full or when Redis is away.

        held: the ids that the sender chose. Until the record knows them they belong to this body: Taken is raised, and
        nothing appended, when another body holds one of them. Entries of the same moment share one write.
        """
        return await self._appends.ask(_Append(entry, held))

    async def _append_all(self, appends: Sequence[_Append]) -> list[str | Exception]:
        told: list[str | Exception] = [self._no_room()] * len(appends)
        places: list[int] = []
        together = 0
        for place, append in enumerate(appends):
            size = append.size_bytes
            if places and together + size > MOST_BYTES_AT_ONCE:
                await self._append_some(appends, places, told)
                places, together = [], 0
            try:
                await self._memory.look(size)
            except redis.RedisError as error:
                told[place] = Unavailable(f"The stream does not take entries: {error}")
                continue
            if self._memory.takes(size):
                places.append(place)
                together += size
        if places:
            await self._append_some(appends, places, told)
        return told

    async def _append_some(
        self, appends: Sequence[_Append], places: Sequence[int], told: list[str | Exception]
    ) -> None:
        """Append those at these places in one call, and put the answer of each at its place."""
        try:
            answers = await self._append_these([appends[place] for place in places])
        except Unavailable as error:
            answers = [error] * len(places)
        for place, answer in zip(places, answers, strict=True):
            told[place] = answer

    async def _append_these(self, appends: Sequence[_Append]) -> Sequence[str | Exception]:
        arguments: list[bytes | int] = [self._max_entries, PLACE_SECONDS, len(appends)]
        for append in appends:
            arguments += append.arguments
        started = time.perf_counter()
        try:
            answers = await self._append(keys=[self._name], args=arguments)
        except redis.OutOfMemoryError as error:
            raise memory_full(OUT_OF_MEMORY) from error
        except redis.RedisError as error:
            raise Unavailable(f"The stream does not take entries: {error}") from error
        told = [self._read(answer) for answer in answers]
        metrics.appended(sum(isinstance(one, str) for one in told), time.perf_counter() - started)
        return told

    def _no_room(self) -> Exception:
        return memory_full(f"Redis uses {self._memory.most_bytes // 2**20} MiB or nearly (STREAM_MAX_MEMORY_MIB).")

    def _read(self, answer: bytes | list[int | bytes]) -> str | Exception:
        if isinstance(answer, list):
            place, message_id = answer
            return Taken(int(place), str(message_id, "ascii") if isinstance(message_id, bytes) else "")
        return answer.decode() if answer else stream_full(self._max_entries)

    async def entry(self, message_id: str) -> StreamEntry | None:
        """An entry that waits on the stream; None when it has been loaded, or Redis is away. Unreadable if damaged."""
        try:
            found = await self._client.xrange(self._name, message_id, message_id)
        except redis.RedisError:
            return None
        fields: Any = found[0][1] if found else None
        return StreamEntry.from_fields(fields, message_id) if fields else None

    async def consistent_through(self) -> datetime:
        """Everything that was appended up to this moment has been loaded: just before the oldest entry that waits, or
        now by the clock of Redis, which also gives entries their ids. While Redis is away, what was true last.
        """
        try:
            stands = await self._where()
        except redis.RedisError:
            return self._through
        oldest = moment_of(stands.oldest) if stands.oldest else stands.now
        self._through = max(self._through, min(oldest, stands.now) - timedelta(milliseconds=1))
        return self._through

    async def caught_up(self, patience_seconds: float) -> None:
        """Wait until everything that was on the stream at this moment is loaded, so that who wrote can read it.

        Returns at once when nothing waits, when what waits is older than anybody would wait, or when Redis is away.
        """
        try:
            stands = await self._where()
            if stands.oldest is None or stands.newest is None:
                return
            if (stands.now - moment_of(stands.oldest)).total_seconds() > patience_seconds:
                return
            upto = _sortable(stands.newest)
            give_up = asyncio.get_running_loop().time() + patience_seconds
            while stands.oldest and _sortable(stands.oldest) <= upto and asyncio.get_running_loop().time() < give_up:
                await asyncio.sleep(0.004)
                stands = await self._where()
        except redis.RedisError:
            return

    async def _where(self) -> _Stands:
        oldest, newest, seconds, microseconds = await self._stands(keys=[self._name])
        now = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(microseconds) // 1000 * 1000)
        return _Stands(str(oldest, "ascii") or None, str(newest, "ascii") or None, now)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def settle_ids(stream: StatementStream, ids: Sequence[UUID]) -> None:
    """The record knows these ids now, so the stream may forget them soon."""
    packed = b"".join(statement_id.bytes for statement_id in ids)
    stream.client.eval(_SETTLE, 1, stream.name, packed, SETTLED_SECONDS)


def _sortable(message_id: str) -> tuple[int, int]:
    milliseconds, _, place = message_id.partition("-")
    return int(milliseconds), int(place)
