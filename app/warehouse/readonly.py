"""Queries of analysts: over connections of their own, as the role of reader_role.py, read only and bounded.

However a query is written, it is opened as one cursor: PostgreSQL refuses to open several statements, or one that
gives no rows. Rows are fetched a few at a time, each cell cut to `CELL_CHARACTERS`, until there is one more than asked.
Every transaction is rolled back, so that nothing a query sets outlives it.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import orjson
import psycopg2
from sqlalchemy import Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.config import Settings, get_settings
from app.errors import Conflict, Unavailable
from app.platform import clock
from app.warehouse.query_advice import Stopped, advice
from app.warehouse.reader_role import reader_url, what_is_open
from app.warehouse.sql_check import QueryRefused, one_reading_statement, sendable

CELL_CHARACTERS = 2_000
MOST_COLUMNS = 100
RESULT_BYTES = 8 * 2**20
_FETCHED_AT_ONCE = 25
_GRACE_SECONDS = 1.0
_STATE_SECONDS = 30.0
_WAIT_FOR_CONNECTION_SECONDS = 5.0

Cell = str | int | float | bool | None
Kind = Literal["number", "truth", "time", "text"]

_KINDS: dict[int, Kind] = {
    **dict.fromkeys((20, 21, 23, 26, 700, 701, 1700), "number"),
    16: "truth",
    **dict.fromkeys((1082, 1114, 1184), "time"),
}


class NoReader(Conflict):
    """Nobody has set the role up; trying again will not help."""

    code = "no_sql_role"
    title = "There is no role for SQL yet"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. kind: how it is shown; times are UTC."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave. more: there are further rows. cut: a cell was longer than CELL_CHARACTERS."""

    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    more: bool
    cut: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How PostgreSQL would go about a query. cost, rows: its estimates. lines: the plan as EXPLAIN writes it."""

    cost: float
    rows: float
    lines: list[str]


@dataclass(slots=True)
class Asking:
    """A query that is under way, for whoever wants to stop it: the deadline, or a client that went away."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connection: Any = None
    why: Stopped | None = None

    def begin(self, connection: Any) -> None:
        """From now on there is something to cancel."""
        with self._lock:
            if self.why is not None:
                raise advice(None, self.why)
            self._connection = connection

    def end(self) -> None:
        """From now on there is nothing to cancel; whoever is about to do so is waited for."""
        with self._lock:
            self._connection = None

    def stop(self, why: Stopped) -> None:
        """Cancel what is under way, or what is about to begin. Safe from any thread."""
        with self._lock:
            if self.why is None:
                self.why = why
            if self._connection is not None:
                self._connection.cancel()


