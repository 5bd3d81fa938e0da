"""The stream between the doors and the loader: one entry per request, in a Redis Stream that is fsynced on each write.

An entry carries the request's body untouched, the ids of its statements in order, and what the door knew: when it
accepted them, for whom, under which xAPI version, in which request.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from uuid import UUID

import orjson
import redis

from app.errors import Conflict, Problem, Unavailable, Unreadable
from app.platform import telemetry

FORMAT = b"1"
"""The form of an entry, written into each: a worker of the next release must read what this one wrote."""


LOOK_SECONDS = 0.05
"""How often whoever waits for the loader looks whether it has come far enough."""
OLDEST_ID = "local e = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1) return e[1] and e[1][1] or ''"
"""The script that tells the id of the oldest entry of a stream: an entry itself may hold megabytes."""
_ATTACHMENT = b"attachment:"
OUT_OF_MEMORY = "Redis has reached its own maxmemory."


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
    traceparent: the trace of the request (W3C Trace Context); empty where nobody traces.
    """

    body: bytes
    ids: tuple[UUID, ...]
    stored_at: datetime | None
    xapi_version: str
    credential_id: str
    request_id: str = ""
    defines: bool = True
    attachments: Mapping[str, bytes] = field(default_factory=dict)
    traceparent: str = ""

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
        if self.traceparent:
            fields[telemetry.FIELD] = self.traceparent.encode()
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
            attachments_in(fields),
            fields.get(telemetry.FIELD, b"").decode(errors="replace"),
        )


def attachments_in(fields: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """The contents of attachments in the fields of an entry, by SHA-2."""
    return {
        name[len(_ATTACHMENT) :].decode("ascii", "replace"): content
        for name, content in fields.items()
        if name.startswith(_ATTACHMENT)
    }


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


def wait_until_loaded(stream: StatementStream, patience_seconds: float) -> None:
    """Wait until everything that is on the stream now has been loaded or buried.

    Conflict when the loader stands still or does not come to it in time; Unavailable when Redis does not answer.
    """
    give_up = time.monotonic() + patience_seconds
    try:
        newest = cast(list[tuple[bytes, Any]], stream.client.xrevrange(stream.name, count=1))
        while newest:
            oldest = cast(list[tuple[bytes, Any]], stream.client.xrange(stream.name, count=1))
            if not oldest or _place(oldest[0][0]) > _place(newest[0][0]):
                return
            if why := why_halted(stream):
                raise Conflict(
                    f"Statements wait on the stream, and the loader stands still: {why} Nothing was changed."
                )
            if time.monotonic() >= give_up:
                raise Conflict(
                    f"Statements that were accepted before wait for the loader for more than {patience_seconds:g} "
                    "seconds. Nothing was changed; try again when it has caught up."
                )
            time.sleep(LOOK_SECONDS)
    except redis.RedisError as error:
        raise Unavailable(f"The stream cannot be looked at: {error}") from error


def _place(message_id: bytes) -> tuple[int, int]:
    milliseconds, _, number = message_id.partition(b"-")
    return int(milliseconds), int(number)


def halt(stream: StatementStream, reason: str) -> None:
    """Stop every loader of the stream until `resume`. reason: for people; the first one stays."""
    stream.client.set(_halted(stream), reason, nx=True)


def why_halted(stream: StatementStream) -> str | None:
    """Why the loaders of the stream stand still; None while they may work."""
    reason: Any = stream.client.get(_halted(stream))
    return reason.decode(errors="replace") if reason is not None else None


def halt_and_resumes(stream: StatementStream) -> tuple[bool, int]:
    """Whether the loaders stand still, and how often they were let go on so far, in one question."""
    halted, resumes = cast(list[bytes | None], stream.client.mget(_halted(stream), _resumes(stream)))
    return halted is not None, int(resumes or 0)


def resume(stream: StatementStream) -> bool:
    """Let the loaders go on. False when nothing had stopped them."""
    with stream.client.pipeline(transaction=True) as pipe:
        pipe.delete(_halted(stream))
        pipe.incr(_resumes(stream))
        return bool(pipe.execute()[0])


def _halted(stream: StatementStream) -> str:
    return f"{stream.name}:halted"


def _resumes(stream: StatementStream) -> str:
    return f"{stream.name}:resumes"


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
            raise stream_full(stream.max_entries)
        message_id = stream.client.xadd(stream.name, entry.fields())  # type: ignore[arg-type]
    except redis.OutOfMemoryError as error:
        raise memory_full(OUT_OF_MEMORY) from error
    except redis.RedisError as error:
        raise Unavailable(f"The stream does not take entries: {error}") from error
    assert isinstance(message_id, bytes)  # noqa: S101  (the client does not decode)
    return message_id.decode()


def stream_full(limit: int) -> StreamFull:
    """What is raised when this many entries wait."""
    return StreamFull(f"The stream holds {limit} entries or more that are not loaded yet.", retry_after_seconds=10)


def memory_full(told: str) -> StreamFull:
    """What is raised when Redis has no room for an entry. told: why, one sentence."""
    return StreamFull(f"The stream has no room: {told}", retry_after_seconds=10)


def _own_ids(body: bytes) -> tuple[UUID, ...]:
    try:
        parsed = orjson.loads(body)
        return tuple(UUID(statement["id"]) for statement in (parsed if isinstance(parsed, list) else [parsed]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(
            "Each statement needs its id here.",
            [Problem("id", "is missing or is not a UUID.", "A UUID.")],
        ) from error
