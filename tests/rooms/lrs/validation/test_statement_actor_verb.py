"""What is refused about the statement itself, its actor and its verb."""

from typing import Any

import pytest

from app.lrs.validation import Version
from tests.rooms.lrs.validation.changes import ANN, BOB, GONE, VERSIONS, VOIDED, assert_told_once, refusals

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
]


@pytest.mark.parametrize("version", VERSIONS)
@refusals(REFUSED)
def test_one_mistake_is_told_once_and_where_it_is(
    full: dict[str, Any], version: Version, changes: dict[str, Any], path: str, word: str
) -> None:
    assert_told_once(full, version, changes, path, word)
