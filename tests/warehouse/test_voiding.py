"""Voiding (xAPI 1.0.3 Data 2.3.2, Communication 2.1.4): whoever came first, whichever way, and two loads at once."""

from collections.abc import Callable
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import session_scope
from app.etl_incremental import run_incremental_etl, settle
from app.models import StatementFlat
from app.warehouse import gold, pages
from app.warehouse.models import LessonProgress
from tests.conftest import Doors
from tests.statements import completed
from tests.warehouse.record import (
    ARRIVALS,
    Statement,
    Step,
    actual,
    expected,
    forgotten,
    found,
    load,
    meet,
    refers_to,
    store,
    sweep,
    voids,
)

SAM = '{"mbox": "mailto:sam@example.org"}'


def progress(db: Session) -> list[tuple[int, bool]]:
    """Of each learner with a lesson: how many statements count, and whether it is completed."""
    db.expire_all()
    rows = db.scalars(select(LessonProgress).where(LessonProgress.statement_count > 0))
    return [(row.statement_count, row.completed_at is not None) for row in rows]


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("target_first", [True, False])
def test_a_voided_statement_leaves_queries_flat_rows_and_gold(db: Session, arrival: str, target_first: bool) -> None:
    """Data 2.3.2: a target may be voided in advance. Communication 2.1.4: the voiding one is still returned."""
    target = completed()
    voiding = voids(target)
    pair = (target, voiding)
    ARRIVALS[arrival](db, *(pair if target_first else pair[::-1]))
    assert actual(db) == expected(pair)
    assert found(db) == found(db, agent=SAM) == [voiding["id"]]
    shown, gone = UUID(voiding["id"]), UUID(target["id"])
    assert [pages.by_id(db, one, voided=False) is not None for one in (shown, gone)] == [True, False]
    assert [pages.by_id(db, one, voided=True) is not None for one in (shown, gone)] == [False, True]
    assert db.scalars(select(StatementFlat.statement_id)).all() == [shown]
    assert progress(db) == []


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("target_first", [True, False])
def test_a_voiding_statement_cannot_be_voided(db: Session, arrival: str, target_first: bool) -> None:
    """Data 2.3.2: voided "if and only if the Statement is not itself a voiding Statement"."""
    target = completed()
    voiding = voids(target)
    pair = (voiding, voids(voiding))
    load(db, target)
    ARRIVALS[arrival](db, *(pair if target_first else pair[::-1]))
    assert actual(db) == expected([target, *pair])
    assert actual(db).voided == {UUID(target["id"])}


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("target_first", [True, False])
def test_a_voided_statement_in_a_chain_still_leads_on(db: Session, arrival: str, target_first: bool) -> None:
    """Communication 2.1.4: statements that target the voided one are found as before, also by what that one targets."""
    target = completed()
    middle = refers_to(target)
    referrer = refers_to(middle)
    pair = (middle, voids(middle))
    load(db, target, referrer)
    ARRIVALS[arrival](db, *(pair if target_first else pair[::-1]))
    assert actual(db) == expected([target, referrer, *pair])
    assert set(found(db, agent=SAM)) == {target["id"], referrer["id"], pair[1]["id"]}


def test_the_first_of_two_voiders_counts_and_the_second_does_no_harm() -> None:
    target = completed()
    one, other = voids(target), voids(target)
    for order in permutations((target, one, other)):
        for together in (True, False):
            with forgotten() as db:
                for batch in [order] if together else [[statement] for statement in order]:
                    load(db, *batch)
                assert actual(db) == expected(order)
                assert set(found(db, agent=SAM)) == {one["id"], other["id"]}


@pytest.mark.parametrize("again", [load, store])
def test_a_voided_statement_that_is_sent_again_stays_voided(
    db: Session, again: Callable[[Session, Statement], None]
) -> None:
    """Data 2.3.2: to "unvoid" a statement it is issued under a new id."""
    target = completed()
    load(db, target, voiding := voids(target))
    again(db, target)
    sweep(db)
    assert actual(db) == expected([target, voiding])
    load(db, anew := {**target, "id": str(uuid4())})
    assert set(found(db, agent=SAM)) == {anew["id"], voiding["id"]}


def test_another_verb_does_not_void(db: Session) -> None:
    target = completed()
    load(db, target, refers_to(target))
    assert actual(db).voided == set()
    assert progress(db) == [(1, True)]


