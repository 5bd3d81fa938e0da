"""Queries in people's own words: audited before they run, remembered afterwards, run as the read-only role."""

from hashlib import sha256

from app import audit
from app.config import get_settings
from app.database import session_scope
from app.errors import AppError, NotAllowed
from app.warehouse.readonly import Asking, Plan, Result, get_reader
from app.warehouse.sql_check import sendable
from app.warehouse.sql_history import remember

AUDITED_CHARACTERS = 200
CSV_MAX_ROWS = 10_000


class FreeSqlOff(NotAllowed):
    """Nobody may ask in their own words right now; the message says what has to be done."""

    code = "free_sql_off"
    title = "SQL in your own words is off"


def why_off() -> str:
    """Why nobody may ask in their own words, and what to do; empty when they may."""
    reader = get_reader()
    if not reader.is_there:
        return "There is no role for SQL yet. Set READER_PASSWORD, run `python -m app migrate`, and start again."
    if left := reader.left_open():
        return (
            f"The role for SQL can do too much: it {'; it '.join(left)}. "
            "Run `python -m app migrate` as a superuser, or what docs/sql.md lists."
        )
    return ""


def run_freely(actor: str, sql: str, *, max_rows: int | None = None, asking: Asking | None = None) -> Result:
    """Run somebody's query. FreeSqlOff while the role is not locked; else as Reader.run."""
    _note(actor, "sql.query", sql)
    try:
        result = get_reader().run(sql, max_rows=max_rows, asking=asking)
    except AppError as error:
        _remember(actor, sql, error.code)
        raise
    _remember(actor, sql, "done", len(result.rows), round(result.seconds, 3))
    return result


def explain_freely(actor: str, sql: str, *, asking: Asking | None = None) -> Plan:
    """How PostgreSQL would go about somebody's query, which is not run."""
    _note(actor, "sql.explain", sql)
    return get_reader().explain(sql, asking=asking)


def _note(actor: str, act: str, sql: str) -> None:
    """Into the audit log, before anything is run; what was found is nowhere."""
    sendable(sql)
    if told := why_off():
        raise FreeSqlOff(told)
    digest = sha256(sql.encode()).hexdigest()
    with session_scope() as db:
        audit.note(db, actor, act, f"sql:{digest}", {"begins": sql[:AUDITED_CHARACTERS], "characters": len(sql)})


def _remember(actor: str, sql: str, outcome: str, rows: int | None = None, seconds: float | None = None) -> None:
    with session_scope() as db:
        keep = get_settings().sql_history_entries
        remember(db, actor, sql, outcome=outcome, rows=rows, seconds=seconds, keep=keep)
