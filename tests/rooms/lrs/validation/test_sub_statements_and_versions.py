"""SubStatements, and what the two versions of the standard see differently."""

from typing import Any

import pytest

from app.lrs.validation import Version, validate_statement
from tests.rooms.lrs.validation.changes import ANN, BOB, GONE, REFERENCE, SUB, VERSIONS, changed, told

IN_SUB: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "8a7abb66-c516-461b-8da7-d63c31d40ca3"}, "object.id", "not a property"),
    ({"stored": "2024-05-18T05:32:35Z"}, "object.stored", "not a property"),
    ({"version": "1.0.0"}, "object.version", "not a property"),
    ({"authority": ANN}, "object.authority", "not a property"),
    ({"verb": GONE}, "object.verb", "missing"),
    ({"object": SUB}, "object.object", "SubStatement within"),
    ({"timestamp": "now"}, "object.timestamp", "time"),
    ({"result": {"success": 1}}, "object.result.success", "boolean"),
    ({"context": {"registration": ""}}, "object.context.registration", "UUID"),
    ({"attachments": [None]}, "object.attachments[0]", "null"),
    ({"actor": {"name": "Ann"}}, "object.actor", "identifies"),
    (
        {"object": REFERENCE, "context": {"platform": "Example"}},
        "object.context.platform",
        "no Activity",
    ),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("changes", "path", "word"), IN_SUB, ids=[row[1] for row in IN_SUB])
def test_a_sub_statement_is_held_to_the_same_rules(
    full: dict[str, Any], version: Version, changes: dict[str, Any], path: str, word: str
) -> None:
    """xAPI 1.0.3 Data 2.4.4.3."""
    statement = changed(full, {"context": GONE, "object": changed(dict(SUB), changes)})
    problems = validate_statement(statement, version)
    assert told(problems) == [path]
    assert word in problems[0].message


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("other", [{**ANN, "objectType": "Agent"}, {**ANN, "objectType": "Group"}, REFERENCE, SUB])
def test_revision_and_platform_go_with_an_activity_only(
    full: dict[str, Any], version: Version, other: dict[str, Any]
) -> None:
    """xAPI 1.0.3 Data 2.4.6."""
    problems = validate_statement(changed(full, {"object": other}), version)
    assert told(problems) == ["context.revision", "context.platform"]


COMPANIONS = {
    "context/contextAgents": [{"objectType": "contextAgent", "agent": ANN, "relevantTypes": ["ex:coach"]}],
    "context/contextGroups": [{"objectType": "contextGroup", "group": {**BOB, "objectType": "Group"}}],
}


def test_context_agents_and_groups_came_with_2_0(full: dict[str, Any]) -> None:
    """IEEE 9274.1.1 4.2.2.5; under 1.0.3 they are properties that no one knows (Data 2.2)."""
    statement = changed(full, COMPANIONS)
    assert validate_statement(statement, "2.0") == []
    problems = validate_statement(statement, "1.0")
    assert told(problems) == ["context.contextAgents", "context.contextGroups"]
    assert all("2.0.0" in problem.expected for problem in problems)


NOT_COMPANIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"context/contextAgents": {}}, "context.contextAgents", "array of contextAgent"),
    ({"context/contextAgents/0": 1}, "context.contextAgents[0]", "contextAgent"),
    ({"context/contextAgents/0/objectType": GONE}, "context.contextAgents[0].objectType", "miss"),
    ({"context/contextAgents/0/objectType": "Agent"}, "context.contextAgents[0].objectType", "'A"),
    ({"context/contextAgents/0/agent": GONE}, "context.contextAgents[0].agent", "missing"),
    ({"context/contextAgents/0/agent": {}}, "context.contextAgents[0].agent", "identifies"),
    ({"context/contextAgents/0/member": []}, "context.contextAgents[0].member", "not a property"),
    (
        {"context/contextAgents/0/relevantTypes": []},
        "context.contextAgents[0].relevantTypes",
        "empty array",
    ),
    (
        {"context/contextAgents/0/relevantTypes/0": "coach"},
        "context.contextAgents[0].relevantTypes[0]",
        "IRI",
    ),
    ({"context/contextGroups/0/group": GONE}, "context.contextGroups[0].group", "missing"),
    (
        {"context/contextGroups/0/group": ANN},
        "context.contextGroups[0].group.objectType",
        "missing",
    ),
]


@pytest.mark.parametrize(("changes", "path", "word"), NOT_COMPANIONS)
def test_context_agents_and_groups_are_checked_under_2_0(
    full: dict[str, Any], changes: dict[str, Any], path: str, word: str
) -> None:
    """IEEE 9274.1.1 4.2.2.5."""
    given: dict[str, Any] = {
        "context/contextAgents": [dict(COMPANIONS["context/contextAgents"][0])],
        "context/contextGroups": [dict(COMPANIONS["context/contextGroups"][0])],
    }
    given["context/contextAgents"][0]["relevantTypes"] = ["ex:coach"]
    problems = validate_statement(changed(changed(full, given), changes), "2.0")
    assert told(problems) == [path]
    assert word in problems[0].message


def test_only_2_0_takes_version_2(full: dict[str, Any]) -> None:
    """xAPI 1.0.3 Data 2.4.10; IEEE 9274.1.1 4.2.4.2."""
    statement = changed(full, {"version": "2.0.0"})
    assert validate_statement(statement, "2.0") == []
    assert told(validate_statement(statement, "1.0")) == ["version"]


@pytest.mark.parametrize(
    "time", ["2024-05-18T05:32:34", "20240518T053234Z", "2024-05-18T05:32Z", "2024-05-18T24:00:00Z"]
)
def test_only_1_0_takes_times_beyond_rfc_3339(full: dict[str, Any], time: str) -> None:
    """xAPI 1.0.3 Data 4.5; IEEE 9274.1.1 4.2.7."""
    statement = changed(full, {"timestamp": time})
    assert validate_statement(statement, "1.0") == []
    assert told(validate_statement(statement, "2.0")) == ["timestamp"]
