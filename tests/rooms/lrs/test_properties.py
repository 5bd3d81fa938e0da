"""What holds for every valid statement of both editions, and for every single mistake in one.

The examples are the same in every run, so that a failure here is the same failure everywhere.
"""

from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lrs import formats
from app.lrs.comparison import agree
from app.lrs.receiving import receive_many, receive_one
from app.lrs.statements import Refused, parse_json, split
from app.lrs.validation import Version, validate_statement
from tests.rooms.lrs.content import content
from tests.strategies.catalogue import CATALOGUE
from tests.strategies.json_text import write
from tests.strategies.mutations import Breakable, Broken, Mutation
from tests.strategies.returned import as_returned, in_arrays, read
from tests.strategies.runs import examples
from tests.strategies.statements import KINDS, statements, voiding_statements

ID = "5389ED44-e618-4a66-9a43-7a0b282fd837"
STORED = datetime(2026, 3, 2, 8, 0, 0, 5, tzinfo=UTC)
OURS = b'{"account":{"homePage":"https://lrs.example","name":"k"}}'
SPOKEN: dict[Version, str] = {"1.0": "1.0.3", "2.0": "2.0.0"}
PLAIN = {"actor": {"mbox": "mailto:ann@example.org"}, "verb": {"id": "ex:v"}, "object": {"id": "ex:o"}}

both_editions = pytest.mark.parametrize("version", SPOKEN)
spellings = st.integers(0, 2**32)


def valid(version: Version) -> st.SearchStrategy[dict[str, Any]]:
    """Every valid statement, some of them with everything, some of them voiding another one."""
    some = [statements(version)] * 4
    return st.one_of(*some, statements(version, full=True), voiding_statements(version))


@both_editions
@examples(60)
@given(data=st.data(), spelling=spellings)
def test_any_valid_statement_is_taken_with_its_text(version: Version, data: st.DataObject, spelling: int) -> None:
    statement = data.draw(valid(version))
    text = write(statement, spelling)
    assert validate_statement(parse_json(text), version) == []
    without_id = write({key: value for key, value in statement.items() if key != "id"}, spelling)
    one = receive_one(text, statement.get("id", ID), SPOKEN[version])
    many = receive_many(b"[%s , %s]" % (text, without_id), SPOKEN[version], 2)
    assert (one.body, split(one.body)) == (text, [text])
    assert split(many.body) == [text, without_id]
    assert one.ids[0] == UUID(statement.get("id", ID))
    assert len(set(many.ids)) == 2
    assert "id" not in statement or many.ids[0] == one.ids[0]


@both_editions
@examples(50)
@given(data=st.data(), spelling=spellings, other=spellings)
def test_a_statement_is_the_same_however_it_is_written(
    version: Version, data: st.DataObject, spelling: int, other: int
) -> None:
    """xAPI 1.0.3 Data 2.2: properties in any order; 2.3.1: what the LRS sets is no difference."""
    statement = data.draw(valid(version))
    one, same = orjson.loads(write(statement, spelling)), orjson.loads(write(statement, other))
    assert content(one) == content(same)
    marked = {**same, "id": ID, "stored": "2026-03-02T08:00:00Z", "authority": PLAIN["actor"], "version": "1.0.7"}
    assert content(marked) == content(one)
    assert agree({"timestamp": "2026-03-02T08:00:00Z", **one}, one)
    assert not agree({**one, "verb": {"id": "ex:another"}}, one)
    assert not agree({**one, "result": {**one.get("result", {}), "response": "another"}}, one)


@both_editions
@examples(60)
@given(data=st.data(), spelling=spellings)
def test_exact_gives_back_what_was_sent_to_the_spelling_of_its_numbers(
    version: Version, data: st.DataObject, spelling: int
) -> None:
    """Nothing is added but what the LRS has to set, and what comes back is still valid and the same statement."""
    statement = data.draw(valid(version))
    text = write(statement, spelling)
    result = formats.exact(text, statement_id=UUID(ID), stored_at=STORED, authority=OURS, version=SPOKEN[version])
    default = "2.0.0" if version == "2.0" else "1.0.0"
    given_back = read(result)
    assert given_back == as_returned(read(text), given_back, statement_id=ID.lower(), version=default)
    assert given_back["stored"] == "2026-03-02T08:00:00.000005Z"
    assert given_back["authority"] == read(OURS)
    assert validate_statement(orjson.loads(result), version) == []
    assert agree(orjson.loads(result), in_arrays(orjson.loads(text)))


