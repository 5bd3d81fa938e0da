"""Links: by what a statement is found, which statement refers to which, and which are voided. SQL and nothing else."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

from app.warehouse.copying import copy_new
from app.warehouse.cursor import raw_cursor

MAX_CHAIN = 20
"""Of how many references in a row the last statement is still found by what the first one is found by."""

Link = tuple[UUID, datetime, int]
"""key, stored_at, seq: a row of silver.statement_links."""

_TURN = 7_100_002
_PENDING = """
SELECT r.statement_id, r.target_id, r.voids FROM silver.statement_refs r
JOIN bronze.statements_raw t ON t.id = r.target_id
JOIN bronze.statements_raw s ON s.id = r.statement_id
WHERE r.resolved_at IS NULL AND (r.target_id = ANY(%(ids)s) OR r.statement_id = ANY(%(ids)s))
ORDER BY s.seq
"""
_LATE = """
SELECT r.statement_id FROM silver.statement_refs r JOIN bronze.statements_raw t ON t.id = r.target_id
WHERE r.resolved_at IS NULL LIMIT %s
"""
# A circle of references ends with the depth, as everything else does.
_CHAINS = f"""
WITH RECURSIVE above (id, height) AS (
    SELECT unnest(%(referring)s::uuid[]), 0
    UNION
    SELECT r.statement_id, height + 1 FROM above JOIN silver.statement_refs r ON r.target_id = above.id
    WHERE height < {MAX_CHAIN}
), below (start, id, depth) AS (
    SELECT id, id, 0 FROM above UNION SELECT id, id, 0 FROM unnest(%(others)s::uuid[]) AS others (id)
    UNION
    SELECT start, r.target_id, depth + 1 FROM below JOIN silver.statement_refs r ON r.statement_id = below.id
    WHERE depth < {MAX_CHAIN}
)
SELECT DISTINCT start, id FROM below
"""  # noqa: S608  (a constant of our own)


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
    is_voided: bool


def take_turn(db: Session, *, alone: bool) -> None:
    """Wait until this transaction may load; its turn lasts until it ends. alone: no other one loads meanwhile."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with raw_cursor(db) as cursor:
        cursor.execute(f"SELECT {lock}(%s)", (_TURN,))


def copy_links(db: Session, found_by: Iterable[tuple[Collection[UUID], datetime, int]]) -> None:
    """Write the links of statements that had none yet, given as (keys, stored_at, seq) of each.

    In the order of the key, which is the order of the index.
    """
    statements = list(found_by)
    lines: list[str] = []
    for keys, stored_at, seq in statements:
        rest = f"\t{stored_at.isoformat()}\t{seq}"
        lines += [key.hex + rest for key in keys]
    lines.sort()
    if lines and not copy_new(db, "silver.statement_links", "key, stored_at, seq", lines):
        write_links(db, [(key, stored_at, seq) for keys, stored_at, seq in statements for key in keys])


def write_links(db: Session, links: Iterable[Link]) -> None:
    """Write links; those that are there stay. In the order of the key, which is the order of the index."""
    if rows := sorted(links, key=lambda link: link[0].int):
        with raw_cursor(db) as cursor:
            cursor.execute(
                "INSERT INTO silver.statement_links (key, stored_at, seq) "
                "SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::bigint[]) ON CONFLICT DO NOTHING",
                _columns(rows),
            )


def remove_links(db: Session, links: Iterable[Link]) -> int:
    """Take links away, so that the statement is found by them no longer. Returns how many there were."""
    if rows := list(links):
        with raw_cursor(db) as cursor:
            cursor.execute(
                "DELETE FROM silver.statement_links l "
                "USING unnest(%s::uuid[], %s::timestamptz[], %s::bigint[]) AS gone (key, stored_at, seq) "
                "WHERE l.key = gone.key AND l.stored_at = gone.stored_at AND l.seq = gone.seq",
                _columns(rows),
            )
            return int(cursor.rowcount)
    return 0


def _columns(rows: Sequence[Link]) -> tuple[str, str, str]:
    """Three array literals. The driver would quote value by value, which takes longer than inserting them."""
    return (
        "{" + ",".join([key.hex for key, _, _ in rows]) + "}",
        "{" + ",".join([at.isoformat() for _, at, _ in rows]) + "}",
        "{" + ",".join([str(seq) for _, _, seq in rows]) + "}",
    )


def write_references(db: Session, references: Sequence[Reference]) -> None:
    """Remember who refers to whom, whether the target is here already or not. They are to be followed, or once more."""
    rows = sorted((r.statement_id, r.target_id, r.voids) for r in references)
    if rows:
        with raw_cursor(db) as cursor:
            execute_values(
                cursor,
                "INSERT INTO silver.statement_refs (statement_id, target_id, voids) VALUES %s "
                "ON CONFLICT (statement_id) DO UPDATE SET resolved_at = NULL",
                rows,
            )


def pending_references(db: Session, ids: Collection[UUID]) -> list[Reference]:
    """References of or to these statements whose target has come and that nobody has followed yet, the oldest first."""
    with raw_cursor(db) as cursor:
        cursor.execute(_PENDING, {"ids": list(ids)})
        return [Reference(*row) for row in cursor.fetchall()]


def late_references(db: Session, limit: int) -> list[UUID]:
    """Statements whose target has come and that nobody has followed."""
    with raw_cursor(db) as cursor:
        cursor.execute(_LATE, (limit,))
        return [row[0] for row in cursor.fetchall()]


def resolved(db: Session, references: Sequence[Reference], at: datetime) -> None:
    """Mark references as followed."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "UPDATE silver.statement_refs SET resolved_at = %s WHERE statement_id = ANY(%s)",
            (at, [r.statement_id for r in references]),
        )


def chains(db: Session, referring: Collection[UUID], others: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Of each of these, and of all that refer to the `referring` ones: itself and what it refers to, up to the end.

    Directly or over other statements, MAX_CHAIN references far; statements that have not come yet are named too.
    """
    found: dict[UUID, set[UUID]] = {}
    with raw_cursor(db) as cursor:
        cursor.execute(_CHAINS, {"referring": list(referring), "others": list(others)})
        for start, member in cursor:
            found.setdefault(start, set()).add(member)
    return found


def stored(db: Session, ids: Collection[UUID]) -> list[StoredStatement]:
    """Those of these statements that have come, voided ones too."""
    with raw_cursor(db) as cursor:
        cursor.execute(
            "SELECT id, seq, stored_at, payload::text, credential_id, voided_by IS NOT NULL "
            "FROM bronze.statements_raw WHERE id = ANY(%s)",
            (list(ids),),
        )
        return [StoredStatement(*row) for row in cursor.fetchall()]


def void(db: Session, voided: Mapping[UUID, UUID]) -> None:
    """Mark statements as voided, each by the one that voids it."""
    if voided:
        with raw_cursor(db) as cursor:
            execute_values(
                cursor,
                "UPDATE bronze.statements_raw t SET voided_by = v.by FROM (VALUES %s) AS v (id, by) "
                "WHERE t.id = v.id",
                sorted(voided.items()),
                page_size=len(voided),
            )
