"""When a flood is a flood: the window of the last entries, and what one batch costs."""

from uuid import UUID, uuid4

import pytest

from app.config import Settings
from app.consumers.flood import FEWEST_ENTRIES, Toll, TooManyDie, Window
from app.streaming import RefusedEntry

Message = tuple[str, dict[bytes, bytes]]


def entry(*ids: UUID) -> Message:
    return "1-1", {b"format": b"1", b"body": b"[]", b"ids": b"".join(one.bytes for one in ids)}


def window(died: int, lived: int, share: float = 0.5, entries: int = 200) -> Window:
    made = Window(share, entries)
    made.note(died, lived)
    return made


@pytest.mark.parametrize(
    ("died", "lived", "flood"),
    [(0, 0, False), (FEWEST_ENTRIES - 1, 0, False), (FEWEST_ENTRIES, 0, True), (50, 50, False), (51, 50, True)],
)
def test_most_of_enough_entries_make_a_flood(died: int, lived: int, flood: bool) -> None:
    assert window(died, lived).is_flood == flood


def test_only_the_last_entries_count() -> None:
    looked = window(0, 10_000)
    assert looked.seen == 200
    for _ in range(100):
        looked.note(1, 0)
        assert not looked.is_flood
    looked.note(1, 0)
    assert looked.is_flood
    looked.note(0, 100)
    assert not looked.is_flood


def test_a_batch_larger_than_the_window_is_looked_at_evenly() -> None:
    assert window(101, 399).deaths == pytest.approx(40, abs=1)
    assert not window(101, 399).is_flood


def test_the_room_is_what_makes_a_full_window_a_flood_and_one_at_least() -> None:
    assert window(0, 500).room == 101
    assert window(40, 160).room == 61
    assert window(150, 50).room == 1


def test_a_share_of_one_never_stops() -> None:
    assert not window(500, 0, share=1).is_flood


def test_after_clearing_it_begins_anew() -> None:
    looked = window(200, 0)
    looked.clear()
    looked.note(FEWEST_ENTRIES - 1, 0)
    assert not looked.is_flood


@pytest.mark.parametrize(("share", "entries"), [(0, 200), (1.1, 200), (0.5, 0), (0.5, 10_001)])
def test_settings_that_make_no_sense_are_refused(share: float, entries: int) -> None:
    with pytest.raises(ValueError, match="loader_"):
        Settings(loader_max_buried_share=share, loader_flood_window_entries=entries)


def test_an_entry_dies_with_more_than_half_of_its_statements() -> None:
    ids = [uuid4() for _ in range(4)]
    toll = Toll([entry(*ids), entry(uuid4())], 10)
    for statement_id in ids[:2]:
        toll("loader", statement_id)
    assert (toll.dead, toll.lived(3)) == (0, 2)
    toll("loader", ids[2])
    assert (toll.dead, toll.lived(2)) == (1, 1)
    toll("loader", ids[3])
    assert toll.dead == 1


def test_what_cannot_be_read_is_dead_and_what_the_door_refused_is_not_looked_at() -> None:
    toll = Toll([("1-1", {}), ("1-2", RefusedEntry(b"x", {}).fields()), entry(uuid4())], 10)
    toll("stream", None)
    toll("door", None)
    toll("door", uuid4())
    assert (toll.dead, toll.lived(1)) == (1, 1)


def test_repeats_neither_die_nor_live() -> None:
    toll = Toll([entry(uuid4()) for _ in range(5)], 10)
    assert (toll.dead, toll.lived(0), toll.lived(2)) == (0, 0, 2)


def test_entries_that_share_an_id_die_one_by_one() -> None:
    shared = uuid4()
    toll = Toll([entry(shared) for _ in range(5)], 10)
    for _ in range(4):
        toll("loader", shared)
    assert toll.dead == 4


def test_too_many_deaths_stop_a_batch_but_never_a_single_entry() -> None:
    ids = [uuid4() for _ in range(5)]
    toll = Toll([entry(one) for one in ids], 2)
    toll("loader", ids[0])
    toll("loader", ids[1])
    with pytest.raises(TooManyDie):
        toll("loader", ids[2])
    alone = Toll([entry(*ids)], 0)
    for one in ids:
        alone("loader", one)
    assert alone.dead == 1
