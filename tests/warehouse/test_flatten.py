"""From a statement to its flat columns."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.accounts.lessons import lesson_id_of
from app.errors import Unreadable
from app.etl_incremental import flatten_statement
from app.models import StatementFlat
from app.platform.ids import stable_id
from tests.statements import answered, completed, lesson


def test_an_answer_on_a_card_belongs_to_its_lesson_and_does_not_complete_it() -> None:
    flat = flatten_statement(orjson.dumps(answered()))
    expected = {
        "actor_key": "mbox:mailto:sam@example.org",
        "actor_email": "sam@example.org",
        "verb": "answered",
        "object_id": "https://app.7taps.com/lessons/1#card-3",
        "object_name": "Which milk first?",
        "interaction_type": "choice",
        "lesson_id": lesson_id_of("https://app.7taps.com/lessons/1"),
        "lesson_title": "Lesson 1",
        "completes_lesson": False,
        "success": True,
        "completion": True,
        "score_scaled": 1.0,
        "score_raw": 5,
        "score_max": 5,
        "response": "b",
        "duration_s": 90.5,
        "registration": UUID("5389ed44-e618-4a66-9a43-7a0b282fd837"),
        "parent_id": "https://app.7taps.com/lessons/1",
        "grouping_id": "https://app.7taps.com/course",
        "platform": "7taps",
        "language": "en-US",
        "card_type": "quiz",
        "occurred_at": datetime(2026, 3, 2, 7, 0, tzinfo=UTC),
    }
    assert {key: flat[key] for key in expected} == expected


def test_it_gives_every_column_but_the_learner() -> None:
    columns = {column.name for column in StatementFlat.__table__.columns}
    assert set(flatten_statement(completed())) == columns - {"learner_id"} | {
        "lesson_activity_id",
        "lesson_title",
    }


@pytest.mark.parametrize(
    ("verb", "result", "completes"),
    [
        ("completed", {}, True),
        ("passed", {}, True),
        ("experienced", {"completion": True}, True),
        ("experienced", {"completion": False}, False),
        ("failed", {}, False),
    ],
)
def test_what_completes_a_lesson(verb: str, result: dict[str, bool], completes: bool) -> None:
    statement = completed(verb={"id": f"http://adlnet.gov/expapi/verbs/{verb}"}, result=result)
    assert flatten_statement(statement)["completes_lesson"] is completes


def test_an_untyped_object_without_parent_is_a_lesson_as_7taps_sends_it() -> None:
    statement = completed(object={"id": "https://app.7taps.com/x"})
    assert flatten_statement(statement)["lesson_activity_id"] == "https://app.7taps.com/x"


def test_an_object_of_any_other_type_is_no_lesson() -> None:
    page = {
        "id": "https://x.example/page",
        "definition": {"type": "http://activitystrea.ms/schema/1.0/page"},
    }
    assert flatten_statement(completed(object=page))["lesson_id"] is None


def test_a_single_parent_may_stand_without_its_array() -> None:
    statement = answered()
    statement["context"]["contextActivities"]["parent"] = lesson(2)
    assert flatten_statement(statement)["lesson_activity_id"] == lesson(2)["id"]


def test_nul_characters_that_postgresql_refuses_are_replaced() -> None:
    statement = answered(response="a\x00b")
    assert flatten_statement(statement)["response"] == "a\ufffdb"


def test_a_statement_about_a_person_names_the_person() -> None:
    statement = completed(object={"objectType": "Agent", "mbox": "mailto:Kim@example.org", "name": "Kim"})
    flat = flatten_statement(statement)
    assert (flat["object_type"], flat["object_id"], flat["object_name"], flat["lesson_id"]) == (
        "Agent",
        "mbox:mailto:kim@example.org",
        "Kim",
        None,
    )


def test_what_is_no_object_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        flatten_statement(b"[1]")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (answered(), (stable_id("activity", "https://app.7taps.com/lessons/1#card-3"), "b")),
        (answered(response="x" * 100), (stable_id("activity", "https://app.7taps.com/lessons/1#card-3"), "x" * 100)),
        (answered(response="x" * 101), (stable_id("activity", "https://app.7taps.com/lessons/1#card-3"), None)),
        (answered(context={}), (None, None)),
        (completed(result={"response": "b"}), (None, None)),
    ],
)
def test_what_was_answered_within_a_lesson_can_be_counted(statement: dict[str, Any], expected: tuple[Any, Any]) -> None:
    flat = flatten_statement(statement)
    assert (flat["question_id"], flat["choice"]) == expected
