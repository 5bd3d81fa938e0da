"""What a statement looks like when it leaves: exact, ids, canonical, and in which language."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.lrs.formats import activity_ids, canonical, exact, ids_only, verb_ids
from app.lrs.languages import best_tag
from tests.statements import answered, completed, lesson

ID = UUID("5389ed44-e618-4a66-9a43-7a0b282fd837")
STORED = datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
OURS = b'{"account":{"homePage":"https://lrs.example","name":"k"}}'
ANN, BEN = {"mbox": "mailto:ann@example.org"}, {"mbox": "mailto:ben@example.org"}


def sent(payload: bytes, version: str = "1.0.3") -> bytes:
    return exact(payload, statement_id=ID, stored_at=STORED, authority=OURS, version=version)


def around(**more: Any) -> dict[str, Any]:
    """A statement with a SubStatement about lesson 2, by Ben as taught by Ann."""
    inner = {
        "objectType": "SubStatement",
        "actor": {**BEN, "name": "Ben"},
        "verb": {"id": "https://verbs.example/inner", "display": {"de": "innen", "fr": "dedans"}},
        "object": lesson(2),
        "context": {"instructor": {**ANN, "name": "Ann"}, "contextActivities": {"other": lesson(3)}},
    }
    return completed(object=inner, **more)


def test_exact_keeps_every_byte_of_the_values() -> None:
    values = [b'"\\u0041\\/ \xc3\xa4"', b"1.0", b"1e400", b"12345678901234567890123", b'{ "b" : -0.0, "a":[ ] }']
    text = b'{ "actor" : ' + values[4] + b', "result": [' + b" , ".join(values) + b'],\n"verb":' + values[0] + b"}"
    result = sent(text)
    assert b"[" + b" , ".join(values) + b"]" in result
    assert b'"actor":' + values[4] in result
    assert b'"verb":' + values[0] in result


def test_exact_adds_what_the_lrs_sets() -> None:
    result = orjson.loads(sent(b'{"stored":"2001-01-01T00:00:00Z","authority":{"mbox":"mailto:evil@example.org"}}'))
    assert result == {
        "id": str(ID),
        "stored": "2026-03-02T08:00:00.000005Z",
        "timestamp": "2026-03-02T08:00:00.000005Z",
        "authority": orjson.loads(OURS),
        "version": "1.0.0",
    }


def test_exact_keeps_what_the_sender_says_of_id_time_and_version() -> None:
    given = {"id": str(ID).upper(), "timestamp": "2020-01-01T00:00:00+02:00", "version": "1.0.2"}
    assert orjson.loads(sent(orjson.dumps(given), "2.0.0")).items() >= given.items()


@pytest.mark.parametrize(("asked", "written"), [("1.0", "1.0.0"), ("1.0.3", "1.0.0"), ("2.0.0", "2.0.0")])
def test_exact_writes_the_version_of_the_request(asked: str, written: str) -> None:
    assert orjson.loads(sent(b"{}", asked))["version"] == written


@pytest.mark.parametrize("key", [b'"contextActivities"', b'"context\\u0041ctivities"'])
def test_exact_puts_single_context_activities_into_arrays(key: bytes) -> None:
    context = b'{"extensions":{"x:y":1.0},' + key + b':{"parent":{"id":"x:1", "n":1e0},"other":[{"id":"x:2"}]}}'
    arrays = b'"contextActivities":{"parent":[{"id":"x:1", "n":1e0}],"other":[{"id":"x:2"}]}'
    assert arrays in sent(b'{"object":{"id":"x:o"},"context":' + context + b"}")
    inner = sent(b'{"object":{"objectType":"SubStatement","result":[1.0 ],"context":' + context + b"}}")
    assert arrays in inner
    assert b'"result":[1.0 ]' in inner
    assert b'{"x:y":1.0}' in inner


def test_exact_leaves_the_words_of_others_alone() -> None:
    """The same key in an extension or in an Activity is nobody's context."""
    context = b'{ "extensions":{"x:y":{"contextActivities":{"parent":{}}}}}'
    target = b'{"id":"x:o", "definition":{"extensions":{"x:SubStatement":{"contextActivities":{"other":{}}}}}}'
    result = sent(b'{"object":' + target + b',"context":' + context + b"}")
    assert context in result
    assert target in result