class Reader:
    """Asks PostgreSQL as the read-only role. One for each process; safe from many threads."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._known: tuple[float, tuple[str, ...]] | None = None
        url = reader_url(settings)
        self._engine: Engine | None = None
        if url is not None:
            self._engine = create_engine(
                url,
                pool_size=settings.sql_pool_size,
                max_overflow=0,
                pool_timeout=_WAIT_FOR_CONNECTION_SECONDS,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 5, "application_name": "7taps-analytics reader"},
            )
            event.listen(self._engine, "connect", _read_only)

    @property
    def is_there(self) -> bool:
        """Whether the settings name a role at all."""
        return self._engine is not None

    def left_open(self) -> tuple[str, ...]:
        """What the role could do beyond reading, in words; empty when it is locked as it should be. Asked anew every
        30 seconds, as somebody may grant something while we run."""
        now = clock.now().timestamp()
        if self._known is None or now - self._known[0] > _STATE_SECONDS:
            with self._open_engine().connect() as db:
                self._known = (now, what_is_open(db))
                db.rollback()
        return self._known[1]

    def run(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        *,
        max_rows: int | None = None,
        asking: Asking | None = None,
        look_first: bool = True,
    ) -> Result:
        """Run one query. QueryRefused with advice for whatever PostgreSQL says to it, Unavailable when it is away.

        parameters: bound to %(name)s in queries of ours; None for those that people write, where % is just a letter.
        look_first: False sends what the courtesy check would refuse, whatever it costs, for tests of the lock.
        """
        asking = asking or Asking()
        most = max_rows or self._settings.sql_max_rows
        began = time.monotonic()
        with self._cursor(asking) as cursor:
            if parameters is not None:
                sql = cursor.mogrify(sql, parameters).decode()
            sql = self._looked_at(sql, look_first)
            columns = _columns_of(cursor, sql)
            wrapped = _wrapped(sql, columns)
            if look_first:
                self._refuse_cost(_plan(cursor, wrapped).cost)
            _open(cursor, wrapped)
            rows, more, cut = _fetch(cursor, columns, most)
        return Result(tuple(columns), rows, more, cut, time.monotonic() - began)

    def explain(self, sql: str, *, asking: Asking | None = None, look_first: bool = True) -> Plan:
        """The plan of a query, which is not run."""
        with self._cursor(asking or Asking()) as cursor:
            return _plan(cursor, f"SELECT * FROM (\n{self._looked_at(sql, look_first)}\n) AS asked")  # noqa: S608

    def close(self) -> None:
        """Close its connections."""
        if self._engine is not None:
            self._engine.dispose()

    def _looked_at(self, sql: str, look_first: bool) -> str:
        if look_first:
            return one_reading_statement(sql)
        sendable(sql)
        return sql

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise NoReader("There is no role for SQL yet: set READER_PASSWORD and run `python -m app migrate`.")
        return self._engine

    def _refuse_cost(self, cost: float) -> None:
        if cost > self._settings.sql_max_cost:
            raise QueryRefused(
                f"PostgreSQL expects this to cost {cost:,.0f}; at most {self._settings.sql_max_cost:,.0f} is run.",
                "Narrow it down: by days, by a lesson or a cohort; give every JOIN its condition.",
            )

    @contextmanager
    def _cursor(self, asking: Asking) -> Iterator[Any]:
        """A cursor in a transaction of its own that is rolled back at the end, and stopped at the deadline."""
        try:
            connection = self._open_engine().raw_connection()
        except PoolTimeout as error:
            raise QueryRefused(
                f"All {self._settings.sql_pool_size} places for queries are taken.", "Try again in a few seconds."
            ) from error
        except OperationalError as error:
            raise Unavailable(f"The role for SQL cannot log in: {str(error.orig).strip().splitlines()[0]}") from error
        seconds = self._settings.sql_timeout_seconds
        timer = threading.Timer(seconds + _GRACE_SECONDS, asking.stop, ("too slow",))
        timer.daemon = True
        try:
            asking.begin(connection.dbapi_connection)
            timer.start()
            cursor: Any = connection.cursor()
            with cursor:
                cursor.execute("SET LOCAL statement_timeout TO %s", (f"{int(seconds * 1000)}ms",))
                yield cursor
        except psycopg2.Error as error:
            raise advice(error, asking.why, seconds) from error
        finally:
            timer.cancel()
            asking.end()
            _give_back(connection, asking)


@lru_cache(maxsize=1)
def get_reader() -> Reader:
    """The reader of this process."""
    return Reader(get_settings())


def _give_back(connection: PoolProxiedConnection, asking: Asking) -> None:
    """Back to the pool, rolled back. One that was cancelled is closed: the cancel may still be on its way."""
    if asking.why is not None:
        connection.invalidate()
    connection.close()


def _read_only(connection: Any, _record: object) -> None:
    connection.set_session(readonly=True)


def _open(cursor: Any, sql: str) -> None:
    """Open the cursor `reading` for exactly one statement that gives rows."""
    literal = cursor.mogrify("%s", (sql,)).decode()
    body = f"DECLARE reading refcursor := 'reading'; BEGIN OPEN reading NO SCROLL FOR EXECUTE {literal}; END"
    cursor.execute("DO %s", (body,))


def _columns_of(cursor: Any, sql: str) -> list[Column]:
    _open(cursor, f"SELECT * FROM (\n{sql}\n) AS asked LIMIT 0")  # noqa: S608
    cursor.execute("FETCH FORWARD 0 FROM reading")
    described = cursor.description or ()
    cursor.execute("CLOSE reading")
    if not 1 <= len(described) <= MOST_COLUMNS:
        raise QueryRefused(f"The query gives {len(described)} columns.", f"Name 1 to {MOST_COLUMNS} of them.")
    return [Column(one.name, _KINDS.get(one.type_code, "text")) for one in described]


def _wrapped(sql: str, columns: Sequence[Column]) -> str:
    """The query with its cells as text, none longer than may be sent."""
    names = [f"c{number}" for number in range(len(columns))]
    cells = ", ".join(f"left(asked.{name}::text, {CELL_CHARACTERS + 1})" for name in names)
    return f"SELECT {cells} FROM (\n{sql}\n) AS asked ({', '.join(names)})"  # noqa: S608  (as the reader, read only)


def _plan(cursor: Any, sql: str) -> Plan:
    told: dict[str, list[Any]] = {}
    for shape in ("JSON", "TEXT"):
        _open(cursor, f"EXPLAIN (FORMAT {shape}) {sql}")
        cursor.execute("FETCH ALL FROM reading")
        told[shape] = [row[0] for row in cursor.fetchall()]
        cursor.execute("CLOSE reading")
    found = told["JSON"][0]
    top = (orjson.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return Plan(top["Total Cost"], top["Plan Rows"], [str(line)[:CELL_CHARACTERS] for line in told["TEXT"][:500]])


def _fetch(cursor: Any, columns: Sequence[Column], most: int) -> tuple[list[tuple[Cell, ...]], bool, bool]:
    rows: list[tuple[Cell, ...]] = []
    cut, size = False, 0
    while len(rows) <= most and size <= RESULT_BYTES:
        cursor.execute(f"FETCH FORWARD {min(_FETCHED_AT_ONCE, most + 1 - len(rows))} FROM reading")
        fetched = cursor.fetchall()
        if not fetched:
            return rows, False, cut
        for row in fetched:
            size += sum(len(cell) for cell in row if cell is not None)
            cut = cut or any(cell is not None and len(cell) > CELL_CHARACTERS for cell in row)
            rows.append(tuple(_cell(cell, column.kind) for cell, column in zip(row, columns, strict=True)))
    return rows[:most], True, cut


def _cell(written: str | None, kind: Kind) -> Cell:
    """A cell as PostgreSQL writes it in text, as what it is where JSON has it."""
    if written is None:
        return None
    if kind == "truth":
        return written in ("t", "true")
    if kind == "number":
        try:
            return int(written)
        except ValueError:
            value = float(written)
            return value if value - value == 0 else written  # NaN and Infinity are no JSON.
    return written if len(written) <= CELL_CHARACTERS else f"{written[:CELL_CHARACTERS]}…"
