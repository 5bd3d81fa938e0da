"""What PostgreSQL says to a query of an analyst, as advice: what was wrong, where, and what to try."""

from typing import Literal

import psycopg2

from app.errors import AppError, Unavailable
from app.warehouse.sql_check import QueryRefused

Stopped = Literal["too slow", "left"]
"""Why a query was stopped from outside: its time was over, or whoever asked went away."""

_WRAPPED_BEFORE = "FROM (\n"
_SLOW = (
    "Narrow it down by days, a lesson or a cohort, count instead of listing, or press Explain to see what takes long."
)

_ADVICE = {
    "25006": ("Only reading is possible here.", "A query that changes nothing."),
    "42501": ("{said}", "What the list of tables on this page shows; of some tables only the columns that it names."),
    "42P11": ("Only one query that gives rows can be run.", "SELECT …, or WITH … SELECT …"),
    "0A000": ("{said}", "A query that only reads."),
    "54000": ("{said}", "A smaller result."),
    "53400": ("{said}", "Sort or join less: by days, a lesson or a cohort."),
    "54001": ("The query is nested too deeply.", "Fewer brackets within brackets."),
}


class QueryTooSlow(QueryRefused):
    """A query that was stopped."""

    code = "query_too_slow"
    title = "This query was stopped"


def advice(error: psycopg2.Error | None, why: Stopped | None, seconds: float = 0) -> AppError:
    """The error to raise: nothing that a query can do is an error of the server."""
    if why == "left":
        return QueryTooSlow("It was stopped because nobody waited for it any more.")
    if error is None:
        return QueryTooSlow("It was stopped.", _SLOW)
    state = error.pgcode or ""
    if state == "57014":
        return QueryTooSlow(f"It took longer than {seconds:g} seconds and was stopped.", _SLOW)
    if not state or state[:2] in ("08", "57"):
        return Unavailable("PostgreSQL does not answer right now.")
    said = (error.diag.message_primary or "It cannot be run.").strip()
    hint = (error.diag.message_hint or "").strip()
    told, expected = _ADVICE.get(state, _ADVICE.get(f"{state[:2]}000", ("{said}", "")))
    where = _where(error)
    sentence = told.format(said=said[:1].upper() + said[1:]).rstrip(".")
    return QueryRefused(f"{sentence}{where}.", expected or hint)


def _where(error: psycopg2.Error) -> str:
    """Line and column in what was written, before what we put around it is counted out."""
    query, position = error.diag.internal_query, error.diag.internal_position
    if not query or not position:
        return ""
    begin = query.find(_WRAPPED_BEFORE)
    at = int(position) - 1 - (begin + len(_WRAPPED_BEFORE))
    written = query[begin + len(_WRAPPED_BEFORE) : query.rfind("\n)")]
    if begin < 0 or not 0 <= at <= len(written):
        return ""
    line = written.count("\n", 0, at) + 1
    return f" (line {line}, character {at - (written.rfind(chr(10), 0, at) + 1) + 1})"
