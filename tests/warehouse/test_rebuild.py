"""Rebuilding in place (law 7): what is rebuilt equals what was loaded bit by bit, row by row, whatever was wrong."""

import pytest

from app.etl_rebuild import Rebuilt, rebuild_gold, rebuild_silver
from tests.warehouse.rich import GOLD_HARM, HARM, committed_rows, harm, rich_record


@pytest.mark.parametrize("batch", [1, 3, 1_000])
def test_what_is_right_stays_as_it_is_to_the_last_column(clean: None, batch: int) -> None:
    rich_record()
    before = committed_rows()
    assert all(before.values())
    done = rebuild_silver(batch_statements=batch)
    assert committed_rows() == before
    assert done == Rebuilt(stage="definitions", walked=len(before["marks"]))
    done = rebuild_gold(batch_keys=batch)
    assert committed_rows() == before
    assert done.walked == len(before["gold"])


@pytest.mark.parametrize("batch", [1, 4, 1_000])
@pytest.mark.parametrize("kind", HARM)
def test_rebuilt_equals_incremental_whatever_was_wrong(clean: None, kind: str, batch: int) -> None:
    rich_record()
    before = committed_rows(with_moments=False)
    harm(*HARM[kind])
    assert kind == "nothing" or committed_rows(with_moments=False) != before
    rebuild_silver(batch_statements=batch)
    for name, was in before.items():
        assert committed_rows(with_moments=False)[name] == was, name


@pytest.mark.parametrize("batch", [1, 1_000])
@pytest.mark.parametrize("kind", GOLD_HARM)
def test_rebuilt_gold_equals_incremental_gold(clean: None, kind: str, batch: int) -> None:
    rich_record()
    before = committed_rows()
    harm(*GOLD_HARM[kind])
    assert (committed_rows() != before) == (kind != "nothing")
    rebuild_gold(batch_keys=batch)
    assert committed_rows() == before
