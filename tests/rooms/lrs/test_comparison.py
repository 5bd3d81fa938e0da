"""When two statements say the same (xAPI 1.0.3 Data 2.3.1, 4.6): what is passed over, and what is not."""

from copy import deepcopy
from typing import Any

import pytest

from app.lrs.comparison import agree
from tests.rooms.lrs.comparing import ABSENT, ANN, BEN, REF, SHA1, SIGNED, Json, Place, everywhere, rich, same, within
from tests.rooms.lrs.content import content
from tests.statements import completed, lesson


@pytest.mark.parametrize(
    "change",
    [
        {"authority": ANN},
        {"stored": "2026-01-01T00:00:00Z"},
        {"version": "1.0.0"},
    ],
    ids=str,
)
def test_what_the_lrs_assigns_is_ignored_but_in_a_substatement(change: Json) -> None:
    """Data 2.3.1, first exception. An LRS assigns nothing in a SubStatement, so what differs there came differently."""
    assert same(rich(), rich(**change))
    assert not same(within(rich()), within(rich(**change)))


def test_an_id_is_assigned_where_there_is_none_and_never_replaced() -> None:
    """Data 2.3.1, first exception, as it can be: under one id two statements are asked for their content only."""
    other = "00000000-0000-4000-8000-000000000000"
    assert same(rich(), rich(id=ABSENT))
    assert same(rich(), rich(id=REF.upper()))
    assert content(rich()) == content(rich(id=other))
    assert not agree(rich(), rich(id=other))


def test_a_timestamp_is_assigned_where_there_is_none() -> None:
    """Data 2.3.1, first exception: a difference that the LRS could have made is none, any other one is."""
    without = rich(timestamp=ABSENT)
    assert agree(rich(), without)
    assert agree(without, rich())
    assert content(rich()) != content(without)
    assert not agree(without, rich(verb__id="https://verbs.example/other"))
    assert not agree(within(rich()), within(without))


@everywhere
@pytest.mark.parametrize(
    "change",
    [
        {"attachments": ABSENT},
        {"attachments": [{**SIGNED, "length": 2}]},
        {"verb__display": ABSENT},
        {"verb__display": {"de": "antwortete"}},
        {"object__definition": ABSENT},
        {"object__definition": {"name": {"de": "Frage"}, "extensions": {"x:y": 1}}},
        {"context__contextActivities__parent__0__definition": ABSENT},
        {"context__contextActivities__parent": lesson()},
        {"context__contextActivities__category__definition": {"type": "x:t"}},
        {"actor__member": [BEN, ANN]},
        {"context__contextGroups__0__group__member": [BEN, ANN]},
        {"actor__member__0__mbox": "MAILTO:ann@EXAMPLE.Org"},
        {"context__team__member__0__mbox": "mailto:ann@Example.org"},
        {"context__contextAgents__0__agent": {"mbox": "mailto:ann@EXAMPLE.org"}},
        {"context__instructor__mbox_sha1sum": SHA1.upper()},
        {"context__registration": REF.upper()},
        {"context__statement__id": REF.upper()},
        {"context__language": "EN-us"},
        {"timestamp": "2026-03-02T07:00:00Z"},
        {"result__score": {"max": 5, "min": 0.0, "raw": 5.0, "scaled": 1}},
        {"context__extensions__x:deep": {"empty": None, "list": [1.0, 2.50, {"n": 1e1}]}},
    ],
    ids=str,
)
def test_exceptions_are_ignored(place: Place, change: Json) -> None:
    """Data 2.3.1: definitions, display, the order of members, attachments, time zones, case, and what JSON ignores."""
    assert same(place(rich()), place(rich(**change)))


