"""How many rows there are: counted while that is quick, estimated beyond."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

COUNTED_ROWS = 100_000
"""So many rows are counted one by one, in some hundredths of a second; beyond that PostgreSQL estimates."""


def count_rows(db: Session, rows: Select[Any], *, exact: bool, counted_rows: int = COUNTED_ROWS) -> tuple[int, bool]:
    """How many rows a query finds, and whether that number is an estimate.

    The estimate is the planner's: pg_class.reltuples, scaled to the pages that the table has by now. Never below what
    was counted. exact: count them all, however long that takes.
    """
    if exact:
        return db.scalar(select(func.count()).select_from(rows.subquery())) or 0, False
    counted = db.scalar(select(func.count()).select_from(rows.limit(counted_rows + 1).subquery())) or 0
    if counted <= counted_rows:
        return counted, False
    query = rows.compile(db.connection(), compile_kwargs={"literal_binds": True})
    plan = db.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query}").scalar_one()
    return max(counted, int(plan[0]["Plan"]["Plan Rows"])), True
