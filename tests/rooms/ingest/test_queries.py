"""Lists of dead letters on a full quarantine: along indexes, without the bodies, whatever is asked for."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.database import get_engine
from app.errors import BadRequest, Conflict, NotFound
from app.ingest import queries
from app.ingest.dead_letters import Letter, bury
from app.ingest.queries import Mark, find, id_that_starts, read_mark, totals
from app.ingest.schemas import LetterFilter, LetterQuery

COUNT = 20_000
LIMIT = 50

_FILL = f"""
INSERT INTO ops.dead_letters (id, source, code, reason, path, problems, body, credential_id, status, first_seen_at,
    last_seen_at)
SELECT gen_random_uuid(), CASE n % 3 WHEN 0 THEN 'door' ELSE 'loader' END,
    CASE n % 7 WHEN 0 THEN 'conflict' ELSE 'x' END,
    'Reason ' || n, 'object', '[]', repeat('x', 800)::bytea, CASE n % 2 WHEN 0 THEN 'aa' ELSE 'ab' END,
    CASE n % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'discarded' ELSE 'replayed' END,
    timestamptz '2026-03-02' + n * interval '1 second', timestamptz '2026-03-03' - n * interval '1 second'
FROM generate_series(1, {COUNT}) AS n
"""


@pytest.fixture
def full(db: Session) -> Iterator[Session]:
    """A quarantine of 20,000 letters, which are gone after the test."""
    db.execute(text(_FILL))
    db.execute(text("ANALYZE ops.dead_letters"))
    yield db
    db.rollback()


def plans(db: Session, ask: Any) -> list[dict[str, Any]]:
    """The nodes of the plans of everything that is asked."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(get_engine(), "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(get_engine(), "before_cursor_execute", note)
    found: list[dict[str, Any]] = []
    for statement, parameters in asked:
        cursor = db.connection().connection.cursor()
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        row: Any = cursor.fetchone()
        found += _nodes(row[0][0]["Plan"])
    assert found
    return found


def _most_read(nodes: list[dict[str, Any]]) -> int:
    """The most live rows that one scan read; the index itself also knows those of tests before."""
    scans = [node for node in nodes if "Scan" in node["Node Type"] and node["Node Type"] != "Bitmap Index Scan"]
    return max(int(node["Actual Rows"]) for node in scans)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in _nodes(child))]


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("status", [None, "open"])
def test_a_page_walks_an_index_and_reads_no_more_than_it_shows(full: Session, order: Any, status: str | None) -> None:
    nodes = plans(full, lambda: find(full, LetterFilter(), status=status, order=order, after=None, limit=LIMIT))
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    assert _most_read(nodes) <= LIMIT + 64


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize(
    "wanted",
    [{"text": "nothing says so"}, {"code": "conflict"}, {"credential": "aa"}, {"path": "ob"}, {"source": "nowhere"}],
)
def test_a_filter_is_looked_for_along_an_index_within_bounds(
    full: Session, monkeypatch: pytest.MonkeyPatch, order: Any, wanted: dict[str, str]
) -> None:
    monkeypatch.setattr(queries, "WALKED_AT_MOST_LETTERS", 1_000)
    asked = LetterFilter(**wanted)  # type: ignore[arg-type]
    nodes = plans(full, lambda: find(full, asked, status=None, order=order, after=None, limit=LIMIT))
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    assert _most_read(nodes) <= 1_000 + 64


def test_moments_bound_the_walk_from_the_newest(full: Session) -> None:
    asked = LetterQuery.model_validate({"until": "2026-03-02T20:00:00Z", "since": "2026-03-02T19:59:00Z"})
    nodes = plans(full, lambda: find(full, asked, status=None, order="newest", after=None, limit=LIMIT))
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    assert _most_read(nodes) <= 60
    assert len(find(full, asked, status=None, order="newest", after=None, limit=200)[0]) == 60


def test_totals_come_from_an_index_alone(full: Session) -> None:
    full.execute(text("SET LOCAL enable_seqscan = off"))  # So small a table would be read whole, bodies and all.
    nodes = plans(full, lambda: totals(full))
    assert {node["Node Type"] for node in nodes if "Scan" in node["Node Type"]} == {"Index Only Scan"}
    assert sum(one.letters for one in totals(full)) == COUNT


def test_a_mark_is_read_back_to_the_microsecond(db: Session) -> None:
    bury(db, Letter(source="door", code="x", reason="Why.", body=b"1"))
    [row], _ = find(db, LetterFilter(), status=None, order="oldest", after=None, limit=1)
    mark = Mark("oldest", row.first_seen_at, row.id)
    assert read_mark(str(mark), "oldest") == mark
    with pytest.raises(BadRequest, match="newest"):
        read_mark(str(mark), "newest")


def test_a_letter_is_found_by_the_beginning_of_its_id(db: Session) -> None:
    ids = [UUID("abcd0000-0000-4000-8000-000000000001"), UUID("abcd1000-0000-4000-8000-000000000002")]
    for number, one in enumerate(ids):
        bury(db, Letter(source="door", code="x", reason="Why.", body=str(number).encode()))
        db.execute(text("UPDATE ops.dead_letters SET id = :id WHERE body = :body"), {"id": one, "body": b"%d" % number})
    for beginning in ("abcd1", "ABCD-1000", str(ids[1])):
        assert id_that_starts(db, beginning) == ids[1]
    with pytest.raises(Conflict, match="Several"):
        id_that_starts(db, "abcd")
    for none in ("abce", "abc", "", "wxyz", "abcd1\x00", f"{ids[1]}0"):
        with pytest.raises(NotFound):
            id_that_starts(db, none)