@everywhere
@pytest.mark.parametrize(
    "change",
    [
        {"actor__name": ABSENT},
        {"actor__name": "team"},
        {"actor__member": [ANN]},
        {"actor__member": [ANN, BEN, BEN]},
        {"actor__member__1__name": "Benjamin"},
        {"actor__member__1__mbox": "mailto:Ben@example.org"},
        {"actor__member__0__objectType": "Agent"},
        {"verb__id": "https://verbs.example/Answered"},
        {"object__id": "https://app.7taps.com/lessons/1#card-4"},
        {"object__objectType": "Activity"},
        {"object": {"objectType": "Agent", **ANN}},
        {"result": ABSENT},
        {"result__success": False},
        {"result__completion": ABSENT},
        {"result__response": "B"},
        {"result__score__raw": 4},
        {"result__score__scaled": ABSENT},
        {"result__extensions": {}},
        {"context": ABSENT},
        {"context__registration": "00000000-0000-4000-8000-000000000000"},
        {"context__instructor": ANN},
        {"context__team__account__name": "t"},
        {"context__team__account__homePage": "https://A.example"},
        {"context__revision": "R1"},
        {"context__platform": "7Taps"},
        {"context__language": "en-GB"},
        {"context__statement__id": "00000000-0000-4000-8000-000000000000"},
        {"context__contextActivities__parent__0__id": "https://app.7taps.com/lessons/2"},
        {"context__contextActivities__parent": []},
        {"context__contextActivities__other": [lesson()]},
        {"context__contextAgents__0__relevantTypes": ["x:b", "x:a"]},
        {"context__contextGroups__0__group__member": [BEN]},
        {"context__extensions": ABSENT},
        {"context__extensions__x:deep__list": [2.5, 1, {"n": 10}]},
        {"context__extensions__x:deep__list__0": True},
        {"context__extensions__x:deep__list__0": "1"},
        {"context__extensions__x:deep__list__2__n": 10.1},
        {"context__extensions__x:deep__empty": False},
        {"context__extensions__x:deep__empty": ABSENT},
        {"timestamp": "2026-03-02T08:00:00Z"},
    ],
    ids=str,
)
def test_nothing_else_is_ignored(place: Place, change: Json) -> None:
    """Data 2.3.1, second requirement, and 2.2: values are case sensitive unless the specification says otherwise."""
    assert not same(place(rich()), place(rich(**change)))


@everywhere
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"objectType": "Agent", **ANN}, {"objectType": "Agent", "mbox": "mailto:ann@EXAMPLE.org"}, True),
        ({"objectType": "Agent", **ANN}, {"objectType": "Agent", "mbox": "mailto:Ann@example.org"}, False),
        ({"objectType": "Group", "member": [ANN, BEN]}, {"objectType": "Group", "member": [BEN, ANN]}, True),
        ({"objectType": "StatementRef", "id": REF}, {"objectType": "StatementRef", "id": REF.upper()}, True),
        ({"id": "https://a.example/x"}, {"id": "https://A.example/x"}, False),
        ({"id": "x:a", "definition": {"type": "x:t"}}, {"id": "x:a", "definition": {}}, True),
    ],
)
def test_each_kind_of_object(place: Place, one: Json, other: Json, equal: bool) -> None:
    """Data 2.3.1 for 2.4.4.1 to 2.4.4.3: only an Activity has a definition, only ids of statements have no case."""
    assert same(place(completed(id=REF, object=one)), place(completed(id=REF, object=other))) is equal


def test_the_order_of_keys_is_none() -> None:
    """Data 2.2: properties come in any order, at every depth."""

    def reversed_(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reversed_(value[key]) for key in reversed(value)}
        return [reversed_(item) for item in value] if isinstance(value, list) else value

    assert same(within(rich()), reversed_(within(rich())))
    assert list(reversed_(rich())) != list(rich())


def test_nothing_is_changed_by_comparing() -> None:
    statement = within(rich(result__duration="PT1.239S"))
    before = repr(statement)
    content(statement)
    assert repr(statement) == before


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"actor": None, "verb": [], "object": 7, "result": "x", "context": [], "timestamp": 1},
        {
            "timestamp": "yesterday",
            "actor": {"mbox": 1, "mbox_sha1sum": [], "member": {}},
            "object": {"objectType": {}},
        },
        {"timestamp": "0001-01-01T00:00:00+01:00", "actor": {"mbox": "no address", "member": [None, 1, "x", {}]}},
        {"context": {"contextActivities": [], "contextAgents": {}, "contextGroups": [1, {}], "statement": 0}},
        {"context": {"contextActivities": {"parent": 1, "other": [None]}, "language": 1, "registration": {}}},
        {"result": {"duration": {}, "score": [True, None]}, "object": {"objectType": "SubStatement"}},
        {"result": {"extensions": {"x:y": [2**70, -(2**70), 10**400, "\ud800"]}}},
    ],
    ids=str,
)
def test_anything_can_be_compared(odd: Json) -> None:
    """What a signature signs is compared before anybody has found it valid (Data 2.6)."""
    assert same(odd, deepcopy(odd))
    assert same(odd, rich()) is False
