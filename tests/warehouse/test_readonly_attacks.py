"""Whatever analysts send is refused or does nothing, by the page's way and straight as the role.

The check before a query is courtesy; so each attack also comes without it, and past our code altogether.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text

from app.database import get_engine, session_scope
from app.errors import AppError
from app.registry import TABLES
from app.warehouse.reader_role import CLOSED_FUNCTIONS, grant_reading, role_name
from app.warehouse.readonly import CELL_CHARACTERS, RESULT_BYTES, Asking, Reader
from tests.sql_reader import PASSWORD, TIMEOUT_SECONDS, reader, role, straight
from tests.warehouse.attacks import HARMLESS, REFUSED

__all__ = ["reader", "role"]

WAYS: dict[str, Callable[[Reader, str], Any]] = {
    "as on the page": lambda reader, sql: reader.run(sql),
    "without the check": lambda reader, sql: reader.run(sql, look_first=False),
    "explained": lambda reader, sql: reader.explain(sql, look_first=False),
    "straight": lambda reader, sql: _straight(sql),
}


def _straight(sql: str) -> None:
    connection = straight()
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def seeded() -> None:
    """Something in tables that can be read, changed and stolen."""
    with session_scope() as db:
        for sql in (
            "INSERT INTO users (id, name, email, source) VALUES (gen_random_uuid(), 'Ann', 'a@b.c', 'roster')",
            "INSERT INTO cohorts (id, slug, name, time_zone) VALUES (gen_random_uuid(), 'spring', 'Spring', 'UTC')",
            "INSERT INTO accounts (id, name, password_hash, role, created_at, password_changed_at) "
            "VALUES (gen_random_uuid(), 'ann', 'the hash', 'admin', now(), now())",
            "INSERT INTO ops.dead_letters (id, source, code, reason, problems, body, first_seen_at, last_seen_at) "
            "VALUES (gen_random_uuid(), 'door', 'unreadable', 'is no JSON', '[]', 'secret', now(), now())",
        ):
            db.execute(text(sql))


def fingerprint() -> dict[str, Any]:
    """Every row of every table, and all else that a query could leave behind."""
    with get_engine().connect() as db:
        found: dict[str, Any] = {
            str(table): db.scalar(
                text(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")
            )
            for table in TABLES.sorted_tables
        }
        for name, sql in {
            "objects": "SELECT count(*) FROM pg_class",
            "functions": "SELECT count(*), count(proacl) FROM pg_proc",
            "schemas": "SELECT array_agg(nspname::text ORDER BY nspname) FROM pg_namespace WHERE nspname !~ 'temp'",
            "roles": "SELECT md5(string_agg(a::text, '|' ORDER BY a.oid)) FROM pg_authid a",
            "databases": "SELECT count(*) FROM pg_database",
            "role settings": "SELECT md5(string_agg(s::text, '|' ORDER BY s::text)) FROM pg_db_role_setting s",
            "members": "SELECT md5(string_agg(m::text, '|' ORDER BY m::text)) FROM pg_auth_members m",
            "large objects": "SELECT count(*) FROM pg_largeobject_metadata",
            "sequences": "SELECT string_agg(s::text, '|' ORDER BY s::text) FROM pg_sequences s",
            "slots": "SELECT count(*) FROM pg_replication_slots",
            "advisory locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())",
            "comments": "SELECT md5(string_agg(d::text, '|' ORDER BY d::text)) FROM pg_description d",
        }.items():
            found[name] = tuple(db.execute(text(sql)).one())
        return found


def names(sql: str, role: str) -> str:
    """The attack with the names that it is about."""
    owner = get_engine().url.username
    return sql.replace("{owner}", f'"{owner}"').replace("{role}", f'"{role}"')


@pytest.mark.parametrize("way", WAYS)
def test_what_writes_or_steals_is_refused(reader: Reader, role: str, way: str) -> None:
    seeded()
    before, let_through = fingerprint(), []
    for attack in REFUSED:
        try:
            WAYS[way](reader, names(attack, role))
        except (AppError, psycopg2.Error) as error:
            if isinstance(error, AppError) and error.status >= 500:
                let_through.append(f"{attack}: {error.message}")
        else:
            # A plan is no query: what a function would refuse when it is called is not refused before.
            if way != "explained" or "(" not in attack:
                let_through.append(attack)
    assert let_through == []
    assert fingerprint() == before
    assert reader.run("SELECT 1").rows == [(1,)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", HARMLESS, ids=lambda attack: attack[:40].encode("ascii", "replace").decode())
def test_what_is_too_much_or_strange_changes_nothing(reader: Reader, way: str, attack: str) -> None:
    seeded()
    before = fingerprint()
    if way == "straight" and ("\x00" in attack or "\ud800" in attack):
        pytest.skip("the driver itself refuses it")
    told: Exception | None = None
    try:
        result = WAYS[way](reader, attack)
    except (AppError, psycopg2.Error) as error:
        told = error
    if told is not None:
        assert way == "straight" or (isinstance(told, AppError) and told.status == 400), told
    elif way in ("as on the page", "without the check"):
        assert sum(len(cell) for row in result.rows for cell in row if isinstance(cell, str)) < 2 * RESULT_BYTES
    assert fingerprint() == before
    assert reader.run("SELECT name FROM users").rows == [("Ann",)]
    assert reader.run("SELECT current_setting('transaction_read_only'), current_setting('search_path')").rows == [
        ("on", "public, silver, bronze, gold, ops")
    ]


def test_the_owner_keeps_the_locks_that_analysts_lost(role: str) -> None:
    with session_scope() as db:
        assert db.scalar(text("SELECT pg_try_advisory_xact_lock(1)"))
        assert db.scalar(text("SELECT count(*) FROM pg_stat_activity")) > 0
        assert db.execute(text("CREATE TEMP TABLE own () ON COMMIT DROP"))


def test_what_somebody_grants_by_hand_is_noticed_and_taken_back(role: str, reader: Reader) -> None:
    assert reader.left_open() == ()
    loose = (
        f'GRANT SELECT (password_hash) ON accounts TO "{role}"',
        f'GRANT INSERT ON gold.lesson_progress TO "{role}"',
        f'GRANT CREATE ON SCHEMA public TO "{role}"',
        f'ALTER ROLE "{role}" CREATEDB',
        f'GRANT pg_read_all_data TO "{role}"',
        "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC",
        f'GRANT USAGE ON SEQUENCE bronze.statements_raw_seq_seq TO "{role}"',
        f'GRANT SELECT ON ops.dead_letters TO "{role}"',
    )
    told = []
    for statement in loose:
        with get_engine().begin() as db:
            db.execute(text(statement))
        again = Reader(reader._settings)
        told.append(again.left_open())
        again.close()
        assert grant_reading(get_engine(), PASSWORD, timeout_seconds=TIMEOUT_SECONDS).left_open == (), statement
    assert all(told), told
    assert ["accounts" in told[0][0], "pg_advisory_lock" in told[5][0], "dead_letters" in told[7][0]] == [True] * 3


def test_closed_functions_are_the_ones_of_this_server(role: str) -> None:
    with get_engine().connect() as db:
        for pattern in CLOSED_FUNCTIONS:
            found = (
                "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE :name"
            )
            assert db.scalar(text(found), {"name": pattern}), pattern


def test_a_result_is_bounded_in_rows_columns_cells_and_bytes(reader: Reader) -> None:
    assert [len(reader.run("SELECT 1 FROM generate_series(1, 5)", max_rows=n).rows) for n in (4, 5, 6)] == [4, 5, 5]
    assert [reader.run("SELECT 1 FROM generate_series(1, 5)", max_rows=n).more for n in (4, 5, 6)] == [
        True,
        False,
        False,
    ]
    long = reader.run(f"SELECT repeat('x', {CELL_CHARACTERS}), repeat('x', {CELL_CHARACTERS + 1})")
    assert ([len(cell) for cell in long.rows[0] if isinstance(cell, str)], long.cut) == (
        [CELL_CHARACTERS, CELL_CHARACTERS + 1],
        True,
    )
    wide = reader.run("SELECT repeat('x', 2000) FROM generate_series(1, 100000)", max_rows=100_000)
    assert wide.more
    assert RESULT_BYTES <= len(wide.rows) * 2000 < RESULT_BYTES + 100_000
    with pytest.raises(AppError, match="gives 101 columns"):
        reader.run(f"SELECT {', '.join('1' for _ in range(101))}")


def test_what_is_expected_to_cost_too_much_is_not_begun(reader: Reader) -> None:
    with pytest.raises(AppError, match="expects this to cost"):
        reader.run("SELECT * FROM generate_series(1, 100000) a, generate_series(1, 100000) b ORDER BY 1")
    assert reader.explain("SELECT 1").cost < 1


def is_asking() -> bool:
    """Whether a query of an analyst is being run."""
    with get_engine().connect() as db:
        running = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '%\\_reader' AND query LIKE 'FETCH%'"
        return bool(db.scalar(text(f"{running} AND state = 'active' AND datname = current_database()")))


def test_a_query_is_cancelled_when_nobody_waits_and_another_one_works(reader: Reader) -> None:
    """More than there are places, so that a place in the pool that is lost each time would be missed."""
    patient = Reader(reader._settings.model_copy(update={"sql_timeout_seconds": 120}))
    for _ in range(reader._settings.sql_pool_size + 1):
        asking, told = Asking(), list[AppError]()

        def ask(asking: Asking = asking, told: list[AppError] = told) -> None:
            try:
                patient.run("SELECT pg_sleep(100)", asking=asking)
            except AppError as stopped:
                told.append(stopped)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not is_asking() and time.monotonic() < deadline:
            thread.join(0.02)
        asking.stop("left")
        thread.join(20)
        assert [(error.status, error.code) for error in told] == [(400, "query_too_slow")]
    assert patient.run("SELECT 1").rows == [(1,)]
    patient.close()


def test_what_is_stopped_before_it_began_never_begins(reader: Reader) -> None:
    asking = Asking()
    asking.stop("left")
    with pytest.raises(AppError, match="nobody waited"):
        reader.run("SELECT 1", asking=asking)


def test_errors_say_where_in_what_was_written(reader: Reader) -> None:
    with pytest.raises(AppError, match=r'Column "nmae" does not exist \(line 2, character 3\)'):
        reader.run("SELECT name,\n  nmae\nFROM users;")


def test_two_databases_have_two_roles() -> None:
    long = "d" * 63
    assert len({role_name("a"), role_name("b"), role_name(long), role_name(long[:-1] + "e")}) == 4
    assert all(len(role_name(name).encode()) <= 63 for name in (long, "ü" * 31))
