"""validate_statement: one mutation of a valid statement at a time, and what is said about it."""

from enum import Enum
from typing import Any

import pytest

from app.errors import Problem
from app.lrs.validation import MOST_PROBLEMS, Version, validate_statement


class Gone(Enum):
    """Stands for a property that is taken away, by one name in every process."""

    GONE = "gone"


GONE = Gone.GONE
ANN = {"mbox": "mailto:ann@example.com"}
BOB = {"mbox": "mailto:bob@example.com"}
REFERENCE = {"objectType": "StatementRef", "id": "8f87ccde-bb56-4c2e-ab83-44982ef22df0"}
SUB = {"objectType": "SubStatement", "actor": ANN, "verb": {"id": "ex:v"}, "object": {"id": "ex:o"}}
VOIDED = "http://adlnet.gov/expapi/verbs/voided"

VERSIONS: tuple[Version, ...] = ("1.0", "2.0")


def changed(statement: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The statement with the value at each dotted path replaced, or taken out."""
    for path, value in changes.items():
        *parents, last = path.split("/")
        target: Any = statement
        for step in parents:
            target = target[int(step)] if isinstance(target, list) else target[step]
        key = int(last) if isinstance(target, list) else last
        if value is GONE:
            del target[key]
        else:
            target[key] = value
    return statement


def told(problems: list[Problem]) -> list[str]:
    return [problem.path for problem in problems]


# clause of xAPI 1.0.3 Data, what is changed, the path that is told, a word of the message
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    # 2.2 and 2.4: the statement's own properties
    ("2.2", {"actor": GONE}, "actor", "missing"),
    ("2.2", {"verb": GONE}, "verb", "missing"),
    ("2.2", {"object": GONE}, "object", "missing"),
    ("2.2", {"verb": None}, "verb", "null"),
    ("2.2", {"result": None}, "result", "null"),
    ("2.2", {"Actor": ANN}, "Actor", "not a property"),
    ("2.2", {"not plain": 1}, '["not plain"]', "not a property"),
    ("2.2", {"duration": "PT1S"}, "duration", "not a property"),
    ("2.4.1", {"id": "8a7abb66c516461b8da7d63c31d40ca3"}, "id", "UUID"),
    ("2.4.1", {"id": "8a7abb66-c516-461b-8da7-d63c31d40cag"}, "id", "UUID"),
    ("2.4.1", {"id": ""}, "id", "empty string"),
    ("2.4.1", {"id": 7}, "id", "number (7)"),
    ("2.4.7", {"timestamp": "2024-05-18"}, "timestamp", "time"),
    ("2.4.7", {"timestamp": "18/05/2024"}, "timestamp", "time"),
    ("2.4.7", {"timestamp": "2023-02-29T00:00:00Z"}, "timestamp", "time"),
    ("2.4.7", {"timestamp": 1716010354}, "timestamp", "number"),
    ("4.5", {"timestamp": "2024-05-18T05:32:34-00:00"}, "timestamp", "time"),
    ("4.5", {"timestamp": "2024-05-18T05:32:34-0000"}, "timestamp", "time"),
    ("4.5", {"timestamp": "2024-05-18T05:32:34-00"}, "timestamp", "time"),
    ("2.4.8", {"stored": "yesterday"}, "stored", "time"),
    ("2.4.10", {"version": "1.1.0"}, "version", "'1.1.0'"),
    ("2.4.10", {"version": "0.9.9"}, "version", "version"),
    ("2.4.10", {"version": "1.0."}, "version", "version"),
    ("2.4.10", {"version": 1.0}, "version", "number"),
    # 2.4.2: actors
    ("2.4.2", {"actor": "ann"}, "actor", "Agent or a Group"),
    ("2.4.2", {"actor": [ANN]}, "actor", "array"),
    ("2.4.2", {"actor/objectType": "agent"}, "actor.objectType", "'agent'"),
    ("2.4.2", {"actor/objectType": "Person"}, "actor.objectType", "'Person'"),
    ("2.4.2.1", {"actor/name": 5}, "actor.name", "string"),
    ("2.4.2.1", {"actor/nick": "a"}, "actor.nick", "not a property of an Agent"),
    ("2.4.2.1", {"actor/account": GONE}, "actor", "identifies"),
    ("2.4.2.3", {"actor/mbox": "mailto:ann@example.com"}, "actor", "at once"),
    ("2.4.2.3", {"actor": {"mbox": "ann@example.com"}}, "actor.mbox", "mailto:"),
    ("2.4.2.3", {"actor": {"mbox": "mailto:ann.example.com"}}, "actor.mbox", "mailto IRI"),
    ("2.4.2.3", {"actor": {"mbox": "mailto:a@b.c,d@e.f"}}, "actor.mbox", "mailto IRI"),
    ("2.4.2.3", {"actor": {"mbox": ""}}, "actor.mbox", "empty"),
    ("2.4.2.3", {"actor": {"mbox_sha1sum": "abc"}}, "actor.mbox_sha1sum", "SHA-1"),
    ("2.4.2.3", {"actor": {"openid": "ann.example.com"}}, "actor.openid", "URI"),
    ("2.4.2.3", {"actor": {"openid": "https://änn.example.com"}}, "actor.openid", "URI"),
    ("2.4.2.4", {"actor/account": "learner-17"}, "actor.account", "account"),
    ("2.4.2.4", {"actor/account/name": GONE}, "actor.account.name", "missing"),
    ("2.4.2.4", {"actor/account/name": 17}, "actor.account.name", "string"),
    ("2.4.2.4", {"actor/account/homePage": GONE}, "actor.account.homePage", "missing"),
    ("2.4.2.4", {"actor/account/homePage": "example.com"}, "actor.account.homePage", "IRL"),
    ("2.4.2.4", {"actor/account/homepage": "ex:a"}, "actor.account.homepage", "not a property"),
    ("2.4.2.2", {"actor": {"member": [ANN]}}, "actor.objectType", "missing"),
    ("2.4.2.2", {"actor": {**ANN, "objectType": "Agent", "member": []}}, "actor.member", "not a"),
    ("2.4.2.2", {"actor": {"objectType": "Group"}}, "actor.member", "missing"),
    ("2.4.2.2", {"actor": {"objectType": "Group", "member": []}}, "actor.member", "empty"),
    ("2.4.2.2", {"actor": {"objectType": "Group", "member": ANN}}, "actor.member", "array"),
    (
        "2.4.2.2",
        {"actor": {"objectType": "Group", "member": [ANN, {**BOB, "objectType": "Group"}]}},
        "actor.member[1].objectType",
        "'Group'",
    ),
    (
        "2.4.2.2",
        {"actor": {**ANN, "objectType": "Group", "member": [{"name": "Bob"}]}},
        "actor.member[0]",
        "identifies",
    ),
    # 2.4.3: the verb
    ("2.4.3", {"verb": "answered"}, "verb", "Verb"),
    ("2.4.3", {"verb/id": GONE}, "verb.id", "missing"),
    ("2.4.3", {"verb/id": "answered"}, "verb.id", "IRI"),
    ("2.4.3", {"verb/id": "http:// answered"}, "verb.id", "IRI"),
    ("2.4.3", {"verb/name": "answered"}, "verb.name", "not a property of a Verb"),
    ("2.4.3", {"verb/display": "answered"}, "verb.display", "language map"),
    ("4.2", {"verb/display": {"en_US": "answered"}}, "verb.display.en_US", "language tag"),
    ("4.2", {"verb/display": {"": "answered"}}, 'verb.display[""]', "language tag"),
    ("4.2", {"verb/display": {"en": None}}, "verb.display.en", "null"),
    ("2.3.2", {"verb/id": VOIDED}, "object", "voided"),
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
    # 2.4.6: the context
    ("2.4.6", {"context": []}, "context", "Context"),
    ("2.4.6", {"context/registration": "17"}, "context.registration", "UUID"),
    ("2.4.6", {"context/instructor": {}}, "context.instructor", "identifies"),
    ("2.4.6", {"context/team": ANN}, "context.team.objectType", "missing"),
    (
        "2.4.6",
        {"context/team": {**ANN, "objectType": "Agent"}},
        "context.team.objectType",
        "'Agent'",
    ),
    ("2.4.6", {"context/revision": 2}, "context.revision", "string"),
    ("2.4.6", {"context/platform": None}, "context.platform", "null"),
    ("2.4.6", {"context/language": "english language"}, "context.language", "language tag"),
    ("2.4.6", {"context/statement/objectType": GONE}, "context.statement.objectType", "missing"),
    ("2.4.6", {"context/statement/id": "x"}, "context.statement.id", "UUID"),
    ("2.4.6", {"context/parent": []}, "context.parent", "not a property"),
    ("2.4.6.2", {"context/contextActivities": []}, "context.contextActivities", "map"),
    (
        "2.4.6.2",
        {"context/contextActivities/sibling": []},
        "context.contextActivities.sibling",
        "not a property",
    ),
    (
        "2.4.6.2",
        {"context/contextActivities/parent": "ex:a"},
        "context.contextActivities.parent",
        "array of Activities",
    ),
    (
        "2.4.6.2",
        {"context/contextActivities/parent/0/id": "seven"},
        "context.contextActivities.parent[0].id",
        "IRI",
    ),
    (
        "2.4.6.2",
        {"context/contextActivities/grouping/id": GONE},
        "context.contextActivities.grouping.id",
        "missing",
    ),
    # 2.4.9: the authority
    (
        "2.4.9",
        {"authority": {"objectType": "Group", "member": [ANN]}},
        "authority.member",
        "1 entries",
    ),
    (
        "2.4.9",
        {"authority": {**ANN, "objectType": "Group", "member": [ANN, BOB]}},
        "authority.mbox",
        "anonymous",
    ),
    # 2.4.11 and 2.6: attachments and signatures
    ("2.4.11", {"attachments": {}}, "attachments", "array of attachments"),
    ("2.4.11", {"attachments/0": 1}, "attachments[0]", "attachment"),
    ("2.4.11", {"attachments/0/usageType": "certificate"}, "attachments[0].usageType", "IRI"),
    ("2.4.11", {"attachments/0/display": GONE}, "attachments[0].display", "missing"),
    ("2.4.11", {"attachments/0/display": "x"}, "attachments[0].display", "language map"),
    ("2.4.11", {"attachments/0/contentType": "text"}, "attachments[0].contentType", "Media Type"),
    ("2.4.11", {"attachments/0/length": -1}, "attachments[0].length", "integer"),
    ("2.4.11", {"attachments/0/length": True}, "attachments[0].length", "boolean"),
    ("2.4.11", {"attachments/0/length": "27"}, "attachments[0].length", "integer"),
    ("2.4.11", {"attachments/0/sha2": "a" * 63}, "attachments[0].sha2", "SHA-2"),
    ("2.4.11", {"attachments/0/fileUrl": "cert.pdf"}, "attachments[0].fileUrl", "IRL"),
    ("2.4.11", {"attachments/0/fileURL": "ex:a"}, "attachments[0].fileURL", "not a property"),
    (
        "2.6",
        {"attachments/0/usageType": "http://adlnet.gov/expapi/attachments/signature"},
        "attachments[0].contentType",
        "signature",
    ),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("changes", "path", "word"),
    [pytest.param(*row[1:], id=f"{row[0]}-{row[2]}") for row in REFUSED],
)
def test_one_mistake_is_told_once_and_where_it_is(
    full: dict[str, Any],
    version: Version,
    changes: dict[str, Any],
    path: str,
    word: str,
) -> None:
    problems = validate_statement(changed(full, changes), version)
    assert told(problems) == [path]
    assert word in problems[0].message
    assert problems[0].expected


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
