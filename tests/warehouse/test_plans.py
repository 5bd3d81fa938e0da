"""How PostgreSQL answers a query of statements: by walking indexes until the page is full, whatever else there is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import register_uuid

from app.lrs.query import StatementQuery, read_query
from app.warehouse.pages import Page, page_query
from benchmarks import archive
from benchmarks.servers import Bench
from tests.stores import Stores

COUNT = 40_000
PAGE = 100
MANY = COUNT // 2
DATABASE = f"seventaps_plans_{os.getpid()}"


@pytest.fixture(scope="module")
def explained(stores: Stores) -> Iterator[Any]:
    """A cursor on a record of 40,000 statements, half of which match each filter that matches many."""
    url = stores.create_database(DATABASE, f"seventaps_template_{os.getpid()}")
    archive.fill(Bench(Path(), url, "", "", ""), COUNT)
    connection = psycopg2.connect(url)
    register_uuid(conn_or_curs=connection)
    yield connection.cursor()
    connection.close()
    stores.drop_database(DATABASE)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def rows_read(node: dict[str, Any]) -> int:
    """What a node read, rows that it threw away included."""
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def plan_of(cursor: Any, query: StatementQuery) -> list[dict[str, Any]]:
    page = Page(query.keys, query.since, query.until, None, query.ascending, PAGE + 1)
    text, parameters = page_query(page, page.keys)
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", parameters)
    return list(nodes(cursor.fetchone()[0][0]["Plan"]))


FILTERS = [(name, parameters) for name, parameters in archive.filters(COUNT) if "statementId" not in parameters]


@pytest.mark.parametrize(("name", "parameters"), FILTERS, ids=[name for name, _ in FILTERS])
def test_a_single_filter_reads_one_page_and_no_more(explained: Any, name: str, parameters: dict[str, str]) -> None:
    found = plan_of(explained, read_query(parameters.items(), "1.0"))
    assert not [node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"]
    scans = [node for node in found if "Scan" in node["Node Type"] and "Index Name" in node]
    assert scans
    # related_agents asks for two keys, each of which may fill a page.
    assert max(rows_read(node) for node in scans) <= 2 * (PAGE + 1), found
    expected = {"many": PAGE + 1, "none": 0}.get(name.rpartition(", ")[2])
    assert expected in (None, found[0]["Actual Rows"])


def test_by_id_uses_the_unique_index(explained: Any) -> None:
    explained.execute(
        "EXPLAIN (FORMAT JSON) SELECT payload FROM bronze.statements_raw r WHERE r.id = %s", (archive.statement_id(7),)
    )
    [node] = nodes(explained.fetchone()[0][0]["Plan"])
    assert node["Index Name"] == "uq_statements_raw_id"


def test_a_rare_filter_leads_a_common_one(explained: Any) -> None:
    """Two filters: the one that matches less is walked, however the request orders them."""
    common, rare = {"verb": archive.verb(0)}, {"registration": str(archive.registration(7))}
    query = read_query({**common, **rare}.items(), "1.0")
    by_size = sorted(query.keys, key=lambda keys: keys != read_query(rare.items(), "1.0").keys[0])
    text, parameters = page_query(Page(query.keys, None, None, None, False, PAGE + 1), by_size)
    explained.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", parameters)
    found = list(nodes(explained.fetchone()[0][0]["Plan"]))
    assert max(rows_read(node) for node in found) < MANY // 100
