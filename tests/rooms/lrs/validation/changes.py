"""A valid statement with one thing changed, and what validate_statement tells about it."""

from enum import Enum
from typing import Any

import pytest

from app.errors import Problem
from app.lrs.validation import Version, validate_statement


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


def refusals(rows: list[tuple[str, dict[str, Any], str, str]]) -> pytest.MarkDecorator:
    """A case per row: clause of xAPI 1.0.3 Data, what is changed, the path that is told, a word of the message."""
    cases = [pytest.param(*row[1:], id=f"{row[0]}-{row[2]}") for row in rows]
    return pytest.mark.parametrize(("changes", "path", "word"), cases)


def assert_told_once(full: dict[str, Any], version: Version, changes: dict[str, Any], path: str, word: str) -> None:
    """The changes are one mistake: it is told once, where it is, with the word, and with what would be right."""
    problems = validate_statement(changed(full, changes), version)
    assert told(problems) == [path]
    assert word in problems[0].message
    assert problems[0].expected
