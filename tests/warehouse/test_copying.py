"""Rows by COPY come out as they went in, and a row that is there already costs nothing but the slower way."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope
from app.etl_incremental import load_statements
from app.models import StatementFlat, StatementRaw
from app.warehouse import bronze
from app.warehouse.copying import copy_new, json_field, line
from tests.statements import completed
from tests.warehouse.record import incoming

MOMENT = datetime(2026, 3, 1, 9, 30, 0, 123456, UTC)
NASTY = ("tab\there", "line\nbreak\r", r"a\b", r"\N", r"\.", "", "\u2028", "\x01\x1f\x7f", "é 🎓", " ")


@pytest.fixture
def table(db: Session) -> str:
    db.execute(
        text(
            "CREATE TEMP TABLE copied (n bigint PRIMARY KEY, t text, b bool, f float, u uuid, m timestamptz, "
            "raw bytea, j json) ON COMMIT DROP"
        )
    )
    return "copied"


def test_every_value_comes_out_as_it_went_in(db: Session, table: str) -> None:
    rows = [
        (n, value, n % 2 == 0, 0.1 + n, UUID(int=n), MOMENT, bytes([0, 9, 10, 92, n])) for n, value in enumerate(NASTY)
    ]
    rows.append((99, None, None, None, None, None, None))  # type: ignore[arg-type]
    json = b'{"a":\t"\\u0000 \\n \\\\ \\"",\r\n "n": 1.50}'
    assert copy_new(db, table, "n, t, b, f, u, m, raw, j", [f"{line(row)}\t{json_field(json)}" for row in rows])
    found = [tuple(row) for row in db.execute(text("SELECT n, t, b, f, u, m, raw, j::text FROM copied ORDER BY n"))]
    assert [(*row[:6], bytes(row[6]) if row[6] is not None else None) for row in found] == rows
    assert {row[7].encode() for row in found} == {json}


def test_a_row_that_is_there_stops_all_of_them_and_the_transaction_goes_on(db: Session, table: str) -> None:
    assert copy_new(db, table, "n, t", [line((1, "first"))])
    assert not copy_new(db, table, "n, t", [line((0, "new")), line((1, "again"))])
    assert db.execute(text("SELECT t FROM copied")).scalars().all() == ["first"]


def test_a_statement_that_comes_between_look_and_copy_is_a_repeat(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another loader commits the same statement after this one has looked for it: the unique id decides, quietly."""
    same, other = completed("same@example.org"), completed("other@example.org")
    real = copy_new

    def meanwhile(db: Session, table: str, columns: str, lines: list[str]) -> bool:
        monkeypatch.setattr(bronze, "copy_new", real)
        with session_scope() as elsewhere:
            load_statements(elsewhere, [incoming(same)])
        return real(db, table, columns, lines)

    monkeypatch.setattr(bronze, "copy_new", meanwhile)
    with session_scope() as db:
        loaded = load_statements(db, [incoming(same), incoming(other)])
    assert (loaded.new, loaded.repeated, loaded.buried) == (1, 1, 0)
    with session_scope() as db:
        assert db.query(StatementRaw).count() == db.query(StatementFlat).count() == 2
