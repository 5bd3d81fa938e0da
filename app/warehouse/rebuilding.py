"""Rebuilding: the record from its beginning, and the derived rows that are there with or without a reason."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.warehouse import silver
from app.warehouse.cursor import raw_cursor
from app.warehouse.links import Link, Reference

_ONE_REBUILD = 7_100_003
_RAW = (
    "r.seq, r.id, r.payload::text, r.stored_at, r.xapi_version, r.credential_id, r.defines, r.voided_by, "
    "r.flattened_at, r.flatten_error"
)
_VOIDERS = """
SELECT DISTINCT ON (r.target_id) r.target_id, r.statement_id FROM silver.statement_refs r
JOIN bronze.statements_raw s ON s.id = r.statement_id
JOIN bronze.statements_raw t ON t.id = r.target_id
WHERE r.voids AND r.target_id = ANY(%s)
ORDER BY r.target_id, t.voided_by IS DISTINCT FROM r.statement_id, s.seq
"""
_WITHOUT_FLAT = f"""
SELECT {_RAW} FROM bronze.statements_raw r
WHERE r.voided_by IS NULL AND r.flattened_at IS NOT NULL AND r.flatten_error IS NULL AND r.stored_at >= %s
    AND NOT EXISTS (SELECT FROM silver.statements_flat f WHERE f.statement_id = r.id)
ORDER BY r.stored_at, r.seq LIMIT %s
FOR NO KEY UPDATE OF r
"""  # noqa: S608  (names of our own columns)
_STALE = """
SELECT key, stored_at, seq FROM pg_temp.links_before b
WHERE (seq, key) > (%s, %s) AND NOT EXISTS (SELECT FROM bronze.statements_raw r WHERE r.seq = b.seq)
ORDER BY seq, key LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of bronze.statements_raw, locked. payload: its text as sent."""

    seq: int
    id: UUID
    payload: str
    stored_at: datetime
    xapi_version: str
    credential_id: str
    defines: bool
    voided_by: UUID | None
    flattened_at: datetime | None
    flatten_error: str | None

    @property
    def is_flattened(self) -> bool:
        """Whether its mark says that it is in silver."""
        return self.flattened_at is not None and self.flatten_error is None


def claim(db: Session) -> bool:
    """Take the place of the one rebuild, for as long as the connection lasts; False when somebody has it."""
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_REBUILD,))
        return bool(cursor.fetchone()[0])


def release(db: Session) -> None:
    """Give up the place of the one rebuild."""
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", (_ONE_REBUILD,))


def rows(db: Session, after: int, up_to: int | None, limit: int) -> list[StoredRow]:
    """Statements after this seq, in order, up to another one or to the end. Locked, as their marks may change."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            f"SELECT {_RAW} FROM bronze.statements_raw r WHERE r.seq > %s AND r.seq <= coalesce(%s, r.seq) "  # noqa: S608
            "ORDER BY r.seq LIMIT %s FOR NO KEY UPDATE",
            (after, up_to, limit),
        )
        return [StoredRow(*row) for row in cursor.fetchall()]


def rows_without_flat(db: Session, since: datetime, limit: int) -> list[StoredRow]:
    """Statements stored since then whose mark says flattened and that have no flat row, though nobody voided them."""
    with raw_cursor(db) as cursor:
        cursor.execute(_WITHOUT_FLAT, (since, limit))
        return [StoredRow(*row) for row in cursor.fetchall()]


