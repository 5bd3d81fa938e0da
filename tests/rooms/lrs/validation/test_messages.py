"""validate_statement: how problems are told, and that neither their number nor their cost runs away."""

from typing import Any

import pytest

from app.errors import Problem
from app.lrs.validation import MOST_PROBLEMS, validate_statement
from tests.rooms.lrs.validation.changes import GONE, changed, told


def test_all_problems_come_at_once(full: dict[str, Any]) -> None:
    changes = {
        "id": 1,
        "actor/account/homePage": "x",
        "verb/display": "answered",
        "object/definition/name": "q49",
        "result/score/scaled": 2,
        "context/contextActivities/parent/0/id": "x",
        "attachments/0/sha2": "",
        "verbs": {},
    }
    assert set(told(validate_statement(changed(full, changes), "1.0"))) == {
        "id",
        "actor.account.homePage",
        "verb.display",
        "object.definition.name",
        "result.score.scaled",
        "context.contextActivities.parent[0].id",
        "attachments[0].sha2",
        "verbs",
    }


def test_the_message_says_what_would_be_right(full: dict[str, Any]) -> None:
    problems = validate_statement(changed(full, {"object/definition/name": "final/q49"}), "1.0")
    assert problems == [
        Problem(
            "object.definition.name",
            "is a string ('final/q49'), not a language map",
            'An object from language tag to text, such as {"en-US": "final/q49"}',
        )
    ]


@pytest.mark.parametrize(
    ("key", "meant"),
    [("Actor", "actor"), ("verbs", "verb"), ("time-stamp", "timestamp"), ("score", "result")],
)
def test_a_misspelt_or_misplaced_property_is_recognised(full: dict[str, Any], key: str, meant: str) -> None:
    problems = validate_statement(changed(full, {key: 1}), "1.0")
    assert len(problems) == 1
    assert problems[0].message == "is not a property of a Statement"
    assert f'"{meant}"' in problems[0].expected


def test_a_long_value_is_cut(full: dict[str, Any]) -> None:
    problems = validate_statement(changed(full, {"verb/id": "long " * 500}), "1.0")
    assert len(problems[0].message) < 150


@pytest.mark.parametrize("number", [10**5000, -(10**5000), 2, -1.5, float("inf")], ids="abcde")
def test_a_number_out_of_range_is_told_however_long_it_is(full: dict[str, Any], number: float) -> None:
    problems = validate_statement(changed(full, {"result/score": {"scaled": number}}), "1.0")
    assert told(problems) == ["result.score.scaled"]
    assert len(problems[0].message) < 150


def test_a_hostile_number_of_properties_costs_no_more_than_reading_them(
    full: dict[str, Any],
) -> None:
    noise: dict[str, Any] = {f"key {number}": "x" for number in range(50_000)}
    changes = {"result/score": noise, "result/extensions": noise, "object/definition/name": noise}
    assert len(validate_statement(changed(full, changes), "1.0")) == MOST_PROBLEMS


def test_the_list_of_problems_is_bounded(full: dict[str, Any]) -> None:
    parents = [{"id": "x", "more": 1}] * 1000
    noise = {f"key {number}": None for number in range(1000)}
    changes = {"context/contextActivities/parent": parents, "verb/display": noise, "actor": noise}
    assert len(validate_statement(changed(full, changes), "1.0")) == MOST_PROBLEMS


@pytest.mark.parametrize("value", [None, True, 7, "statement", []])
def test_what_is_no_object_is_told_at_the_root(value: object) -> None:
    assert told(validate_statement(value, "1.0")) == ["$"]
    assert told(validate_statement(value, "1.0", "[3]")) == ["[3]"]


def test_paths_begin_where_the_statement_stands(full: dict[str, Any]) -> None:
    statement = changed(full, {"actor/account/name": 1, "verb": GONE, "a b": 1, "id": 1})
    paths = told(validate_statement(statement, "1.0", "[3]"))
    assert set(paths) == {"[3].actor.account.name", "[3].verb", '[3]["a b"]', "[3].id"}


def test_the_statement_is_left_as_it_was(full: dict[str, Any]) -> None:
    before = repr(full)
    validate_statement(full, "1.0")
    assert repr(full) == before
