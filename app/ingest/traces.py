"""Dead letters that are about one person: found by what stands in them."""

import base64
import zlib
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.ingest.models import DeadLetter

_ROWS_AT_ONCE = 20
"""Letters in memory at once; each may be as long as a request."""

MAX_UNPACKED_BYTES = 64 * 2**20
"""Of a compressed body, what is looked at: more than any body that the door accepts unpacks to."""
_PIECE_BYTES = 2**16
_STEP_BYTES = 64
"""What is unpacked at once: with a damage, no more of what stands right before it is lost."""
_GZIP = b"\x1f\x8b"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS

Holds = Callable[[str | bytes], bool]
"""Whether a text holds what identifies the person."""


def holding(db: Session, holds: Holds) -> Iterator[UUID]:
    """Letters whose body, reason or problems hold it; a body that is compressed, also when it is damaged, unpacked."""
    letter = DeadLetter
    query = select(letter.id, letter.body, letter.reason, letter.problems, letter.path, letter.resolution)
    for row in db.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        told = orjson.dumps([row.reason, row.problems, row.path, row.resolution])
        body = bytes(row.body)
        if holds(body) or holds(told) or ((plain := unpacked(body)) and holds(plain)):
            yield row.id


def unpacked(body: bytes) -> bytes:
    """What a body holds that is compressed as gzip or zlib, as far as it can be read; nothing if it is not compressed.

    The door keeps a body as it came when it cannot be decompressed to its end (RFC 9110 8.4.1), and what stands before
    the damage can be read by anybody.
    """
    found = bytearray()
    while (body[:2] == _GZIP or _is_zlib(body)) and len(found) < MAX_UNPACKED_BYTES:
        stream, piece = zlib.decompressobj(_GZIP_OR_ZLIB), b""
        try:
            for start in range(0, len(body), _PIECE_BYTES):
                waiting = body[start : start + _PIECE_BYTES]
                while (waiting or piece) and not stream.eof and len(found) < MAX_UNPACKED_BYTES:
                    piece = stream.decompress(waiting, _STEP_BYTES)
                    waiting = stream.unconsumed_tail
                    found += piece
                if stream.eof or len(found) >= MAX_UNPACKED_BYTES:
                    break
        except zlib.error:
            break
        if not stream.eof:
            break
        # Several such bodies one after the other are one (RFC 1952 2.2).
        body = stream.unused_data + body[start + _PIECE_BYTES :]
    return bytes(found)


def _is_zlib(body: bytes) -> bool:
    """By its first two bytes (RFC 1950 2.2): the method is deflate, and together they are a multiple of 31."""
    return len(body) > 2 and body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0


def of_statements(db: Session, ids: Collection[UUID]) -> list[UUID]:
    """Letters that are about one of these statements."""
    return list(db.scalars(select(DeadLetter.id).where(DeadLetter.statement_id.in_(ids))))


def show(db: Session, ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The letters, for the person to read; their bytes as base64."""
    return [
        {
            "id": str(letter.id),
            "reason": letter.reason,
            "first_seen_at": letter.first_seen_at,
            "content_type": letter.content_type,
            "body": base64.b64encode(letter.body).decode(),
        }
        for letter in db.scalars(select(DeadLetter).where(DeadLetter.id.in_(ids)).order_by(DeadLetter.first_seen_at))
    ]


def delete_letters(db: Session, ids: Collection[UUID]) -> None:
    """Delete letters with their bytes."""
    db.execute(delete(DeadLetter).where(DeadLetter.id.in_(ids)))


def count_older(db: Session, moment: datetime) -> int:
    """How many letters were last seen before this moment."""
    return db.scalar(select(func.count()).select_from(DeadLetter).where(DeadLetter.last_seen_at < moment)) or 0


def delete_older(db: Session, moment: datetime) -> int:
    """Delete letters that were last seen before this moment, whatever became of them. Returns how many."""
    return len(db.scalars(delete(DeadLetter).where(DeadLetter.last_seen_at < moment).returning(DeadLetter.id)).all())
