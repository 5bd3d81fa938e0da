"""Canonical definitions: what statements say of activities and verbs, merged (xAPI 1.0.3 Data 2.4.4.1, 2.4.3)."""

from functools import reduce
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.database import session_scope
from app.etl_incremental import load_statements, store_statements
from app.lrs.canonical import merge_definition
from app.platform.ids import stable_id
from app.warehouse import definitions
from app.warehouse.models import KnownActivity, KnownVerb
from tests.statements import completed
from tests.warehouse.record import ARRIVALS, Statement, forgotten, incoming, load, meet, refers_to, sweep, voids

ACTIVITY, VERB = "http://example.org/a", "http://example.org/v"


def about(definition: dict[str, Any], iri: str = ACTIVITY, **more: Any) -> Statement:
    return completed(object={"id": iri, "definition": definition}, **more)


def named(language: str, name: str = "A", iri: str = ACTIVITY, **more: Any) -> Statement:
    """Of a type that is no lesson, as lessons are entered before and would keep two loads apart."""
    return about({"name": {language: name}, "type": "http://example.org/card"}, iri, **more)


def known(db: Session, iri: str = ACTIVITY) -> dict[str, Any]:
    return definitions.known(db, "activities", [stable_id("activity", iri)]).get(iri, {})


def test_languages_add_up_and_the_newer_text_wins(db: Session) -> None:
    load(db, named("en", "Milk"), named("de", "Milch"))
    load(db, named("en", "Milk, oat"))
    assert known(db)["name"] == {"en": "Milk, oat", "de": "Milch"}


def test_displays_of_verbs_are_learnt_too(db: Session) -> None:
    for display in ({"en": "drank", "de": "trank"}, {"en": "sipped"}):
        load(db, completed(verb={"id": VERB, "display": display}))
    assert definitions.known(db, "verbs", [stable_id("verb", VERB)]) == {VERB: {"en": "sipped", "de": "trank"}}


@pytest.mark.parametrize("way", ["load", "sweep"])
@pytest.mark.parametrize("ids", [(1, 2), (2, 1)])
def test_of_one_batch_the_statement_that_came_later_wins(db: Session, way: str, ids: tuple[int, int]) -> None:
    """Whatever their ids are, by which rows are sorted for other reasons."""
    batch = [incoming(named("en", name, id=str(UUID(int=n)))) for n, name in zip(ids, ("old", "new"), strict=True)]
    if way == "load":
        load_statements(db, batch)
    else:
        store_statements(db, batch)
        sweep(db)
    assert known(db)["name"] == {"en": "new"}


_CHOICE = {"interactionType": "choice"}
_WORDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.dictionaries(st.sampled_from(["en", "de"]), st.sampled_from("xyz"), max_size=2),
        "type": st.sampled_from(["http://example.org/t1", "http://example.org/t2"]),
        "extensions": st.dictionaries(st.sampled_from(["x:1", "x:2"]), st.integers(0, 3), max_size=2),
        "interactionType": st.sampled_from(["choice", "other"]),
        "correctResponsesPattern": st.sampled_from([["a"], ["b"]]),
    },
)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(_WORDS, min_size=1, max_size=6), st.sets(st.integers(1, 5)))
@example([{**_CHOICE, "correctResponsesPattern": ["a"]}, {"interactionType": "other"}, _CHOICE], {1})
def test_batches_make_no_difference(words: list[dict[str, Any]], cuts: set[int]) -> None:
    """Law 7: loaded in any batches, and swept one by one, they come to what merging them one after the other gives."""
    merged = reduce(merge_definition, [some for some in words if some], {})
    statements = [about(some) for some in words]
    edges = [0, *sorted(cut for cut in cuts if cut < len(words)), len(words)]
    with forgotten() as db:
        for start, end in pairwise(edges):
            load(db, *statements[start:end])
        assert known(db) == merged
        db.execute(text("TRUNCATE silver.activities, silver.verbs"))
        db.execute(text("UPDATE bronze.statements_raw SET flattened_at = NULL"))
        sweep(db, 1)
        assert known(db) == merged


