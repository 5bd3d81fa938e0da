"""References between statements: by what a statement is found (xAPI 1.0.3 Communication 2.1.3), whoever came first."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.etl_incremental import load_statements
from app.ingest.models import DeadLetter
from app.warehouse import links
from app.warehouse.links import MAX_CHAIN
from tests.statements import completed, lesson
from tests.warehouse.record import (
    ARRIVALS,
    CONFIRMED,
    SENDER,
    STORED,
    Statement,
    actual,
    expected,
    forgotten,
    found,
    incoming,
    load,
    refers_to,
    store,
    sweep,
    voids,
)

SAM, KIM, ANDREW = (f'{{"mbox": "mailto:{name}@example.org"}}' for name in ("sam", "kim", "andrew"))
REGISTRATION, PARENT = "6f3c1c5e-5f5e-4d57-8f0c-0a4d8b6a0e11", "https://app.7taps.com/courses/1"
BROADLY = {"related_agents": "true", "related_activities": "true"}


def original() -> Statement:
    """A statement that every filter can match."""
    return completed(
        context={
            "registration": REGISTRATION,
            "instructor": {"mbox": "mailto:kim@example.org"},
            "contextActivities": {"parent": [{"id": PARENT}]},
        }
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"agent": SAM},
        {"verb": "http://adlnet.gov/expapi/verbs/completed"},
        {"activity": lesson()["id"]},
        {"registration": REGISTRATION},
        {"agent": KIM, **BROADLY},
        {"activity": PARENT, **BROADLY},
        {"agent": orjson.dumps({"account": {"homePage": "https://x.example", "name": SENDER}}).decode(), **BROADLY},
        {"agent": SAM, "activity": lesson()["id"], "registration": REGISTRATION},
        {"agent": SAM, "verb": CONFIRMED},
    ],
    ids=lambda parameters: " ".join(name for name in parameters if parameters[name] != "true"),
)
def test_every_filter_finds_who_refers_through_a_chain_whatever_came_first(parameters: dict[str, str]) -> None:
    """Filter Conditions for StatementRefs: "a targets b which targets c"; each filter by itself, not all by one."""
    c = original()
    b = refers_to(c)
    a = refers_to(b)
    other = completed("else@example.org", 7, verb={"id": "http://example.org/v"})
    wanted = {a["id"], b["id"]}
    if parameters.get("verb") != CONFIRMED:
        wanted.add(c["id"])
    if SENDER in parameters.get("agent", ""):
        wanted.add(other["id"])
    for order in permutations((a, b, c)):
        with forgotten() as db:
            load(db, other)
            for statement in order:
                load(db, statement)
            assert set(found(db, **parameters)) == wanted


@pytest.mark.parametrize("narrow", [{"agent": KIM}, {"activity": PARENT}, {"agent": ANDREW, "verb": "http://x.org/no"}])
def test_what_the_target_does_not_match_its_referrer_does_not_match(db: Session, narrow: dict[str, str]) -> None:
    target = original()
    load(db, target, refers_to(target))
    assert found(db, **narrow) == []


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("target_first", [True, False])
def test_a_reference_is_followed_on_every_way_in(db: Session, arrival: str, target_first: bool) -> None:
    target = original()
    pair = (target, refers_to(target))
    ARRIVALS[arrival](db, *(pair if target_first else pair[::-1]))
    assert actual(db) == expected(pair)
    assert links.late_references(db, 1) == []


def test_time_and_order_are_those_of_the_statement_that_refers(db: Session) -> None:
    """The same place: since, until, limit and ascending apply to the statement that makes the reference."""
    target = original()
    first, last = refers_to(target), refers_to(target)
    load_statements(db, [incoming(first, 0), incoming(target, 10), incoming(last, 20)])
    middle = (STORED + timedelta(milliseconds=10)).isoformat()
    ids = [first["id"], target["id"], last["id"]]
    assert found(db, agent=SAM) == ids[::-1]
    assert found(db, agent=SAM, ascending="true") == ids
    assert found(db, agent=SAM, ascending="true", limit="2") == ids[:2]
    assert found(db, agent=SAM, since=middle) == ids[2:]
    assert found(db, agent=SAM, until=middle, ascending="true") == ids[:2]


@pytest.mark.parametrize("place", ["context", "substatement"])
def test_a_reference_elsewhere_than_in_the_object_does_not_count(db: Session, place: str) -> None:
    """The note there on the property `statement` of a context; Data 2.4.4.3 on SubStatements."""
    target = original()
    reference = {"objectType": "StatementRef", "id": target["id"]}
    inner = {"objectType": "SubStatement", "actor": orjson.loads(KIM), "verb": {"id": CONFIRMED}, "object": reference}
    more: dict[str, Any] = {"context": {"statement": reference}} if place == "context" else {"object": inner}
    load(db, target, completed("kim@example.org", 2, verb={"id": CONFIRMED}, **more))
    assert found(db, agent=SAM) == [target["id"]]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_references_ends(db: Session, length: int) -> None:
    """An id can be referred to before it is taken, so references can go round."""
    ids = [str(uuid4()) for _ in range(length)]
    circle = [refers_to(ids[n - 1], id=one, actor={"mbox": f"mailto:p{n}@example.org"}) for n, one in enumerate(ids)]
    for statement in circle:
        load(db, statement)
    assert actual(db) == expected(circle)
    assert len(found(db, agent='{"mbox": "mailto:p0@example.org"}')) == length


@pytest.mark.parametrize("arranged", ["target first", "target last", "middle last"])
def test_a_chain_is_followed_equally_far_in_every_order(arranged: str, db: Session) -> None:
    """Nothing is unbounded: MAX_CHAIN references, no matter which part of the chain came last."""
    chain = [original()]
    for _ in range(MAX_CHAIN + 3):
        chain.append(refers_to(chain[-1]))
    middle = len(chain) // 2
    for statement in {
        "target first": chain,
        "target last": chain[::-1],
        "middle last": [*chain[:middle], *chain[middle + 1 :], chain[middle]],
    }[arranged]:
        load(db, statement)
    assert set(found(db, agent=SAM)) == {one["id"] for one in chain[: MAX_CHAIN + 1]}


def test_a_target_that_cannot_be_read_does_not_hold_up_who_refers_to_it(db: Session) -> None:
    """Such a row is buried by the sweep (law 6); a statement about it is a good statement all the same."""
    target = original()
    store(db, target)
    db.execute(text("UPDATE bronze.statements_raw SET payload = '{\"actor\": {}}'"))
    reference = refers_to(target)
    load(db, reference)
    sweep(db)
    load(db, voids(target))
    assert found(db, agent=ANDREW) == [reference["id"]]
    assert db.query(DeadLetter).count() == 1


_PLACES = st.integers(0, 6)
_ONE = st.tuples(st.sampled_from(["plain", "refers", "refers", "voids"]), _PLACES)
_IDS = [str(UUID(int=n * 0x1F3D5B79A6C8E0F2 % 2**128)) for n in range(1, 8)]


@st.composite
def _arrivals(draw: st.DrawFn) -> tuple[list[Statement], list[tuple[str, list[Statement]]]]:
    """Statements that refer to and void each other, or what never comes; and the batches in which they arrive."""
    statements = []
    for place, (kind, other) in enumerate(draw(st.lists(_ONE, min_size=2, max_size=6))):
        who = {"id": _IDS[place], "actor": {"mbox": f"mailto:p{place}@example.org"}}
        if kind == "plain":
            statements.append(completed(number=other, **who))
        else:
            statements.append((voids if kind == "voids" else refers_to)(_IDS[other], **who))
    waiting = draw(st.permutations(statements))
    batches = []
    while waiting:
        size = draw(st.integers(1, len(waiting)))
        batches.append((draw(st.sampled_from(["load", "store", "store and sweep"])), waiting[:size]))
        waiting = waiting[size:]
    return statements, batches


@settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(_arrivals(), st.sampled_from([1, 2, 100]))
def test_order_and_batches_make_no_difference(
    arrivals: tuple[list[Statement], list[tuple[str, list[Statement]]]], limit: int
) -> None:
    """Links, voided statements and flat rows are what the clauses say, however the statements came in."""
    statements, batches = arrivals
    with forgotten() as db:
        for way, batch in batches:
            (load if way == "load" else store)(db, *batch)
            if way == "store and sweep":
                sweep(db, limit)
        sweep(db, limit)
        assert actual(db) == expected(statements)
        load(db, *statements)
        assert actual(db) == expected(statements)


DERIVED = {
    "links": ["TRUNCATE silver.statement_links"],
    "references": ["TRUNCATE silver.statement_refs"],
    "definitions": ["TRUNCATE silver.activities, silver.verbs"],
    "flat rows": ["TRUNCATE silver.statements_flat"],
    "voided marks": ["UPDATE bronze.statements_raw SET voided_by = NULL"],
}
DERIVED["everything"] = [statement for some in DERIVED.values() for statement in some]
_KEPT = [
    "SELECT key, stored_at, seq FROM silver.statement_links",
    "SELECT statement_id, target_id, voids, resolved_at IS NULL FROM silver.statement_refs",
    "SELECT key, iri, definition::text FROM silver.activities",
    "SELECT key, iri, display::text FROM silver.verbs",
    "SELECT * FROM silver.statements_flat",
    "SELECT id, voided_by FROM bronze.statements_raw",
    "SELECT * FROM gold.lesson_progress",
]


@pytest.mark.parametrize("limit", [2, 1_000])
@pytest.mark.parametrize("what", DERIVED)
def test_what_is_thrown_away_is_built_again_from_bronze(db: Session, what: str, limit: int) -> None:
    """Law 7: empty the table, take the mark off every raw row, sweep."""
    words = [{"definition": {"name": {"en": f"Name {n}"}, "extensions": {f"x:{n}": n}}} for n in range(8)]
    plain = [completed(object={**lesson(n % 2), **word}) for n, word in enumerate(words)]
    reference = refers_to(plain[0])
    gone = refers_to(plain[1])
    batches: list[list[Statement]] = [
        [*plain[:5], reference, refers_to(gone)],
        [gone, voids(plain[2]), refers_to(uuid4())],
        [voids(plain[2]), *plain[5:], voids(gone), refers_to(reference)],
    ]
    batches.append([voids(batches[1][1])])
    for batch in batches:
        load_statements(db, [incoming(one, place, defines=place != 1) for place, one in enumerate(batch)])

    def kept() -> list[list[tuple[Any, ...]]]:
        return [sorted(tuple(row) for row in db.execute(text(query))) for query in _KEPT]

    before = kept()
    assert all(before)
    for statement in [*DERIVED[what], "UPDATE bronze.statements_raw SET flattened_at = NULL"]:
        db.execute(text(statement))
    sweep(db, limit)
    for rebuilt, was in zip(kept(), before, strict=True):
        assert rebuilt == was
