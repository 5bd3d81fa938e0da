"""The stream between the doors and the loader: one entry per request, in a Redis Stream that is fsynced on each write.

An entry carries the request's body untouched, the ids of its statements in order, and what the door knew: when it
accepted them, for whom, under which xAPI version, in which request.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import orjson
import redis
import redis.asyncio

from app.errors import Problem, Unavailable, Unreadable

FORMAT = b"1"
"""The form of an entry, written into each: a worker of the next release must read what this one wrote."""


_ATTACHMENT = b"attachment:"

PLACE_SECONDS = 7 * 24 * 3_600
"""How long an id that waits on the stream is remembered with its content, should nobody ever load it."""
SETTLED_SECONDS = 60
"""How long it is remembered after it was loaded: longer than a door may take between looking into the record and
appending to the stream, so that there is no moment at which neither of them knows the id."""


class StreamFull(Unavailable):
    """The stream is as long as it may grow: the loader is behind, and more would only make it worse."""

    code = "stream_full"


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """The statements of one accepted request on their way to the loader.

    body: the JSON text as sent: one statement, or an array of them. ids: their ids, in the order of the body.
    stored_at: when they were accepted; None until the stream says so: an entry's id is the time at which it was
    appended, and so no entry can ever turn up before one that was read already. credential_id: fingerprint of the
    sender's public key. defines: whether that key may define activities. attachments: their contents by SHA-2.
    """

    body: bytes
    ids: tuple[UUID, ...]
    stored_at: datetime | None
    xapi_version: str
    credential_id: str
    request_id: str = ""
    defines: bool = True
    attachments: Mapping[str, bytes] = field(default_factory=dict)

    def fields(self) -> dict[bytes, bytes]:
        """The entry as the fields of a Redis Stream entry."""
        fields = {
            b"format": FORMAT,
            b"body": self.body,
            b"ids": b"".join(i.bytes for i in self.ids),
            b"version": self.xapi_version.encode(),
            b"credential": self.credential_id.encode(),
            b"request": self.request_id.encode(),
        }
        if self.stored_at is not None:
            fields[b"stored"] = self.stored_at.isoformat().encode()
        if not self.defines:
            fields[b"defines"] = b"0"
        for sha2, content in self.attachments.items():
            fields[_ATTACHMENT + sha2.encode()] = content
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes], message_id: str = "") -> "StreamEntry":
        """Read an entry back. message_id: its id on the stream. Unreadable names what is missing or damaged."""
        form = fields.get(b"format")
        if form != FORMAT:
            found = "is missing" if form is None else f"is {form[:20]!r}"
            raise Unreadable(
                "The stream entry cannot be read.",
                [Problem("format", f"{found}.", f"{FORMAT!r}, the form this release reads.")],
            )
        part = "body"
        try:
            body = fields[b"body"]
            part = "ids"
            packed = fields[b"ids"]
            if len(packed) % 16:
                raise ValueError("is not a whole number of UUIDs")
            ids = tuple(UUID(bytes=packed[n : n + 16]) for n in range(0, len(packed), 16))
            part = "stored"
            stored = fields.get(b"stored")
            stored_at = datetime.fromisoformat(stored.decode()).astimezone(UTC) if stored else moment_of(message_id)
            part = "version"
            version = fields[b"version"].decode()
            part = "credential"
            credential = fields[b"credential"].decode()
        except (KeyError, ValueError) as error:
            why = "is missing." if isinstance(error, KeyError) else f"cannot be read: {error}."
            raise Unreadable("The stream entry cannot be read.", [Problem(part, why)]) from error
        return cls(
            body,
            ids,
            stored_at,
            version,
            credential,
            fields.get(b"request", b"").decode(errors="replace"),
            fields.get(b"defines") != b"0",
            {
                name[len(_ATTACHMENT) :].decode("ascii", "replace"): content
                for name, content in fields.items()
                if name.startswith(_ATTACHMENT)
            },
        )


def moment_of(message_id: str) -> datetime:
    """When an entry was appended, by the clock of Redis: the first half of its id. ValueError when it is no id."""
    return datetime.fromtimestamp(int(message_id.partition("-")[0]) / 1000, UTC)


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A body that the door refused while PostgreSQL was away: it waits on the stream for its place in quarantine.

    letter: what the dead letter will say, as ingest.dead_letters.bury takes it, without the body; JSON values only.
    """

    FORM: ClassVar[bytes] = b"refused-1"

    body: bytes
    letter: Mapping[str, object]

    def fields(self) -> dict[bytes, bytes]:
        """The entry as the fields of a Redis Stream entry."""
        return {b"format": self.FORM, b"body": self.body, b"letter": json.dumps(self.letter).encode()}

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes]) -> "RefusedEntry":
        """Read an entry back. Unreadable when it is damaged."""
        try:
            return cls(fields[b"body"], json.loads(fields[b"letter"]))
        except (KeyError, ValueError) as error:
            raise Unreadable(
                "The stream entry cannot be read.", [Problem("letter", "is missing or damaged.")]
            ) from error


