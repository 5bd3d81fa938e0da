"""A database that another release filled is brought to this one: every row is kept, and everything works on it.

`0008.sql` is what `make_previous.py` beside it made of the release before accounts and quiet hours came.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from tests.conftest import TEMPLATE
from tests.doors.test_signup import doors_with
from tests.statements import completed
from tests.stores import Stores

ROOT = Path(__file__).parents[2]
DUMP = (Path(__file__).parent / "0008.sql").read_text()
NAME = f"seventaps_upgraded_{os.getpid()}"
INSERT = re.compile(r"^INSERT INTO (\S+) \(([^)]*)\)", re.MULTILINE)
FILLED = sorted({(table, columns) for table, columns in INSERT.findall(DUMP) if table != "public.alembic_version"})
SHAPE = """
SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
 WHERE table_schema IN ('bronze', 'silver', 'gold', 'ops', 'public')
UNION ALL SELECT schemaname, tablename, indexname, indexdef, '', '' FROM pg_indexes
 WHERE schemaname IN ('bronze', 'silver', 'gold', 'ops', 'public')
UNION ALL SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), '', '' FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('bronze', 'silver', 'gold', 'ops', 'public')
"""


def run(url: str, *statements: str) -> list[Any]:
    """Run SQL as psql would, all in one transaction; the rows of the last statement that gives any."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def rows(url: str) -> dict[str, list[Any]]:
    """What is in the columns that the dump names, as text, by table."""
    return {
        table: (
            run(
                url,
                f"SELECT ({', '.join(f'({one.strip()})::text' for one in columns.split(','))}) FROM {table} ORDER BY 1",
            )
            if "," in columns
            else run(url, f"SELECT ({columns})::text FROM {table} ORDER BY 1")
        )
        for table, columns in FILLED
    }


@pytest.fixture
def filled(stores: Stores) -> Iterator[str]:
    """The database as the other release left it."""
    url = stores.create_database(NAME)
    run(url, DUMP)
    yield url
    stores.drop_database(NAME)


def migrate(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "migrate"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_dump_holds_something_of_everything() -> None:
    tables = {table for table, _ in FILLED}
    assert tables >= {
        *("bronze.statements_raw", "silver.statements_flat", "silver.statement_links", "gold.lesson_progress"),
        *("public.users", "public.user_identifiers", "public.cohorts", "public.cohort_members", "ops.dead_letters"),
        "public.state_documents",
    }
    assert "'0008'" in DUMP


def test_every_row_is_kept_and_the_tables_are_those_of_a_new_database(filled: str, stores: Stores) -> None:
    before = rows(filled)
    migrate(filled)
    assert rows(filled) == before
    fresh = stores.create_database(f"{NAME}_fresh", TEMPLATE)
    try:
        assert sorted(map(str, run(filled, SHAPE))) == sorted(map(str, run(fresh, SHAPE)))
    finally:
        stores.drop_database(f"{NAME}_fresh")
    migrate(filled)
    assert rows(filled) == before


def test_the_release_before_can_still_write_while_the_new_one_is_rolled_out(filled: str) -> None:
    """Expand, then contract: what the release before inserts, naming its columns, is taken by the new tables too."""
    before = rows(filled)
    migrate(filled)
    tables = ", ".join(table for table, _ in FILLED)
    # The dump is in an order that foreign keys, which it adds at its end, do not care for.
    inserts = [
        line
        for line in re.split(r"(?<=\);)\n", DUMP)
        if (m := INSERT.search(line)) and m[1] != "public.alembic_version"
    ]
    run(
        filled,
        f"TRUNCATE {tables} CASCADE",
        "SET session_replication_role = replica",
        *(INSERT_ONLY.search(line)[0] for line in inserts if INSERT_ONLY.search(line)),  # type: ignore[index]
    )
    assert rows(filled) == before


INSERT_ONLY = re.compile(r"^INSERT INTO .*\Z", re.MULTILINE | re.DOTALL)


def test_the_system_works_on_what_it_found(filled: str, clean: None) -> None:
    migrate(filled)
    admin = {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}
    sender = (os.environ["PUBLIC_PEM"], os.environ["SECRET_PEM"])
    from app.database import forget_engine

    forget_engine()
    try:
        with doors_with(database_url=filled, etl_mode="incremental") as client:
            _works(client, admin, sender)
    finally:
        forget_engine()


def _works(client: TestClient, admin: dict[str, str], sender: tuple[str, str]) -> None:
    ready = client.get("/health/ready").json()
    assert next(check for check in ready["checks"] if check["name"] == "migrations")["value"] == "head"
    cohort = client.get("/api/cohorts", headers=admin).json()[0]
    report = client.get(f"/api/reports/cohorts/{cohort['id']}/completions", headers=admin)
    assert report.status_code == 200
    assert "learner1@example.org" in report.text
    assert client.get("/api/dead-letters", headers=admin).status_code == 200
    statement = completed("learner1@example.org", 1)
    sent = client.put("/api/xapi/statements", params={"statementId": statement["id"]}, json=statement, auth=sender)
    assert sent.status_code == 204
    found = client.get(
        "/xapi/statements",
        params={"statementId": statement["id"]},
        auth=sender,
        headers={"X-Experience-API-Version": "1.0.3"},
    )
    assert found.json()["actor"]["mbox"] == "mailto:learner1@example.org"
