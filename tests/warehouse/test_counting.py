"""Counting is exact while it is quick; beyond, the number is an estimate and says so."""

import pytest
from sqlalchemy import column, select, table, text
from sqlalchemy.orm import Session

from app.warehouse.counting import count_rows

ROWS = select(column("n")).select_from(table("counted"))
EVEN = ROWS.where(column("is_even").is_(True))


@pytest.fixture
def counted(db: Session) -> Session:
    """Twenty thousand rows, half of them even, of which PostgreSQL knows."""
    rows = "SELECT n, n % 2 = 0 AS is_even FROM generate_series(1, 20000) n"
    db.execute(text(f"CREATE TEMP TABLE counted ON COMMIT DROP AS {rows}"))
    db.execute(text("ANALYZE counted"))
    return db


def test_up_to_the_bound_every_row_is_counted(counted: Session) -> None:
    assert count_rows(counted, ROWS, exact=False) == (20_000, False)
    assert count_rows(counted, ROWS, exact=False, counted_rows=20_000) == (20_000, False)


def test_beyond_the_bound_it_is_the_estimate_that_grows_with_the_table(counted: Session) -> None:
    """The table has doubled since the last ANALYZE, and that shows; by whole pages, so it is rough when small."""
    counted.execute(text("INSERT INTO counted SELECT * FROM counted"))
    number, is_estimate = count_rows(counted, ROWS, exact=False, counted_rows=10_000)
    assert is_estimate
    assert number == pytest.approx(40_000, rel=0.2)
    number, is_estimate = count_rows(counted, EVEN, exact=False, counted_rows=5_000)
    assert is_estimate
    assert number == pytest.approx(20_000, rel=0.2)


def test_who_asks_for_it_has_every_row_counted(counted: Session) -> None:
    assert count_rows(counted, EVEN, exact=True, counted_rows=1) == (10_000, False)


def test_an_estimate_is_never_less_than_what_was_counted(counted: Session) -> None:
    counted.execute(text("UPDATE counted SET is_even = true"))  # PostgreSQL still takes half of them to be
    counted.execute(text("DELETE FROM counted WHERE n > 19000"))
    assert count_rows(counted, EVEN, exact=False, counted_rows=18_990)[0] >= 18_991