@dataclass(frozen=True, slots=True)
class StatementStream:
    """A stream as threads use it: the client, the stream's name, and how long it may grow."""

    client: redis.Redis
    name: str
    max_entries: int = 500_000


def publish_statement(
    stream: StatementStream,
    statement_json: bytes | str,
    *,
    ids: Sequence[UUID] | None = None,
    credential_id: str = "internal",
    xapi_version: str = "1.0.3",
    stored_at: datetime | None = None,
    request_id: str = "",
) -> str:
    """Append one request's statements to the stream and return the entry's id once it is durable.

    statement_json: one statement or an array, already validated. ids: one per statement, in order; without them each
    statement has to carry its own. Raises Unreadable when one does not, Unavailable when the stream is full or Redis
    does not answer; then nothing may be acknowledged to the sender.
    """
    body = statement_json.encode() if isinstance(statement_json, str) else statement_json
    entry = StreamEntry(
        body,
        tuple(ids) if ids is not None else _own_ids(body),
        stored_at,
        xapi_version,
        credential_id,
        request_id,
    )
    try:
        if stream.client.xlen(stream.name) >= stream.max_entries:
            raise _full(stream.max_entries)
        message_id = stream.client.xadd(stream.name, entry.fields())  # type: ignore[arg-type]
    except redis.RedisError as error:
        raise Unavailable(f"The stream does not take entries: {error}") from error
    assert isinstance(message_id, bytes)  # noqa: S101  (the client does not decode)
    return message_id.decode()


class Taken(Exception):
    """An id of the request waits on the stream already, with another statement. place: which one, from 0."""

    def __init__(self, place: int):
        super().__init__(f"The id of statement {place} is taken.")
        self.place = place


# Appends an entry unless the stream is full or an id in it stands for another statement that still waits; all or
# nothing. KEYS: the stream. ARGV: most entries, seconds, number of ids, (id, hash) of each, then field, value, ...
_APPEND = """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
local ids = tonumber(ARGV[3])
for n = 1, ids do
    local held = redis.call('GET', KEYS[1] .. ':id:' .. ARGV[2 + 2 * n])
    if held and held ~= ARGV[3 + 2 * n] then return n - 1 end
end
for n = 1, ids do
    redis.call('SET', KEYS[1] .. ':id:' .. ARGV[2 + 2 * n], ARGV[3 + 2 * n], 'EX', ARGV[2])
end
return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4 + 2 * ids))
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


class Publisher:
    """The stream as the event loop of an API process uses it."""

    def __init__(self, client: "redis.asyncio.Redis", name: str, max_entries: int):
        self._client = client
        self._name = name
        self._max_entries = max_entries
        self._append = client.register_script(_APPEND)
        self._stands = client.register_script(_STANDS)
        self._through = datetime.fromtimestamp(0, UTC)

    async def publish(self, entry: StreamEntry | RefusedEntry, contents: Mapping[UUID, bytes] | None = None) -> str:
        """Append the entry and return its id once it is durable. Unavailable when full or when Redis is away.

        contents: a hash of the content under each id that the sender chose. Raises Taken, and appends nothing, when
        such an id waits on the stream with other content.
        """
        arguments: list[bytes | int] = [self._max_entries, PLACE_SECONDS, len(contents or ())]
        for statement_id, content in (contents or {}).items():
            arguments += (statement_id.bytes, content)
        for name, value in entry.fields().items():
            arguments += (name, value)
        try:
            answer = await self._append(keys=[self._name], args=arguments)
        except redis.RedisError as error:
            raise Unavailable(f"The stream does not take entries: {error}") from error
        if answer is None:
            raise _full(self._max_entries)
        if isinstance(answer, int):
            raise Taken(answer)
        return str(answer, "ascii")

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
    with stream.client.pipeline(transaction=False) as pipe:
        for statement_id in ids:
            pipe.expire(stream.name.encode() + b":id:" + statement_id.bytes, SETTLED_SECONDS)
        pipe.execute()


def _sortable(message_id: str) -> tuple[int, int]:
    milliseconds, _, place = message_id.partition("-")
    return int(milliseconds), int(place)


def _full(limit: int) -> StreamFull:
    return StreamFull(f"The stream holds {limit} entries or more that are not loaded yet.", retry_after_seconds=10)


def _own_ids(body: bytes) -> tuple[UUID, ...]:
    try:
        parsed = orjson.loads(body)
        return tuple(UUID(statement["id"]) for statement in (parsed if isinstance(parsed, list) else [parsed]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(
            "Each statement needs its id here.",
            [Problem("id", "is missing or is not a UUID.", "A UUID.")],
        ) from error
