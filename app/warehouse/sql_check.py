"""A look at a query before it is sent: says in plain words what PostgreSQL would refuse less kindly.

Courtesy, not the lock (that is reader_role.py). What is let through here by mistake comes to nothing there.
"""

import re

from app.errors import BadRequest, Problem

MOST_CHARACTERS = 20_000
PATH = "sql"
READS = ("select", "with", "values", "table")

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*)
    | (?P<dollar>\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$)
    | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|$))
    | (?P<quoted>'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$))
    | (?P<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*)
    | (?P<end>;)
    | (?P<other>[^\s])
    """,
    re.VERBOSE | re.DOTALL,
)


class QueryRefused(BadRequest):
    """A query that is not run, or gave nothing; the message is advice."""

    code = "query_refused"
    title = "This query is not run"

    def __init__(self, message: str, expected: str = ""):
        super().__init__(message, [Problem(PATH, message, expected)])


def one_reading_statement(sql: str) -> str:
    """The query without the semicolon at its end. QueryRefused when it is none, several, or not one that reads."""
    sendable(sql)
    start, words, ends = 0, list[str](), list[int]()
    while match := _TOKEN.search(sql, start):
        start = match.end()
        kind = match.lastgroup
        if kind == "comment":
            start = _after_comment(sql, match)
            continue
        if kind == "dollar":
            closing = sql.find(match.group(), start)
            start = len(sql) if closing < 0 else closing + len(match.group())
        if kind == "end":
            ends.append(match.start())
            continue
        if ends and words:
            raise QueryRefused(
                "There is more than one statement.", "One query at a time; run the second one after the first."
            )
        if kind == "word" or not words:
            words.append(match.group().lower())
    if not any(word != "(" for word in words):
        raise QueryRefused("There is no query.", "Such as: SELECT verb, count(*) FROM statements_flat GROUP BY verb")
    first = next(word for word in words if word != "(")
    if first == "explain":
        raise QueryRefused("Write the query without EXPLAIN and press Explain.")
    if first not in READS:
        raise QueryRefused(f"{first.upper()[:30]} is not run here.", "A query that reads: SELECT …, or WITH … SELECT …")
    return (sql[: ends[0]] + "\n" + sql[ends[0] :].replace(";", "")).rstrip() if ends else sql


def sendable(sql: str) -> None:
    """QueryRefused when PostgreSQL could not be sent this text at all, or it is too long."""
    if len(sql) > MOST_CHARACTERS:
        raise QueryRefused(f"The query has {len(sql):,} characters.", f"At most {MOST_CHARACTERS:,}.")
    if "\0" in sql:
        raise QueryRefused("The query has a NUL character in it.", "Text without control characters.")
    try:
        sql.encode()
    except UnicodeEncodeError:
        raise QueryRefused("The query has half a surrogate pair in it, which is no character.") from None


def _after_comment(sql: str, match: re.Match[str]) -> int:
    """Where a comment ends; those between /* and */ nest in PostgreSQL."""
    if match.group() != "/*":
        return match.end()
    depth, at = 1, match.end()
    while depth and at < len(sql):
        two = sql[at : at + 2]
        depth += {"/*": 1, "*/": -1}.get(two, 0)
        at += 2 if two in ("/*", "*/") else 1
    return at