def unmark(db: Session, ids: Collection[UUID]) -> None:
    """Take off the marks of statements that turned out not to be flattened."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "UPDATE bronze.statements_raw SET flattened_at = NULL WHERE id = ANY(%s) AND flattened_at IS NOT NULL",
            (list(ids),),
        )


def flat(db: Session, ids: Collection[UUID]) -> dict[UUID, tuple[Any, ...]]:
    """The flat rows of these statements that are there, in the order of silver.COLUMNS."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            f"SELECT statement_id, {', '.join(silver.COLUMNS)} "  # noqa: S608  (names of our own columns)
            "FROM silver.statements_flat WHERE statement_id = ANY(%s)",
            (list(ids),),
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def references(db: Session, ids: Collection[UUID]) -> set[Reference]:
    """The references that these statements are said to make."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT statement_id, target_id, voids FROM silver.statement_refs WHERE statement_id = ANY(%s)",
            (list(ids),),
        )
        return {Reference(*row) for row in cursor.fetchall()}


def remove_references(db: Session, ids: Collection[UUID]) -> None:
    """Forget to whom these statements refer."""
    with raw_cursor(db) as cursor:
        cursor.execute("DELETE FROM silver.statement_refs WHERE statement_id = ANY(%s)", (list(ids),))


def doubt_references(db: Session, ids: Collection[UUID]) -> None:
    """A reference that is said to be followed, and whose target is not there, is to be followed when it comes."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "UPDATE silver.statement_refs r SET resolved_at = NULL "
            "WHERE statement_id = ANY(%s) AND resolved_at IS NOT NULL "
            "AND NOT EXISTS (SELECT FROM bronze.statements_raw t WHERE t.id = r.target_id)",
            (list(ids),),
        )


def voiders(db: Session, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """By whom each of these statements is voided: the one that its mark names, if that one voids it; or the oldest."""
    with raw_cursor(db) as cursor:
        cursor.execute(_VOIDERS, (list(ids),))
        return dict(cursor.fetchall())


def mark_voided(db: Session, by: Mapping[UUID, UUID | None]) -> int:
    """Say by whom statements are voided, None being nobody. Returns of how many that was news."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "UPDATE bronze.statements_raw t SET voided_by = v.by FROM unnest(%s::uuid[], %s::uuid[]) AS v (id, by) "
            "WHERE t.id = v.id AND t.voided_by IS DISTINCT FROM v.by",
            (list(by), list(by.values())),
        )
        return int(cursor.rowcount)


def orphans(db: Session, table: str, after: UUID, limit: int) -> tuple[list[UUID], UUID | None]:
    """Of the next `limit` rows after this statement those that belong to no stored one; and the last one looked at.

    table: statements_flat or statement_refs. The last one is None when there are no more rows.
    """
    with raw_cursor(db) as cursor:
        cursor.execute(
            f"SELECT w.statement_id, r.id IS NULL FROM (SELECT statement_id FROM silver.{table} "  # noqa: S608
            "WHERE statement_id > %s ORDER BY statement_id LIMIT %s) AS w "
            "LEFT JOIN bronze.statements_raw r ON r.id = w.statement_id ORDER BY w.statement_id",
            (after, limit),
        )
        found = cursor.fetchall()
    return [key for key, is_orphan in found if is_orphan], found[-1][0] if found else None


def copy_links(db: Session) -> None:
    """Copy silver.statement_links for this connection, in the order of statements, which the table itself has not."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE links_before AS "
            "SELECT seq, key, stored_at FROM silver.statement_links ORDER BY seq, key"
        )
        cursor.execute("CREATE INDEX ON pg_temp.links_before (seq, key)")
        cursor.execute("ANALYZE pg_temp.links_before")


def copied_links(db: Session, seqs: Collection[int]) -> dict[int, set[Link]]:
    """The links that statements had when copy_links was called, by seq."""
    found: dict[int, set[Link]] = {}
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT key, stored_at, seq FROM pg_temp.links_before WHERE seq = ANY(%s)", (list(seqs),))
        for link in cursor:
            found.setdefault(link[2], set()).add(link)
    return found


def stale_links(db: Session, after: tuple[int, UUID], limit: int) -> list[Link]:
    """The next copied links after this (seq, key) whose statement is not stored."""
    with raw_cursor(db) as cursor:
        cursor.execute(_STALE, (*after, limit))
        return [(row[0], row[1], row[2]) for row in cursor.fetchall()]