def test_ids_leaves_identities_only() -> None:
    team = {"objectType": "Group", "name": "Team", "member": [{**ANN, "name": "Ann"}, BEN]}
    named = {**team, "account": {"homePage": "https://a.example", "name": "t"}}
    statement = around(
        authority={**team, "name": "OAuth"},
        context={
            "team": named,
            "contextActivities": {"grouping": lesson(4)},
            "contextAgents": [
                {"objectType": "contextAgent", "agent": {**ANN, "name": "Ann"}, "relevantTypes": ["x:y"]}
            ],
            "contextGroups": [{"objectType": "contextGroup", "group": team}],
        },
        result={"completion": True},
    )
    before = deepcopy(statement)
    anonymous = {"objectType": "Group", "member": [ANN, BEN]}
    assert ids_only(statement) == {
        "id": statement["id"],
        "timestamp": statement["timestamp"],
        "result": {"completion": True},
        "actor": {"objectType": "Agent", "mbox": "mailto:sam@example.org"},
        "verb": {"id": statement["verb"]["id"]},
        "object": {
            "objectType": "SubStatement",
            "actor": BEN,
            "verb": {"id": "https://verbs.example/inner"},
            "object": {"id": lesson(2)["id"]},
            "context": {"instructor": ANN, "contextActivities": {"other": [{"id": lesson(3)["id"]}]}},
        },
        "authority": anonymous,
        "context": {
            "team": {"objectType": "Group", "account": named["account"]},
            "contextActivities": {"grouping": [{"id": lesson(4)["id"]}]},
            "contextAgents": [{"objectType": "contextAgent", "agent": ANN, "relevantTypes": ["x:y"]}],
            "contextGroups": [{"objectType": "contextGroup", "group": anonymous}],
        },
    }
    assert statement == before


def test_ids_keeps_the_type_of_an_object_that_is_no_activity() -> None:
    reference = {"objectType": "StatementRef", "id": str(ID)}
    assert ids_only(completed(object=reference))["object"] == reference
    assert ids_only(completed(object={"objectType": "Agent", "name": "Ann", **ANN}))["object"] == {
        "objectType": "Agent",
        **ANN,
    }


def test_canonical_takes_the_definitions_and_displays_of_the_record() -> None:
    statement = around(context={"contextActivities": {"grouping": [lesson(4), lesson(5)]}})
    before = deepcopy(statement)
    known: dict[str, dict[str, Any]] = {
        lesson(n)["id"]: {"name": {"fr": f"Leçon {n}", "de": f"Lektion {n}"}, "type": "x:t"} for n in (2, 3, 4)
    }
    displays = {statement["verb"]["id"]: {"de": "beendet", "fr": "fini"}}
    result = canonical(statement, known, displays, "de")
    assert result["verb"]["display"] == {"de": "beendet"}
    assert result["object"]["verb"]["display"] == {"de": "innen"}
    assert result["object"]["object"]["definition"] == {"name": {"de": "Lektion 2"}, "type": "x:t"}
    assert result["object"]["context"]["contextActivities"]["other"][0]["definition"]["name"] == {"de": "Lektion 3"}
    first, second = result["context"]["contextActivities"]["grouping"]
    assert first["definition"]["name"] == {"de": "Lektion 4"}
    assert second == lesson(5)
    assert result["actor"] == statement["actor"]
    assert result["object"]["context"]["instructor"] == statement["object"]["context"]["instructor"]
    assert statement == before
    assert known[lesson(2)["id"]]["name"].keys() == {"fr", "de"}


