"""Where in a valid statement things stand, and what each of them is: the data model of the specification as tables.

A place is the path of a value with the tags that say what the value is: "agent", "agent as member", "iri", "score".
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Step = str | int

SHAPES: dict[str, dict[str, str]] = {
    # property: what its value is; "!" where it has to be there whatever the rest looks like (xAPI 1.0.3 Data 2.4)
    "statement": {
        "id": "uuid",
        "actor": "actor!",
        "verb": "verb!",
        "object": "object!",
        "result": "result",
        "context": "context",
        "timestamp": "time",
        "stored": "time",
        "authority": "authority",
        "version": "version",
        "attachments": "attachment list",
    },
    "substatement": {
        "objectType": "word",
        "actor": "actor!",
        "verb": "verb!",
        "object": "object!",
        "result": "result",
        "context": "context",
        "timestamp": "time",
        "attachments": "attachment list",
    },
    "agent": {
        "objectType": "word",
        "name": "string",
        "mbox": "mbox",
        "mbox_sha1sum": "sha1",
        "openid": "uri",
        "account": "account",
    },
    "group": {
        "objectType": "word",
        "name": "string",
        "mbox": "mbox",
        "mbox_sha1sum": "sha1",
        "openid": "uri",
        "account": "account",
        "member": "agent list",
    },
    "account": {"homePage": "iri!", "name": "string!"},
    "verb": {"id": "iri!", "display": "language map"},
    "activity": {"objectType": "word", "id": "iri!", "definition": "definition"},
    "definition": {
        "name": "language map",
        "description": "language map",
        "type": "iri",
        "moreInfo": "iri",
        "extensions": "extensions",
        "interactionType": "word",
        "correctResponsesPattern": "string list",
        "choices": "component list",
        "scale": "component list",
        "source": "component list",
        "target": "component list",
        "steps": "component list",
    },
    "component": {"id": "string!", "description": "language map"},
    "reference": {"objectType": "word", "id": "uuid!"},
    "result": {
        "score": "score",
        "success": "boolean",
        "completion": "boolean",
        "response": "string",
        "duration": "duration",
        "extensions": "extensions",
    },
    "score": {"scaled": "number", "raw": "number", "min": "number", "max": "number"},
    "context": {
        "registration": "uuid",
        "instructor": "actor",
        "team": "group",
        "contextActivities": "context activities",
        "revision": "string",
        "platform": "string",
        "language": "language",
        "statement": "reference",
        "extensions": "extensions",
        "contextAgents": "context agent list",
        "contextGroups": "context group list",
    },
    "context activities": dict.fromkeys(("parent", "grouping", "category", "other"), "activities"),
    "context agent": {"objectType": "word!", "agent": "agent!", "relevantTypes": "iri list"},
    "context group": {"objectType": "word!", "group": "group!", "relevantTypes": "iri list"},
    "attachment": {
        "usageType": "iri!",
        "display": "language map!",
        "description": "language map",
        "contentType": "media type!",
        "length": "integer!",
        "sha2": "sha2!",
        "fileUrl": "iri",
    },
}
IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")
LISTS = ("choices", "scale", "source", "target", "steps")
_OBJECTS = {"Agent": "agent", "Group": "group", "StatementRef": "reference", "SubStatement": "substatement"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Place:
    """Where a value stands: the steps to it from the statement, and what it is."""

    steps: tuple[Step, ...]
    tags: frozenset[str]
    value: Any


def dotted(steps: tuple[Step, ...]) -> str:
    """A path as problems tell it: `context.team.member[0].name`, keys that are no plain names as JSON, `$` for none."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text or "$"


def places(statement: dict[str, Any]) -> Iterator[Place]:
    """Every place in a valid statement, itself the first; what extensions hold is nobody's business (Data 4.1)."""
    return _within(statement, "statement", "statement", ())


def _within(value: Any, kind: str, role: str, steps: tuple[Step, ...]) -> Iterator[Place]:
    """The place itself and those within. kind: what it is meant to be; role: the property that it stands in."""
    what = _what(value, kind)
    yield Place(steps, frozenset({what, f"{what} as {role}", *_more(value, what, role)}), value)
    if what.endswith(" list"):
        for index, item in enumerate(value):
            yield from _within(item, what.removesuffix(" list"), role, (*steps, index))
    elif what == "language map":
        for tag, text in value.items():
            yield from _within(text, "string", "text", (*steps, tag))
    elif what in SHAPES:
        for key, item in value.items():
            # Of a context it matters what the statement around it is about (Data 2.4.6).
            inner = f"context of {_what(value['object'], 'object')}" if key == "context" else key
            yield from _within(item, SHAPES[what][key].rstrip("!"), inner, (*steps, key))


def _what(value: Any, kind: str) -> str:
    """What stands where one of several things may stand."""
    if kind in ("actor", "authority"):
        return "group" if value.get("objectType") == "Group" else "agent"
    if kind == "object":
        return _OBJECTS.get(value.get("objectType", "Activity"), "activity")
    if kind == "activities":
        return "activity list" if isinstance(value, list) else "activity"
    return kind


def _more(value: Any, what: str, role: str) -> Iterator[str]:
    """Tags for what only some of a kind are."""
    if what in ("statement", "substatement"):
        yield "any statement"
        yield f"any statement about {_what(value['object'], 'object')}"
    elif what in ("agent", "group"):
        if role != "object":
            yield f"{what} elsewhere"
        if what == "group":
            yield "identified group" if any(key in value for key in IDENTIFIERS) else "anonymous group"
    elif what == "definition":
        yield "interaction" if "interactionType" in value else "plain definition"
    elif what == "context" and role != "context of activity":
        yield "context without activity"
