"""What the specification allows passes."""

from typing import Any

import pytest

from app.lrs.validation import Version, validate_statement
from tests.rooms.lrs.validation.changes import ANN, BOB, GONE, REFERENCE, SUB, VERSIONS, VOIDED, changed

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("all of it", {}),
    ("2.4 the three that are required", {"id": GONE, "result": GONE, "context": GONE}),
    ("2.4.2.1 an Agent without objectType", {"actor": ANN}),
    ("2.4.2.2 an identified Group", {"actor": {**ANN, "objectType": "Group"}}),
    ("2.4.2.2 an identified Group, empty", {"actor": {**ANN, "objectType": "Group", "member": []}}),
    ("2.4.2.2 an anonymous Group", {"actor": {"objectType": "Group", "member": [ANN, BOB]}}),
    ("2.4.3 no display", {"verb": {"id": "course-v1:X+00002+session01"}}),
    ("2.4.4.1 no objectType", {"object": {"id": "uuid://7d4f3c70-1e79-4243-9b7d-166076ce8bfb"}}),
    ("2.4.4.1 an id beyond ASCII", {"object/id": "https://example.com/レッスン/7"}),
    ("2.4.4.1 no correct answer", {"object/definition/correctResponsesPattern": []}),
    (
        "2.4.4.1 a scale",
        {
            "object/definition/interactionType": "likert",
            "object/definition/choices": GONE,
            "object/definition/scale": [{"id": "0"}, {"id": "1"}],
        },
    ),
    (
        "2.4.4.1 source and target may share ids",
        {
            "object/definition/interactionType": "matching",
            "object/definition/choices": GONE,
            "object/definition/source": [{"id": "a"}],
            "object/definition/target": [{"id": "a"}],
        },
    ),
    ("2.4.5 an empty response", {"result/response": ""}),
    ("2.4.5.1 the ends of the range", {"result/score": {"scaled": -1, "raw": 2, "max": 2}}),
    ("2.4.6 a Group as instructor", {"context/instructor": {**ANN, "objectType": "Group"}}),
    ("2.4.7 the future", {"timestamp": "2999-01-01T00:00:00Z"}),
    (
        "2.4.9 two Agents of OAuth",
        {"authority": {"objectType": "Group", "member": [ANN, BOB]}},
    ),
    ("2.4.10 1.0", {"version": "1.0"}),
    ("2.4.10 1.0.9", {"version": "1.0.9"}),
    ("2.4.11 none", {"attachments": []}),
    ("4.1 anything as a value", {"result/extensions": {"ex:a": None, "ex:b": "", "ex:c": {}}}),
    ("4.2 many kinds of tags", {"verb/display": {"zh-Hans-CN": "", "i-klingon": "", "x-a": ""}}),
    ("2.3.2 voiding", {"verb/id": VOIDED, "object": REFERENCE, "context": GONE}),
    ("2.4.4.2 an Agent", {"object": {**ANN, "objectType": "Agent"}, "context": GONE}),
    ("2.4.4.3 a SubStatement", {"object": SUB, "context": GONE}),
    (
        "2.6 a signature",
        {
            "attachments/0/usageType": "http://adlnet.gov/expapi/attachments/signature",
            "attachments/0/contentType": "application/octet-stream",
        },
    ),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("what", "changes"), ACCEPTED, ids=[row[0] for row in ACCEPTED])
def test_what_the_specification_allows_passes(
    full: dict[str, Any], version: Version, what: str, changes: dict[str, Any]
) -> None:
    assert validate_statement(changed(full, changes), version) == [], what
