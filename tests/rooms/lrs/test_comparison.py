"""When two statements say the same (xAPI 1.0.3 Data 2.3.1, 4.6): what is passed over, and what is not."""

from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from typing import Any

import orjson
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


@everywhere
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("PT1.234S", "PT1.239S", True),
        ("PT1.23S", "PT1.23999999999S", True),
        ("PT1.239S", "PT1.24S", False),  # cut off, not rounded
        ("PT1.23S", "PT1.24S", False),
        ("PT0,129S", "PT0,12S", True),
        ("PT1S", "PT1.009S", True),
        ("PT10S", "PT10.00S", True),
        ("PT10S", "PT1S", False),
        ("P3Y1M29DT4H35M59.14S", "P3Y1M29DT4H35M59.147S", True),
        ("P3Y1M29DT4H35M59.14S", "P3Y1M28DT4H35M59.14S", False),
        ("PT60S", "PT1M", False),
        ("PT0.5H", "PT30M", False),
        ("PT1.234M", "PT1.235M", False),  # hundredths of a second, not of a minute
        ("P4W", "P28D", False),
    ],
)
def test_durations_are_text_up_to_hundredths_of_a_second(place: Place, one: str, other: str, equal: bool) -> None:
    """Data 2.3.1, what is no exception, and 4.6: precision beyond 0.01 seconds is not compared."""
    assert same(place(rich(result__duration=one)), place(rich(result__duration=other))) is equal


def test_a_long_duration_costs_no_more_than_its_length() -> None:
    """Data 4.6. Were it the square of it, this would take hours."""
    long = "PT1." + "1" * 1_000_000
    assert not same(rich(result__duration=f"{long}M"), rich(result__duration=f"{long}H"))
    assert same(rich(result__duration=f"{long}S"), rich(result__duration="PT1.11S"))


@everywhere
@pytest.mark.parametrize(
    "other",
    [
        "2026-03-02T08:00:00Z",
        "2026-03-02T08:00:00.000Z",
        "2026-03-02T08:00:00.000000000Z",
        "2026-03-02T08:00:00+00:00",
        "2026-03-02T09:00:00+01:00",
        "2026-03-02T09:00:00+0100",
        "2026-03-02T09:00+01",
        "2026-03-01T22:30:00-09:30",
        "2026-03-02t08:00:00z",
        "20260302T080000Z",
        "2026-03-02T08:00:00",
    ],
)
def test_one_moment_in_many_spellings(place: Place, other: str) -> None:
    """Data 2.3.1, serialization of timestamps, and 4.5; without an offset it is UTC."""
    assert same(place(rich(timestamp="2026-03-02T08:00:00Z")), place(rich(timestamp=other)))


@everywhere
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2026-03-02T24:00:00Z", "2026-03-03T00:00:00Z", True),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00Z", True),
        ("2026-03-02T08:00:00.5Z", "2026-03-02T08:00:00,500Z", True),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00+01:00", False),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00.001Z", False),
        ("2026-03-02T08:00:00.123456Z", "2026-03-02T08:00:00.1234561Z", False),
        ("2026-03-02T08:00:00.1234567Z", "2026-03-02T09:00:00.12345670+01:00", True),
        ("2026-03-02T08:00:00.1234567", "2026-03-02T08:00:00.1234568", False),
        ("20260302T080000.1234567Z", "2026-03-02T08:00:00.1234567", True),
    ],
)
def test_a_timestamp_is_the_moment_it_names(place: Place, one: str, other: str, equal: bool) -> None:
    """Data 2.3.1: another spelling is no difference as long as the point in time is the same, to the last digit."""
    assert same(place(rich(timestamp=one)), place(rich(timestamp=other))) is equal


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (b"1", b"1.0", True),
        (b"100", b"1E2", True),
        (b"0", b"-0.0", True),
        (b"0.1", b"0.10", True),
        (b"1e19", b"10000000000000000000", True),
        (b"1e30", b"1000000000000000000000000000000", True),
        (b"-9223372036854775808", b"-9.223372036854775808e18", True),
        (b"9007199254740993", b"9007199254740992", False),
        (b"18446744073709551615", b"1.8446744073709552e19", False),
        (b"0.1", b"0.10000000000000002", False),
        (b"1", b"true", False),
        (b"0", b"null", False),
    ],
)
def test_numbers_are_values(one: bytes, other: bytes, equal: bool) -> None:
    """Data 2.2: JSON knows numbers, not spellings of them."""
    left, right = (rich(result__extensions={"x:y": {"a": [orjson.loads(text)]}}) for text in (one, other))
    assert same(left, right) is equal


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
