"""Erasing: the only place that deletes from the record. SQL and nothing but SQL; who and why is decided elsewhere."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

_ROWS_AT_ONCE = 500
_FIND = """
SELECT raw.seq, raw.id, raw.payload::text FROM bronze.statements_raw raw
CROSS JOIN LATERAL (SELECT lower(raw.payload::text COLLATE "C") AS text OFFSET 0) plain
WHERE raw.seq > %s AND raw.seq <= coalesce(%s, raw.seq) AND ({holds})
ORDER BY raw.seq LIMIT %s
"""
# No index knows words inside of statements, so all are read; put in lower case once and then searched, in half the time
# that ILIKE takes.
_HOLDS = "strpos(plain.text, %s) > 0"
# A backslash and u: something is escaped, and only reading it tells what.
_ESCAPED = r"\u"


def candidates(db: Session, needles: Sequence[str], after: int, up_to: int | None) -> Iterator[tuple[UUID, str]]:
    """Statements after this seq whose text holds one of these words, or anything escaped.

    needles: in lower case; of letters beyond ASCII only such as have no case.
    """
    words = [*needles, _ESCAPED]
    query = _FIND.format(holds=" OR ".join([_HOLDS] * len(words)))
    while True:
        with raw_cursor(db) as cursor:
            cursor.execute(query, (after, up_to, *words, _ROWS_AT_ONCE))
            rows = cursor.fetchall()
        if not rows:
            return
        for seq, statement_id, payload in rows:
            after = seq
            yield statement_id, payload


def of_learner(db: Session, learner_id: UUID) -> set[UUID]:
    """The statements whose flat row names this learner."""
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT statement_id FROM silver.statements_flat WHERE learner_id = %s", (learner_id,))
        return {row[0] for row in cursor.fetchall()}


def older_than(db: Session, moment: datetime, limit: int) -> list[UUID]:
    """The oldest statements that were stored before this moment, voided ones too."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT id FROM bronze.statements_raw WHERE stored_at < %s ORDER BY stored_at, seq LIMIT %s",
            (moment, limit),
        )
        return [row[0] for row in cursor.fetchall()]


def count_older(db: Session, moment: datetime) -> int:
    """How many statements were stored before this moment."""
    with raw_cursor(db) as cursor:
        cursor.execute("SELECT count(*) FROM bronze.statements_raw WHERE stored_at < %s", (moment,))
        return int(cursor.fetchone()[0])


def payloads(db: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The text of those of these statements that are stored, the oldest first."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT id, payload::text FROM bronze.statements_raw WHERE id = ANY(%s) ORDER BY stored_at, seq",
            (list(ids),),
        )
        return dict(cursor.fetchall())


def count_derived(db: Session, ids: Collection[UUID]) -> dict[str, int]:
    """How many rows there are of these statements in the tables that are derived from them."""
    found: dict[str, int] = {}
    with raw_cursor(db) as cursor:
        for table in ("statements_flat", "statement_refs"):
            query = f"SELECT count(*) FROM silver.{table} WHERE statement_id = ANY(%s)"  # noqa: S608
            cursor.execute(query, (list(ids),))
            found[f"silver.{table}"] = int(cursor.fetchone()[0])
    return found


def delete_raw(db: Session, ids: Collection[UUID]) -> int:
    """Delete statements from the record."""
    with raw_cursor(db) as cursor:
        cursor.execute("DELETE FROM bronze.statements_raw WHERE id = ANY(%s)", (list(ids),))
        return int(cursor.rowcount)


def unreferred_attachments(db: Session, hashes: Collection[str], but_for: Collection[UUID]) -> set[str]:
    """Those of these attachments that are stored and that no statement names, but for the ones given by id."""
    if not hashes:
        return set()
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT sha2 FROM bronze.attachments a WHERE sha2 = ANY(%s) AND NOT EXISTS ("
            "SELECT FROM bronze.statements_raw r WHERE r.payload::text ILIKE '%%' || a.sha2 || '%%' "
            "AND NOT r.id = ANY(%s))",
            (list(hashes), list(but_for)),
        )
        return {row[0] for row in cursor.fetchall()}


def delete_attachments(db: Session, hashes: Collection[str]) -> int:
    """Delete the data of attachments."""
    with raw_cursor(db) as cursor:
        cursor.execute("DELETE FROM bronze.attachments WHERE sha2 = ANY(%s)", (list(hashes),))
        return int(cursor.rowcount)


def delete_progress(db: Session, learner_id: UUID) -> int:
    """Delete what gold holds of a learner."""
    with raw_cursor(db) as cursor:
        cursor.execute("DELETE FROM gold.lesson_progress WHERE learner_id = %s", (learner_id,))
        return int(cursor.rowcount)


def definitions_holding(db: Session, needles: Sequence[str]) -> Iterator[str]:
    """The texts of canonical definitions that hold one of these words; they belong to everybody and stay."""
    patterns = ["%" + _literal(one) + "%" for one in needles]
    with raw_cursor(db) as cursor:
        for table, column in (("activities", "definition"), ("verbs", "display")):
            cursor.execute(
                f"SELECT iri || ' ' || {column}::text FROM silver.{table} "  # noqa: S608  (names of our own)
                f"WHERE iri ILIKE ANY(%s) OR {column}::text ILIKE ANY(%s) LIMIT 1000",
                (patterns, patterns),
            )
            yield from (row[0] for row in cursor.fetchall())


def _literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
