"""Bronze: store statements as they were received, once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.platform.postgres import AsyncPostgres
from app.warehouse.copying import copy_new, json_field, line
from app.warehouse.cursor import raw_cursor
from app.warehouse.models import StoredAttachment

MOST_COUNTED = 100_000
_NUMBERS = """
SELECT array_agg(nextval(pg_get_serial_sequence('bronze.statements_raw', 'seq'))) FROM generate_series(1, %s)
"""
_THERE = "SELECT id FROM bronze.statements_raw WHERE id = ANY(%s::uuid[])"
_HASHES = "SELECT id, content_hash FROM bronze.statements_raw WHERE id = ANY(%s::uuid[])"
_COLUMNS = "id, content_hash, stored_at, xapi_version, credential_id, defines, payload, seq, flattened_at"
_INSERT = f"""
INSERT INTO bronze.statements_raw ({_COLUMNS})
OVERRIDING SYSTEM VALUE VALUES %s
ON CONFLICT (id) DO NOTHING
RETURNING id, seq
"""  # noqa: S608  (names of our own columns)

# A door that stores by itself holds this lock until its transaction has ended, so that readers can see it coming.
_DOOR_LOCK = 7_100_001
_WAITING_SINCE = f"""
SELECT least(
    (SELECT stored_at FROM bronze.statements_raw WHERE flattened_at IS NULL AND flatten_error IS NULL
     ORDER BY seq LIMIT 1),
    (SELECT min(a.xact_start) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.objid = {_DOOR_LOCK} AND l.database = a.datid)
) - interval '1 millisecond'
"""  # noqa: S608  (a number of our own)


class RawStatement(NamedTuple):
    """One valid statement as received. payload: its JSON text as sent. stored_at: when it was accepted."""

    id: UUID
    payload: bytes
    stored_at: datetime
    xapi_version: str
    credential_id: str
    defines: bool = True


def text_hash(payload: bytes) -> bytes:
    """A hash of a statement's text. The same one is an exact repeat; whether other texts agree has to be looked at."""
    return blake2b(payload, digest_size=16).digest()


def as_line(s: RawStatement) -> str:
    """A raw row as text for `store`, all but its number and its mark: what can be done before PostgreSQL is asked."""
    return f"{line(_values(s))}\t{json_field(s.payload)}"


def store(
    db: Session, statements: Sequence[RawStatement], lines: Sequence[str], *, flattened_at: datetime | None
) -> dict[UUID, int]:
    """Store what is not there yet and return the ids that were new, each with its seq. The unique id decides.

    Rows go in sorted by id, so that two loaders that meet the same statements wait for each other in one order only;
    their seqs follow the order in which they are given. lines: `as_line` of each.
    flattened_at: the mark of rows whose flat row is written in the same transaction; None leaves them to the sweep.
    """
    with raw_cursor(db) as cursor:
        cursor.execute(_NUMBERS, (len(statements),))
        seqs = sorted(cursor.fetchone()[0])
        cursor.execute(_THERE, (_array(s.id for s in statements),))
        there = {row[0] for row in cursor.fetchall()}
    new = [row for row in zip(seqs, statements, lines, strict=True) if row[1].id not in there]
    if not new:
        return {}
    new.sort(key=lambda row: row[1].id.bytes)
    mark = line((flattened_at,))
    if copy_new(db, "bronze.statements_raw", _COLUMNS, [f"{text}\t{seq}\t{mark}" for seq, _, text in new]):
        return {s.id: seq for seq, s, _ in new}
    rows = [(*_values(s), s.payload.decode(), seq, flattened_at) for seq, s, _ in new]
    with raw_cursor(db) as cursor:
        return {row[0]: row[1] for row in execute_values(cursor, _INSERT, rows, page_size=1_000, fetch=True)}


def _values(s: RawStatement) -> tuple[object, ...]:
    return s.id, text_hash(s.payload), s.stored_at, s.xapi_version, s.credential_id, s.defines


def content_hashes(db: Session, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The content hash (see `text_hash`) of each of these statements that is stored."""
    with raw_cursor(db) as cursor:
        cursor.execute(_HASHES, (_array(ids),))
        return {row[0]: bytes(row[1]) for row in cursor.fetchall()}


async def look_up_hashes(postgres: AsyncPostgres, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """`content_hashes` for the event loop of an API process."""
    return {row[0]: bytes(row[1]) for row in await postgres.rows(_HASHES, (_array(ids),))}


def _array(ids: Iterable[UUID]) -> str:
    """An array literal. The driver would quote id by id, which takes longer than looking them up."""
    return f"{{{','.join([one.hex for one in ids])}}}"


def keep_attachments(db: Session, contents: Mapping[str, bytes], at: datetime) -> None:
    """Store the data of attachments by its hash; what is there already stays."""
    rows = [(sha2, content, at) for sha2, content in sorted(contents.items())]
    if rows:
        with raw_cursor(db) as cursor:
            execute_values(
                cursor,
                "INSERT INTO bronze.attachments (sha2, content, stored_at) VALUES %s ON CONFLICT DO NOTHING",
                rows,
                page_size=20,
            )


def attachments(db: Session, hashes: Sequence[str]) -> dict[str, bytes]:
    """The data of attachments, by hash; those that were never sent (fileUrl) are not in it."""
    if not hashes:
        return {}
    found = db.execute(select(StoredAttachment.sha2, StoredAttachment.content).where(StoredAttachment.sha2.in_(hashes)))
    return {row.sha2: bytes(row.content) for row in found}


def announce(db: Session) -> datetime:
    """Let readers know that this transaction is storing. Returns its time, which is what it has to store as `stored`.

    Whoever reads cannot see the rows before they are committed; that somebody is about to commit some can be seen.
    """
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s), transaction_timestamp()", (_DOOR_LOCK,))
        return cursor.fetchone()[1]  # type: ignore[no-any-return]


def waiting_since(db: Session) -> datetime | None:
    """Just before the oldest statement that waits for the sweep, or is about to; None when there is none."""
    with raw_cursor(db) as cursor:
        cursor.execute(_WAITING_SINCE)
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


class Waiting(NamedTuple):
    """Stored statements without a flat row, MOST_COUNTED at most."""

    statements: int
    oldest_at: datetime | None


def waiting(db: Session, since: datetime | None) -> Waiting:
    """What waits for the sweep, of what was accepted since this moment; None: all of it."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT count(*), min(stored_at) FROM (SELECT stored_at FROM bronze.statements_raw "
            "WHERE flattened_at IS NULL AND flatten_error IS NULL AND (%(since)s::timestamptz IS NULL "
            "OR stored_at >= %(since)s) ORDER BY seq LIMIT %(most)s) AS waiting",
            {"since": since, "most": MOST_COUNTED},
        )
        return Waiting(*cursor.fetchone())


def complete_up_to(db: Session) -> int:
    """The seq up to which the record is complete once no loader is loading; 0 while it is empty.

    Numbers are given before rows can be seen. Doors that are storing are waited for, for the length of one request; of
    loaders the caller has to take the turn afterwards, in a transaction of its own: whoever waits for both at once
    could wait in a circle.
    """
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_DOOR_LOCK,))
        cursor.execute("SELECT coalesce(max(seq), 0) FROM bronze.statements_raw")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]
