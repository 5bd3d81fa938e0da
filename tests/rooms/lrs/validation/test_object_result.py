"""What is refused about the object and the result."""

from typing import Any

import pytest

from app.lrs.validation import Version
from tests.rooms.lrs.validation.changes import GONE, VERSIONS, assert_told_once, refusals

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    # 2.4.4: the object
    ("2.4.4", {"object": "lesson"}, "object", "Activity"),
    ("2.4.4", {"object/objectType": "activity"}, "object.objectType", "'activity'"),
    ("2.4.4", {"object/objectType": None}, "object.objectType", "null"),
    ("2.4.4.1", {"object/id": GONE}, "object.id", "missing"),
    ("2.4.4.1", {"object/id": "/lessons/7"}, "object.id", "IRI"),
    ("2.4.4.1", {"object/name": {"en": "a"}}, "object.name", "not a property of an Activity"),
    ("2.4.4.1", {"object/definition": []}, "object.definition", "empty array"),
    ("2.4.4.1", {"object/definition/name": "q49"}, "object.definition.name", "language map"),
    (
        "2.4.4.1",
        {"object/definition/description": {"en": 1}},
        "object.definition.description.en",
        "",
    ),
    ("2.4.4.1", {"object/definition/type": "lesson"}, "object.definition.type", "IRI"),
    ("2.4.4.1", {"object/definition/moreInfo": "www"}, "object.definition.moreInfo", "IRL"),
    ("2.4.4.1", {"object/definition/title": {}}, "object.definition.title", "not a property"),
    ("4.1", {"object/definition/extensions": []}, "object.definition.extensions", "array"),
    (
        "4.1",
        {"result/extensions": {"not an iri": 1}},
        'result.extensions["not an iri"]',
        "no IRI",
    ),
    ("4.1", {"context/extensions": {"card": 1}}, "context.extensions.card", "no IRI"),
    (
        "2.4.4.1",
        {"object/definition/interactionType": "Choice"},
        "object.definition.interactionType",
        "'Choice'",
    ),
    (
        "2.4.4.1",
        {"object/definition/interactionType": GONE},
        "object.definition.interactionType",
        "missing",
    ),
    (
        "2.4.4.1",
        {"object/definition/interactionType": "likert"},
        "object.definition.choices",
        "does not go with",
    ),
    (
        "2.4.4.1",
        {"object/definition/correctResponsesPattern": "a"},
        "object.definition.correctResponsesPattern",
        "array of strings",
    ),
    (
        "2.4.4.1",
        {"object/definition/correctResponsesPattern/0": 1},
        "object.definition.correctResponsesPattern[0]",
        "string",
    ),
    ("2.4.4.1", {"object/definition/choices": {}}, "object.definition.choices", "empty object"),
    ("2.4.4.1", {"object/definition/choices/1": "b"}, "object.definition.choices[1]", "component"),
    (
        "2.4.4.1",
        {"object/definition/choices/1/id": GONE},
        "object.definition.choices[1].id",
        "missing",
    ),
    ("2.4.4.1", {"object/definition/choices/1/id": 2}, "object.definition.choices[1].id", "string"),
    (
        "2.4.4.1",
        {"object/definition/choices/1/id": "a"},
        "object.definition.choices[1].id",
        "once more",
    ),
    (
        "2.4.4.1",
        {"object/definition/choices/0/description": "x"},
        "object.definition.choices[0].description",
        "language map",
    ),
    (
        "2.4.4.1",
        {"object/definition/choices/0/text": "x"},
        "object.definition.choices[0].text",
        "not a property",
    ),
    # 2.4.5: the result
    ("2.4.5", {"result": "passed"}, "result", "Result"),
    ("2.4.5", {"result/success": "true"}, "result.success", "boolean"),
    ("2.4.5", {"result/completion": 1}, "result.completion", "boolean"),
    ("2.4.5", {"result/response": ["a"]}, "result.response", "string"),
    ("2.4.5", {"result/duration": 12.4}, "result.duration", "number"),
    ("4.6", {"result/duration": "P4W1D"}, "result.duration", "'P4W1D'"),
    ("2.4.5", {"result/scaled": 1}, "result.scaled", "not a property"),
    ("2.4.5.1", {"result/score": 0.5}, "result.score", "score"),
    ("2.4.5.1", {"result/score/percent": 50}, "result.score.percent", "not a property"),
    ("2.4.5.1", {"result/score/scaled": 1.01}, "result.score.scaled", "1.01"),
    ("2.4.5.1", {"result/score/scaled": "0.5"}, "result.score.scaled", "number"),
    ("2.4.5.1", {"result/score/raw": True}, "result.score.raw", "boolean"),
    ("2.4.5.1", {"result/score/raw": -1}, "result.score.raw", "less than min"),
    ("2.4.5.1", {"result/score/raw": 3}, "result.score.raw", "more than max"),
    ("2.4.5.1", {"result/score/min": 2}, "result.score.min", "not less than max"),
]


@pytest.mark.parametrize("version", VERSIONS)
@refusals(REFUSED)
def test_one_mistake_is_told_once_and_where_it_is(
    full: dict[str, Any], version: Version, changes: dict[str, Any], path: str, word: str
) -> None:
    assert_told_once(full, version, changes, path, word)
