"""The tables and columns that analysts can read, with what they mean: comments of the database, read as the reader."""

from dataclasses import dataclass, field

from app.warehouse.readonly import get_reader

_MOST_COLUMNS = 3_000

_SQL = """
SELECT n.nspname::text, c.relname::text, coalesce(obj_description(c.oid, 'pg_class'), ''), a.attname::text,
       format_type(a.atttypid, NULL), coalesce(col_description(c.oid, a.attnum), ''), greatest(c.reltuples, -1)::bigint
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname IN ('silver', 'gold', 'public', 'bronze', 'ops') AND c.relkind IN ('r', 'p', 'v', 'm')
   AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
 ORDER BY array_position(ARRAY['silver', 'gold', 'public', 'bronze', 'ops'], n.nspname::text),
          c.relname <> 'statements_flat', c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """A column. type: as PostgreSQL names it."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TableMeaning:
    """A table, with the columns that can be read. rows: PostgreSQL's estimate; None before it has one."""

    schema: str
    name: str
    meaning: str
    rows: int | None
    columns: list[ColumnMeaning] = field(default_factory=list)


def readable_tables() -> list[TableMeaning]:
    """Every table that the reader may read something of, those for counting first."""
    found: dict[tuple[str, str], TableMeaning] = {}
    for row in get_reader().run(_SQL, max_rows=_MOST_COLUMNS, look_first=False).rows:
        schema, name, meaning, column, kind, column_meaning = map(str, row[:6])
        rows = int(row[6]) if row[6] is not None else -1
        table = found.setdefault((schema, name), TableMeaning(schema, name, meaning, rows if rows >= 0 else None))
        table.columns.append(ColumnMeaning(column, kind, column_meaning))
    return list(found.values())