def test_progress_falls_back_to_what_is_left_and_equals_a_rebuilt_one(db: Session) -> None:
    """Law 7: a statement that is voided later counts as if it had never come."""
    first, second = completed(at="2026-03-04T08:00:00Z"), completed(at="2026-03-06T08:00:00Z")
    load(db, first, second)
    load(db, voids(first))
    row = db.scalars(select(LessonProgress)).one()
    db.refresh(row)
    kept = (row.statement_count, row.started_at, row.completed_at, row.last_at)
    assert kept[1].isoformat() == "2026-03-06T08:00:00+00:00"
    db.query(LessonProgress).delete()
    gold.refresh_lesson_progress(db, {(row.learner_id, row.lesson_id)})
    db.expire_all()
    row = db.scalars(select(LessonProgress)).one()
    assert (row.statement_count, row.started_at, row.completed_at, row.last_at) == kept


def test_at_the_door(doors: Doors, drain: Callable[[], int]) -> None:
    """Communication 2.1.3 and 2.1.4: statementId does not find it, voidedStatementId does, and only it."""
    target = completed()
    voiding = voids(target)
    assert doors.post([voiding, target]).status_code == 200
    drain()
    assert doors.get(statementId=target["id"]).status_code == 404
    assert doors.get(voidedStatementId=target["id"]).json()["id"] == target["id"]
    assert doors.get(statementId=voiding["id"]).status_code == 200
    assert doors.get(voidedStatementId=voiding["id"]).status_code == 404
    assert [one["id"] for one in doors.get(agent=SAM).json()["statements"]] == [voiding["id"]]


def acquainted() -> list[Statement]:
    """Statements of everybody here, loaded before others meet: strangers are entered one at a time."""
    return [completed(), refers_to(uuid4()), voids(uuid4())]


def _meetings() -> dict[str, tuple[list[Statement], Statement, Statement]]:
    """What is there already, and two statements that come at the same time."""
    target = completed()
    middle = refers_to(target)
    voiding = voids(target)
    return {
        "a target and who refers to it": ([], target, refers_to(target)),
        "a target and who voids it": ([], target, voids(target)),
        "the end of a chain and a new beginning": ([middle], target, refers_to(middle)),
        "the end of a chain and who voids its middle": ([middle], target, voids(middle)),
        "who voids and who wants to void that": ([target], voiding, voids(voiding)),
        "two that void the same": ([target], voids(target), voids(target)),
    }


@pytest.mark.parametrize("swept", ["neither", "first", "second", "both"])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("meeting", _meetings())
def test_two_loads_at_once_come_to_the_same_as_one_after_the_other(
    clean: None, meeting: str, swapped: bool, swept: str
) -> None:
    """Law 3. One has loaded and not committed when the other begins; afterwards nothing is left for later."""
    before, *pair = _meetings()[meeting]
    before += acquainted()
    first, second = pair[::-1] if swapped else pair

    def step(statement: Statement, name: str) -> Step:
        if swept not in (name, "both"):
            return lambda db: load(db, statement)
        with session_scope() as db:
            store(db, statement)
        return sweep if name == "second" else one_swept

    def one_swept(db: Session) -> None:
        assert run_incremental_etl(db, limit=1).new == 1

    with session_scope() as db:
        load(db, *before)
    meet([step(first, "first")], step(second, "second"))
    with session_scope() as db:
        assert actual(db) == expected([*before, first, second])


def test_loads_that_void_the_same_statements_in_opposite_order_do_not_wait_in_a_circle(clean: None) -> None:
    targets = [completed(), completed()]
    voiding = [voids(targets[n]) for n in (0, 1, 1, 0)]
    before = [*targets, *acquainted()]
    with session_scope() as db:
        load(db, *before)

    def others(db: Session) -> None:
        load(db, voiding[2])
        load(db, voiding[3])

    meet([lambda db: load(db, voiding[0]), lambda db: load(db, voiding[1])], others)
    with session_scope() as db:
        assert actual(db) == expected([*before, *voiding])


def test_a_load_that_voids_what_is_being_swept_does_not_wait_in_a_circle(clean: None) -> None:
    """Both describe one activity anew, and the load wants the very row that the sweep holds."""

    def named(language: str) -> Statement:
        return completed(object={"id": "http://example.org/a", "definition": {"name": {language: "A"}}})

    before, target, news, unrelated = [named("en"), *acquainted()], named("de"), named("fr"), refers_to(uuid4())
    with session_scope() as db:
        load(db, *before)
        store(db, target)
    voiding = voids(target)
    meet([lambda db: load(db, news, unrelated), lambda db: load(db, voiding)], sweep)
    with session_scope() as db:
        assert actual(db) == expected([*before, target, news, unrelated, voiding])


def test_what_is_settled_late_takes_its_turn_too(clean: None) -> None:
    """A reference waits for a target that is stored and not loaded; who refers is being voided when it is followed."""
    target = completed()
    middle = refers_to(target)
    before = [middle, *acquainted()]
    with session_scope() as db:
        load(db, *before)
        store(db, target)
    voiding = voids(middle)
    meet([lambda db: load(db, voiding)], settle)
    with session_scope() as db:
        sweep(db)
        assert actual(db) == expected([*before, target, voiding])
