"""What entries of the stream say: statements for the record, and letters for what cannot be read. Asks no store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.errors import Problem, Unreadable
from app.etl_incremental import Batch, Incoming, prepare_statements
from app.ingest.dead_letters import Letter
from app.lrs.attachments import multipart_request
from app.lrs.statements import split
from app.platform.logs import get_logger
from app.streaming import RefusedEntry, StreamEntry, attachments_in

log = get_logger(__name__)

Fields = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Stream entries that were read and flattened, ready to be loaded.

    last_use: by credential. letters: what cannot be read, and what the door refused while PostgreSQL was away.
    """

    statements: Batch
    attachments: dict[str, bytes]
    last_use: dict[str, datetime]
    letters: list[Letter]


def read_messages(messages: Sequence[tuple[str, Fields]]) -> ReadBatch:
    """All that can be done for (message id, fields) pairs without asking a store. Raises nothing about the entries."""
    incoming: list[Incoming] = []
    attachments: dict[str, bytes] = {}
    last_use: dict[str, datetime] = {}
    letters: list[Letter] = []
    for message_id, fields in messages:
        try:
            if fields.get(b"format") == RefusedEntry.FORM:
                letters.append(_refused_letter(RefusedEntry.from_fields(fields)))
                continue
            entry = StreamEntry.from_fields(fields, message_id)
            found = _statements_of(entry)
        except Unreadable as error:
            letters.append(message_letter(message_id, fields, error))
            continue
        incoming += found
        if entry.attachments:
            attachments |= entry.attachments
        stored_at = found[0].stored_at
        last_use[entry.credential_id] = max(stored_at, last_use.get(entry.credential_id, stored_at))
    return ReadBatch(prepare_statements(incoming), attachments, last_use, letters)


def _statements_of(entry: StreamEntry) -> list[Incoming]:
    """The statements of an entry; of one request the later ones are a microsecond later, so that order is kept."""
    assert entry.stored_at is not None  # noqa: S101  (an entry that was read has one)
    about = (entry.xapi_version, entry.credential_id, entry.defines)
    if len(entry.ids) == 1 and entry.body.startswith(b"{") and entry.body.endswith(b"}"):
        # One statement and nothing around it. Whether it is JSON is said by whoever flattens it, who parses it anyway.
        return [Incoming(entry.ids[0], entry.body, entry.stored_at, *about)]
    payloads = split(entry.body)
    if not payloads or len(payloads) != len(entry.ids):
        raise Unreadable(
            "The stream entry does not fit together.",
            [
                Problem(
                    "ids",
                    f"are {len(entry.ids)} for {len(payloads)} statements.",
                    "One id per statement.",
                )
            ],
        )
    return [
        Incoming(statement_id, payload, entry.stored_at + timedelta(microseconds=place), *about)
        for place, (statement_id, payload) in enumerate(zip(entry.ids, payloads, strict=True))
    ]


def _refused_letter(entry: RefusedEntry) -> Letter:
    """What the door refused while the database was away, as the door would have buried it."""
    letter: dict[str, Any] = dict(entry.letter)
    problems = [Problem(**problem) for problem in letter.pop("problems")]
    statement_id = letter.pop("statement_id")
    return Letter(
        body=entry.body, problems=problems, statement_id=UUID(statement_id) if statement_id else None, **letter
    )


def message_letter(
    message_id: str, fields: Fields, error: Unreadable, *, code: str = "unreadable", attempts: int = 1
) -> Letter:
    """The body of an entry, with the data that came along; where there is no body, all its fields as they are."""
    log.error("stream entry buried", message_id=message_id, code=code, reason=error.message)
    body, content_type = fields.get(b"body"), None
    if body and (contents := attachments_in(fields)):
        content_type, body = multipart_request(body, contents)
    return Letter(
        source="stream",
        code=code,
        reason=error.message,
        content_type=content_type,
        body=body or b"\n".join(key + b": " + value for key, value in fields.items()),
        problems=error.problems,
        credential_id=fields.get(b"credential", b"").decode(errors="replace") or None,
        request_id=fields.get(b"request", b"").decode(errors="replace") or None,
        attempts=attempts,
    )
