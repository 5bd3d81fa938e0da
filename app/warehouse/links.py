"""Links: by what a statement is found, which statement refers to which, and which are voided. SQL and nothing else."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

MAX_CHAIN = 20
"""Of how many references in a row the last statement is still found by what the first one is found by."""

Link = tuple[UUID, datetime, int]
"""key, stored_at, seq: a row of silver.statement_links."""

_PENDING = """
SELECT r.statement_id, r.target_id, r.voids FROM silver.statement_refs r
JOIN bronze.statements_raw t ON t.id = r.target_id
WHERE r.resolved_at IS NULL AND (r.target_id = ANY(%(ids)s) OR r.statement_id = ANY(%(ids)s))
ORDER BY r.statement_id
FOR UPDATE OF r
"""
_BELOW = f"""
WITH RECURSIVE chain (id, depth) AS (
    SELECT %(id)s::uuid, 1
    UNION
    SELECT r.target_id, depth + 1 FROM chain JOIN silver.statement_refs r ON r.statement_id = chain.id
    WHERE depth < {MAX_CHAIN}
)
SELECT DISTINCT t.id, t.seq, t.stored_at, t.payload::text, t.credential_id
FROM chain JOIN bronze.statements_raw t ON t.id = chain.id
"""  # noqa: S608  (a constant of our own)
_ABOVE = f"""
WITH RECURSIVE chain (id, depth) AS (
    SELECT %(id)s::uuid, 1
    UNION
    SELECT r.statement_id, depth + 1 FROM chain JOIN silver.statement_refs r ON r.target_id = chain.id
    WHERE depth < {MAX_CHAIN}
)
SELECT DISTINCT t.stored_at, t.seq
FROM chain JOIN bronze.statements_raw t ON t.id = chain.id WHERE t.voided_by IS NULL
"""  # noqa: S608  (a constant of our own)
_VOID = """
UPDATE bronze.statements_raw t SET voided_by = %(by)s
WHERE t.id = %(id)s AND t.voided_by IS NULL
  AND NOT EXISTS (SELECT FROM silver.statement_refs r WHERE r.statement_id = t.id AND r.voids)
RETURNING t.seq
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """A statement that refers to another one. voids: it voids that one."""

    statement_id: UUID
    target_id: UUID
    voids: bool


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """What links are computed from."""

    id: UUID
    seq: int
    stored_at: datetime
    payload: str
    credential_id: str


def write_links(db: Session, links: Iterable[Link]) -> None:
    """Write links; those that are there stay. In the order of the key, so that two loaders never wait in a circle."""
    rows = sorted(set(links), key=lambda link: (link[0].bytes, link[1], link[2]))
    if rows:
        with raw_cursor(db) as cursor:
            execute_values(
                cursor,
                "INSERT INTO silver.statement_links (key, stored_at, seq) VALUES %s ON CONFLICT DO NOTHING",
                rows,
                page_size=2_000,
            )


def remove_links(db: Session, links: Iterable[Link]) -> None:
    """Take links away, so that the statement is found by them no longer."""
    rows = sorted(set(links), key=lambda link: (link[0].bytes, link[1], link[2]))
    with raw_cursor(db) as cursor:
        execute_values(
            cursor,
            "DELETE FROM silver.statement_links l USING (VALUES %s) AS gone (key, stored_at, seq) "
            "WHERE l.key = gone.key AND l.stored_at = gone.stored_at AND l.seq = gone.seq",
            rows,
            template="(%s::uuid, %s::timestamptz, %s::bigint)",
        )


def write_references(db: Session, references: Sequence[Reference]) -> None:
    """Remember who refers to whom, whether the target is here already or not."""
    rows = sorted((r.statement_id, r.target_id, r.voids) for r in references)
    if rows:
        with raw_cursor(db) as cursor:
            execute_values(
                cursor,
                "INSERT INTO silver.statement_refs (statement_id, target_id, voids) VALUES %s ON CONFLICT DO NOTHING",
                rows,
            )


def pending_references(db: Session, ids: Collection[UUID]) -> list[Reference]:
    """References of or to these statements whose target has come and that nobody has followed yet; locked."""
    with raw_cursor(db) as cursor:
        cursor.execute(_PENDING, {"ids": list(ids)})
        return [Reference(*row) for row in cursor.fetchall()]


def late_references(db: Session, limit: int) -> list[UUID]:
    """Statements whose target has come and that nobody has followed: two loaders each missed the other's rows."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT r.statement_id FROM silver.statement_refs r JOIN bronze.statements_raw t ON t.id = r.target_id "
            "WHERE r.resolved_at IS NULL LIMIT %s",
            (limit,),
        )
        return [row[0] for row in cursor.fetchall()]


def resolved(db: Session, references: Sequence[Reference], at: datetime) -> None:
    """Mark references as followed."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "UPDATE silver.statement_refs SET resolved_at = %s WHERE statement_id = ANY(%s)",
            (at, [r.statement_id for r in references]),
        )


def down_from(db: Session, statement_id: UUID) -> list[StoredStatement]:
    """The statement and those it refers to, one after the other."""
    with raw_cursor(db) as cursor:
        cursor.execute(_BELOW, {"id": statement_id})
        return [StoredStatement(*row) for row in cursor.fetchall()]


def up_from(db: Session, statement_id: UUID) -> list[tuple[datetime, int]]:
    """(stored_at, seq) of the statement and of those that refer to it, directly or not; voided ones left out."""
    with raw_cursor(db) as cursor:
        cursor.execute(_ABOVE, {"id": statement_id})
        return [(row[0], row[1]) for row in cursor.fetchall()]


def void(db: Session, reference: Reference) -> bool:
    """Mark the target as voided. False when it is a voiding statement itself, or voided already.

    xAPI 1.0.3 Data 2.3.2: a statement that voids another one cannot be voided.
    """
    with raw_cursor(db) as cursor:
        cursor.execute(_VOID, {"id": reference.target_id, "by": reference.statement_id})
        return cursor.fetchone() is not None