@both_editions
@examples(40)
@given(data=st.data(), language=st.sampled_from([None, "de", "fr-CH, en;q=0.5, *;q=0"]))
def test_the_other_formats_are_valid_statements_too(
    version: Version, data: st.DataObject, language: str | None
) -> None:
    statement = orjson.loads(write(data.draw(valid(version))))
    assert validate_statement(formats.ids_only(statement), version) == []
    assert validate_statement(formats.canonical(statement, {}, {}, language), version) == []


def refusal(body: bytes, version: Version, *, batch: bool) -> Refused | None:
    """How a body is refused; None when it is taken."""
    try:
        if batch:
            receive_many(body, SPOKEN[version], 2)
        else:
            receive_one(body, ID, SPOKEN[version])
    except Refused as error:
        return error
    return None


def hold(mutation: Mutation, broken: Broken, version: Version) -> None:
    """The mistake is told where it is, once, and nothing else is; what makes another kind of thing says more."""
    error = refusal(orjson.dumps(broken.statement), version, batch=False)
    assert error is not None, f"{mutation} is taken, and should be refused at {broken.paths}"
    told = sorted(problem.path for problem in error.problems)
    right = set(broken.paths) <= set(told) if mutation.loose else told == broken.paths
    assert right, f"{mutation} is told at {told}, not at {broken.paths}"
    assert error.status == 400
    assert all(problem.message and problem.expected for problem in error.problems)


@both_editions
def test_every_mistake_is_refused_where_it_is(version: Version) -> None:
    """Each mutation of the catalogue, in statements about each kind of object, at places that chance decides."""
    mutations = [mutation for mutation in CATALOGUE if version in mutation.versions]
    tried: Counter[Mutation] = Counter()

    @examples(5)
    @given(data=st.data(), chance=spellings)
    def refuse(kind: Any, data: st.DataObject, chance: int) -> None:
        statement = {**data.draw(statements(version, full=True, kind=kind)), "id": ID}
        assert refusal(write(statement), version, batch=False) is None
        breakable = Breakable(orjson.loads(write(statement)), Random(chance))
        for mutation in mutations:
            if broken := breakable.broken(mutation):
                tried[mutation] += 1
                hold(mutation, broken, version)

    for kind in KINDS:
        refuse(kind)
    assert [str(mutation) for mutation in mutations if tried[mutation] < 2] == []


@both_editions
@examples(15)
@given(data=st.data(), chance=spellings)
def test_a_mistake_in_a_batch_names_the_statement_and_refuses_all(
    version: Version, data: st.DataObject, chance: int
) -> None:
    statement = data.draw(statements(version, full=True))
    mutation = data.draw(st.sampled_from([one for one in CATALOGUE if version in one.versions and not one.loose]))
    broken = Breakable(orjson.loads(write(statement)), Random(chance)).broken(mutation)
    if broken is None:
        return
    error = refusal(b"[%s, %s]" % (orjson.dumps(PLAIN), orjson.dumps(broken.statement)), version, batch=True)
    assert error is not None, str(mutation)
    assert error.refused == (1,)
    assert sorted(problem.path for problem in error.problems) == sorted(
        "[1]" if path == "$" else f"[1]{path}" if path.startswith("[") else f"[1].{path}" for path in broken.paths
    )


@pytest.mark.parametrize("version", SPOKEN)
def test_attachments_without_data_and_address_are_refused(version: Version) -> None:
    """xAPI 1.0.3 Data 2.4.11 and Communication 1.5.1: application/json brings no data, so a fileUrl has to be there."""

    @examples(4)
    @given(data=st.data())
    def refuse(data: st.DataObject) -> None:
        statement = data.draw(statements(version, full=True))
        attachment = {key: value for key, value in statement["attachments"][0].items() if key != "fileUrl"}
        error = refusal(write({**statement, "id": ID, "attachments": [attachment]}), version, batch=False)
        assert error is not None
        assert [problem.path for problem in error.problems] == ["attachments[0]"]

    refuse()