def test_who_may_not_define_changes_nothing(db: Session) -> None:
    """Communication 4.2, scope `define`; also when the statement waits for the sweep."""
    load(db, named("en", "Milk"))
    load_statements(db, [incoming(named("en", "Mud"), defines=False)])
    store_statements(db, [incoming(completed(verb={"id": VERB, "display": {"en": "drank"}}), defines=False)])
    sweep(db)
    assert known(db)["name"] == {"en": "Milk"}
    assert db.get(KnownVerb, stable_id("verb", VERB)) is None


def test_what_is_no_news_is_not_written_again(db: Session) -> None:
    load(db, named("en"))
    at = select(KnownActivity.updated_at)
    before = db.scalars(at).all()
    load(db, named("en"), completed(object={"id": ACTIVITY}))
    assert db.scalars(at).all() == before
    load(db, named("de"))
    assert db.scalars(at).all() != before


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("target_first", [True, False])
def test_what_a_voided_statement_said_of_activities_stays(db: Session, arrival: str, target_first: bool) -> None:
    """Data 2.3.2: the LRS may roll it back. It does not, so that order makes no difference."""
    target = named("en", "Milk")
    pair = (target, voids(target))
    ARRIVALS[arrival](db, *(pair if target_first else pair[::-1]))
    assert known(db)["name"] == {"en": "Milk"}


@pytest.mark.parametrize("is_known", [False, True])
def test_of_two_loads_at_once_neither_loses_its_words(clean: None, is_known: bool) -> None:
    with session_scope() as db:
        load(db, completed(), *([named("fr")] if is_known else []))
    meet([lambda db: load(db, named("en"))], lambda db: load(db, named("de")))
    with session_scope() as db:
        assert set(known(db)["name"]) == {"en", "de"} | ({"fr"} if is_known else set())


def test_who_has_read_a_definition_to_change_it_keeps_others_waiting(clean: None) -> None:
    """Otherwise the other one would put its words beside what was known before, and ours would be gone."""
    with session_scope() as db:
        load(db, named("fr"))

    def read(db: Session) -> None:
        definitions.known(db, "activities", [stable_id("activity", ACTIVITY)], lock=True)

    meet([read, lambda db: load(db, named("en"))], lambda db: load(db, named("de")))
    with session_scope() as db:
        assert set(known(db)["name"]) == {"en", "de", "fr"}


@pytest.mark.parametrize("is_known", [False, True])
def test_definitions_are_claimed_in_one_order(clean: None, is_known: bool) -> None:
    """Law 3: who waits for the first key holds none of the later ones, so that nobody waits in a circle."""
    iris = sorted((f"http://example.org/{n}" for n in range(4)), key=lambda iri: stable_id("activity", iri).bytes)
    with session_scope() as db:
        load(db, completed(), *(named("en", iri=iri) for iri in iris if is_known))

    def claim(iri: str) -> Any:
        return lambda db: load(db, named("de", iri=iri))

    meet([claim(iri) for iri in iris], lambda db: load(db, *(named("fr", iri=iri) for iri in reversed(iris))))
    with session_scope() as db:
        assert [set(known(db, iri)["name"]) >= {"de", "fr"} for iri in iris] == [True] * len(iris)


@pytest.mark.parametrize("iri", ["http://example.org/" + "x" * 10_000, "http://example.org/ä?\U0001f95b#%00"])
def test_any_iri_and_any_text_can_be_learnt(db: Session, iri: str) -> None:
    """An IRI may be longer than an index entry; a text may hold what PostgreSQL has no room for in a string."""
    definition = {"name": {"en": "a\x00\u2028\U0001f95b"}, "extensions": {"x:1": [1.5e300, -(2**63), {"": None}]}}
    load(db, about(definition, iri), refers_to(uuid4()))
    assert known(db, iri) == definition