def test_canonical_filters_each_language_map_by_itself() -> None:
    statement = answered(
        attachments=[{"usageType": "x:u", "display": {"en": "A", "fr": "B"}, "description": {"fr": "C", "de": "D"}}]
    )
    definition = statement["object"]["definition"]
    definition["description"] = {"en": "Which?", "de": "Welche?"}
    definition["choices"][0]["description"] = {"en": "Oat", "fr": "Avoine"}
    definition["choices"][1]["description"] = {"it": "Intero"}
    result = canonical(statement, {}, {}, "fr, de;q=0.5")
    assert result["object"]["definition"]["name"] == {"en-US": "Which milk first?"}
    assert result["object"]["definition"]["description"] == {"de": "Welche?"}
    assert [choice["description"] for choice in result["object"]["definition"]["choices"]] == [
        {"fr": "Avoine"},
        {"it": "Intero"},
    ]
    assert result["attachments"][0]["display"] == {"fr": "B"}
    assert result["attachments"][0]["description"] == {"fr": "C"}


def test_canonical_shows_a_verb_and_an_activity_that_came_bare() -> None:
    statement = completed(verb={"id": "x:v"}, object={"id": "x:a"})
    result = canonical(statement, {"x:a": {"type": "x:t"}}, {"x:v": {"en": "did"}}, None)
    assert result["verb"] == {"id": "x:v", "display": {"en": "did"}}
    assert result["object"] == {"id": "x:a", "definition": {"type": "x:t"}}
    assert canonical(statement, {}, {}, None) == statement


@pytest.mark.parametrize(
    ("header", "tags", "best"),
    [
        (None, "fr de", "fr"),
        (None, "fr en en-US", "en-US"),
        (None, "fr en-GB en", "en"),
        ("", "fr en", "en"),
        ("en-GB", "en-US en-GB", "en-GB"),
        ("EN-gb", "en-US en-GB", "en-GB"),
        ("en", "fr en-GB", "en-GB"),  # a range covers what it is the beginning of
        ("e", "fr en", "en"),  # … but only at a hyphen
        ("de-CH-1996", "en-US de", "de"),  # cut from the right
        ("de-AT", "en-US de-DE", "de-DE"),  # rather another region than another language
        ("en-GB, fr;q=0.5", "en-US fr", "fr"),  # … unless one was asked for
        ("fr;q=0.2, de;q=0.8", "fr de", "de"),
        ("fr, de", "de fr", "fr"),  # of the same quality: the one named first
        ("en;q=0.9, en-US;q=0.1, fr;q=0.5", "en-US fr", "fr"),  # the longest range decides
        ("fr;q=0.5, *", "fr ja", "ja"),
        ("*;q=0.1, fr", "en-US fr", "fr"),
        ("*", "fr en", "en"),
        ("en;q=0", "en-US ja", "ja"),
        ("en;q=0", "en-GB en-AU", "en-GB"),  # something has to be returned
        ("*;q=0, pt", "en pt-BR", "pt-BR"),
        ("en_US, ;;, fr;q=x, de ; q=0.3", "en-US fr de", "de"),
        (", " * 2_000 + "fr", "en fr", "en"),
    ],
)
def test_the_language_that_suits_best(header: str | None, tags: str, best: str) -> None:
    assert best_tag(tags.split(), header) == best


def test_what_canonical_needs_to_know() -> None:
    statement = around(context={"contextActivities": {"parent": [lesson(4)], "category": lesson(5)}})
    assert activity_ids(statement) == {lesson(n)["id"] for n in (2, 3, 4, 5)}
    assert verb_ids(statement) == {statement["verb"]["id"], "https://verbs.example/inner"}
    about_ann = completed(object={"objectType": "Agent", **ANN})
    assert activity_ids(about_ann) == set()


def test_stored_is_in_utc() -> None:
    assert STORED.astimezone(UTC).hour == 8
    assert b'"stored":"2026-03-02T08:00:00.000005Z"' in sent(b"{}")
