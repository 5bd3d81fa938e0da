"""Canonical definitions: what the store itself says of activities and verbs, merged from statements."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

import orjson
from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

SHADOW = "pg_temp"
"""The schema of the tables in which definitions are learnt anew: seen by one connection, gone with it."""

Merge = Callable[[Mapping[str, Any] | None, Mapping[str, Any]], dict[str, Any]]
_COLUMNS = {"activities": "definition", "verbs": "display"}


def known(
    db: Session, table: str, keys: Collection[UUID], *, lock: bool = False, schema: str = "silver"
) -> dict[str, dict[str, Any]]:
    """What is known under these keys, by IRI. table: activities or verbs. schema: where it stands, see SHADOW."""
    if not keys:
        return {}
    tail = "ORDER BY key FOR UPDATE" if lock else ""
    with raw_cursor(db) as cursor:
        cursor.execute(
            f"SELECT iri, {_COLUMNS[table]}::text FROM {schema}.{table} WHERE key = ANY(%s) {tail}",  # noqa: S608
            (list(keys),),
        )
        return {row[0]: orjson.loads(row[1]) for row in cursor.fetchall()}


def learn(
    db: Session,
    table: str,
    said: Mapping[str, tuple[UUID, Sequence[Mapping[str, Any]]]],
    merge: Merge,
    at: datetime,
    *,
    schema: str = "silver",
) -> None:
    """Merge what statements say into what is known, one after the other. Writes only what changes.

    said: IRI to (key, what was said, the oldest first). The rows are claimed in key order and locked before they are
    read, so that no loader overwrites another's words.
    """
    if not said:
        return
    before = known(db, table, [key for key, _ in said.values()], schema=schema)
    changed = [
        iri for iri, (_, words) in said.items() if iri not in before or reduce(merge, words, before[iri]) != before[iri]
    ]
    if not changed:
        return
    column = _COLUMNS[table]
    changed.sort(key=lambda iri: said[iri][0].bytes)
    with raw_cursor(db) as cursor:
        execute_values(
            cursor,
            f"INSERT INTO {schema}.{table} (key, iri, {column}, updated_at) VALUES %s ON CONFLICT DO NOTHING",  # noqa: S608
            [(said[iri][0], iri.replace("\x00", ""), "{}", at) for iri in changed],
        )
        now = known(db, table, [said[iri][0] for iri in changed], lock=True, schema=schema)
        for iri in changed:
            key, words = said[iri]
            cursor.execute(
                f"UPDATE {schema}.{table} SET {column} = %s, updated_at = %s WHERE key = %s",  # noqa: S608
                (orjson.dumps(reduce(merge, words, now.get(iri, {}))).decode(), at, key),
            )


def begin_shadows(db: Session) -> None:
    """Make empty tables beside activities and verbs, for this connection alone; see SHADOW."""
    with raw_cursor(db) as cursor:
        for table in _COLUMNS:
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE silver.{table} INCLUDING ALL)")


def replace_by_shadows(db: Session) -> int:
    """Make activities and verbs what their shadows are. Returns how many rows were not; only those are written."""
    written = 0
    with raw_cursor(db) as cursor:
        for table, column in _COLUMNS.items():
            cursor.execute(f"ANALYZE {SHADOW}.{table}")
            for change in (
                f"DELETE FROM silver.{table} t WHERE NOT EXISTS (SELECT FROM {SHADOW}.{table} s WHERE s.key = t.key)",  # noqa: S608
                # As text: of what has no equality, the same letters are the same words.
                f"UPDATE silver.{table} t SET iri = s.iri, {column} = s.{column}, updated_at = s.updated_at "  # noqa: S608
                f"FROM {SHADOW}.{table} s "
                f"WHERE s.key = t.key AND (t.iri, t.{column}::text) <> (s.iri, s.{column}::text)",
                f"INSERT INTO silver.{table} SELECT * FROM {SHADOW}.{table} s "  # noqa: S608
                f"WHERE NOT EXISTS (SELECT FROM silver.{table} t WHERE t.key = s.key)",
            ):
                cursor.execute(change)
                written += cursor.rowcount
    return written
