"""Any valid statement that goes in at the standard door comes out as it was sent, through the stream and the record.

The examples are the same in every run. All examples of a test share one record: each sends ids of its own.
"""

from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.database import session_scope
from app.ingest.models import DeadLetter
from app.lrs.validation import Version, is_timestamp
from app.models import StatementFlat, StatementRaw
from tests.conftest import Doors
from tests.strategies.catalogue import CATALOGUE
from tests.strategies.json_text import write
from tests.strategies.mutations import Breakable
from tests.strategies.returned import as_returned, read
from tests.strategies.runs import examples
from tests.strategies.statements import statements, voiding_statements

Drain = Callable[[], int]
STATEMENTS = "/xapi/statements"
SPOKEN: dict[Version, str] = {"1.0": "1.0.3", "2.0": "2.0.0"}
DEFAULT: dict[Version, str] = {"1.0": "1.0.0", "2.0": "2.0.0"}
NAMESPACE = UUID("0f6b7f2e-6d3c-5c8e-9f0a-3a1d5b7c9e11")

both_editions = pytest.mark.parametrize("version", SPOKEN)
spellings = st.integers(0, 2**32)


def batches(version: Version, least: int = 5, most: int = 8) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Arrays of valid statements, some with everything in them, some that void what is not there."""
    some = [statements(version)] * 5
    one = st.one_of(*some, statements(version, full=True), voiding_statements(version))
    return st.lists(one, min_size=least, max_size=most)


def fresh_ids() -> Iterator[str]:
    """Ids that no example has used before."""
    return (str(uuid5(NAMESPACE, str(number))) for number in count())


def with_ids(batch: list[dict[str, Any]], fresh: Iterator[str]) -> list[dict[str, Any]]:
    """The same, each id that is there replaced by a fresh one, in upper case if the old one was."""
    return [
        {**one, "id": own.upper() if one["id"].isupper() else own} if "id" in one else one
        for one, own in zip(batch, fresh, strict=False)
    ]


def post(doors: Doors, version: Version, batch: list[dict[str, Any]], spelling: int) -> tuple[list[bytes], Any]:
    """Send an array; returns the text of each statement, and the answer."""
    texts = [write(statement, spelling) for statement in batch]
    headers = {"X-Experience-API-Version": SPOKEN[version], "Content-Type": "application/json"}
    body = b"[%s]" % b" ,\n".join(texts)
    return texts, doors.client.post(STATEMENTS, content=body, headers=headers, auth=doors.sender)


def fetched(doors: Doors, version: Version, statement_id: str) -> Any:
    """One statement in the format exact, its numbers as they are spelt."""
    answer = doors.client.get(
        STATEMENTS,
        params={"statementId": statement_id, "format": "exact"},
        headers={"X-Experience-API-Version": SPOKEN[version]},
        auth=doors.sender,
    )
    assert answer.status_code == 200, answer.text
    return read(answer.content)


def counted(table: Any) -> int:
    """How many rows a table has."""
    with session_scope() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


@both_editions
def test_what_is_sent_comes_back(doors: Doors, drain: Drain, version: Version) -> None:
    """POST, load, GET: equal as parsed JSON, in which each number counts as it was spelt (1.50 is not 1.5).

    Beyond what was sent there is only what the LRS has to add; see as_returned. The authority is the same for all,
    whatever they say. Sent once more, written in another way, each is a repeat and no conflict.
    """
    fresh, authorities, taken = fresh_ids(), [], 0

    @examples(18)
    @given(batch=batches(version), spelling=spellings, other=spellings)
    def round_trip(batch: list[dict[str, Any]], spelling: int, other: int) -> None:
        nonlocal taken
        batch = with_ids(batch, fresh)
        texts, answer = post(doors, version, batch, spelling)
        assert answer.status_code == 200, answer.text
        assert drain() == 1
        for text, statement_id in zip(texts, answer.json(), strict=True):
            given_back = fetched(doors, version, statement_id)
            assert given_back == as_returned(
                read(text), given_back, statement_id=statement_id, version=DEFAULT[version]
            )
            assert is_timestamp(given_back["stored"], "2.0")
            authorities.append(given_back["authority"])
        again = [statement for statement in batch if "id" in statement]
        if again:
            _, repeated = post(doors, version, again, other)
            assert repeated.status_code == 200, repeated.text
            drain()
        taken += len(batch)

    round_trip()
    assert taken > 50
    assert (counted(StatementRaw), counted(StatementFlat), counted(DeadLetter)) == (taken, taken, 0)
    assert authorities == authorities[:1] * taken
    assert authorities[0]["objectType"] == "Agent"


@both_editions
def test_one_mistake_refuses_the_whole_array_and_names_its_place(doors: Doors, drain: Drain, version: Version) -> None:
    """xAPI 1.0.3 Communication 2.1.2: nothing of a batch is stored when a statement of it is refused."""
    mutations = [one for one in CATALOGUE if version in one.versions and not one.loose]
    fresh = fresh_ids()

    @examples(5)
    @given(
        batch=batches(version, 1, 3), valid=statements(version, full=True), place=st.integers(0, 3), chance=spellings
    )
    def refuse(batch: list[dict[str, Any]], valid: dict[str, Any], place: int, chance: int) -> None:
        breakable = Breakable(valid, Random(chance))
        shuffled = Random(chance).sample(mutations, len(mutations))
        broken = next(found for one in shuffled if (found := breakable.broken(one)))
        batch = with_ids(batch, fresh)
        place = min(place, len(batch))
        batch.insert(place, broken.statement)
        _, answer = post(doors, version, batch, chance)
        assert answer.status_code == 400, answer.text
        assert answer.json()["refused"] == [place]
        dots = ["" if path == "$" else path if path.startswith("[") else f".{path}" for path in broken.paths]
        assert sorted(one["path"] for one in answer.json()["problems"]) == [f"[{place}]{path}" for path in dots]

    refuse()
    assert drain() == 0
    assert counted(StatementRaw) == 0
