"""A statement with everything in it, changed at one place, by itself and inside another one."""

from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from typing import Any

import pytest

from app.lrs.comparison import agree
from tests.rooms.lrs.content import content
from tests.statements import answered, completed, lesson


class Absent(Enum):
    """Stands for a property that is left out, by one name in every process."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
REF = "5389ed44-e618-4a66-9a43-7a0b282fd837"
SHA1 = "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"
ANN, BEN = {"mbox": "mailto:ann@example.org"}, {"mbox": "mailto:ben@example.org", "name": "Ben"}
SIGNED = {"usageType": "x:u", "display": {}, "contentType": "a/b", "length": 1, "sha2": "0" * 64, "fileUrl": "x:f"}

Json = dict[str, Any]
Place = Callable[[Json], Json]


def itself(statement: Json) -> Json:
    return statement


def within(statement: Json) -> Json:
    """A statement whose SubStatement is this one."""
    content = {key: value for key, value in statement.items() if key != "id"}
    return completed(id=REF, object={"objectType": "SubStatement", **content})


everywhere = pytest.mark.parametrize("place", [itself, within], ids=["statement", "SubStatement"])


def rich(**changes: Any) -> Json:
    """A statement with nearly everything in it, one property of it changed: `context__platform="web"`, or ABSENT."""
    statement = answered(
        actor={"objectType": "Group", "name": "Team", "member": [deepcopy(ANN), deepcopy(BEN)]},
        verb={"id": "https://verbs.example/answered", "display": {"en": "answered"}},
    )
    context = statement["context"]
    context["instructor"] = {"objectType": "Agent", "mbox_sha1sum": SHA1}
    context["team"] = {
        "objectType": "Group",
        "account": {"homePage": "https://a.example", "name": "T"},
        "member": [ANN],
    }
    context["statement"] = {"objectType": "StatementRef", "id": REF}
    context["revision"] = "r1"
    context["contextActivities"]["category"] = lesson(7)
    context["contextAgents"] = [{"objectType": "contextAgent", "agent": ANN, "relevantTypes": ["x:a", "x:b"]}]
    context["contextGroups"] = [
        {"objectType": "contextGroup", "group": {"objectType": "Group", "member": [deepcopy(ANN), deepcopy(BEN)]}}
    ]
    context["extensions"]["x:deep"] = {"list": [1, 2.5, {"n": 10}], "empty": None}
    statement["attachments"] = [SIGNED]
    statement = deepcopy({**statement, "id": REF})
    for path, value in changes.items():
        *way, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        target: Any = statement
        for step in way:
            target = target[step]
        if value is ABSENT:
            del target[last]
        else:
            target[last] = value
    return statement


def same(one: Json, other: Json) -> bool:
    """Both ways to compare have to tell the same, whichever comes first."""
    equal = content(one) == content(other)
    assert agree(one, other) is agree(other, one) is equal
    return equal
