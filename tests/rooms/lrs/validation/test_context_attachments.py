"""What is refused about context, authority and attachments."""

from typing import Any

import pytest

from app.lrs.validation import Version
from tests.rooms.lrs.validation.changes import ANN, BOB, GONE, VERSIONS, assert_told_once, refusals

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
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
@refusals(REFUSED)
def test_one_mistake_is_told_once_and_where_it_is(
    full: dict[str, Any], version: Version, changes: dict[str, Any], path: str, word: str
) -> None:
    assert_told_once(full, version, changes, path, word)
