"""The catalogue of mistakes: each line breaks one rule of the specification. To add one, write one line.

Clauses are those of xAPI 1.0.3 Data unless another document is named; 2.0 (IEEE 9274.1.1 4.2) keeps them all.
"""

from collections.abc import Iterator
from typing import Any

from app.lrs.validation import SIGNATURE_USAGE, VOIDED, Version
from tests.strategies.mutations import (
    ANOTHER_TYPE,
    BOTH,
    EMPTY_RANGE,
    FOREIGN_LIST,
    IDENTIFIED_TWICE,
    LOWER_CASE,
    NOT_IDENTIFIED,
    SAME_COMPONENT_TWICE,
    UPPER_CASE,
    Mutation,
    adapted,
    become,
    last_is,
    merge,
    one_more,
    put,
    renamed,
    without,
)
from tests.strategies.places import IDENTIFIERS, SHAPES

ONLY_1_0: tuple[Version, ...] = ("1.0",)
ONLY_2_0: tuple[Version, ...] = ("2.0",)

ANN = {"objectType": "Agent", "mbox": "mailto:ann@example.com"}
SUB = {"objectType": "SubStatement", "actor": ANN, "verb": {"id": "ex:v"}, "object": {"id": "ex:o"}}

CLAUSES = {
    "statement": "2.4",
    "substatement": "2.4.4.3",
    "agent": "2.4.2.1",
    "group": "2.4.2.2",
    "account": "2.4.2.4",
    "verb": "2.4.3",
    "activity": "2.4.4.1",
    "definition": "2.4.4.1",
    "component": "2.4.4.1",
    "reference": "2.4.4.3",
    "result": "2.4.5",
    "score": "2.4.5.1",
    "context": "2.4.6",
    "context activities": "2.4.6.2",
    "context agent": "IEEE 9274.1.1 4.2.2.5",
    "context group": "IEEE 9274.1.1 4.2.2.5",
    "attachment": "2.4.11",
}
"""Where the table of each object stands."""

NOT_A_STRING: tuple[Any, ...] = (None, True, 7, [], {})
WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(SHAPES, (None, True, 7, "text", [])),
    "activity": (None, True, 7, "text"),  # an empty array may stand for an Activity of the context
    **dict.fromkeys(("language map", "extensions"), (None, True, 7, "text", [])),
    **dict.fromkeys(("uuid", "iri", "uri", "mbox", "sha1", "sha2", "media type", "language"), NOT_A_STRING),
    **dict.fromkeys(("time", "duration", "version", "string", "word"), NOT_A_STRING),
    "boolean": (None, 0, 1, "true", [], {}),
    "number": (None, True, "0.5", [], {}),
    "integer": (None, True, "7", 1.5, [], {}),
    "activity list": (None, True, 7, "text"),
    **dict.fromkeys(("agent list", "string list", "component list", "attachment list"), (None, True, 7, "text", {})),
    **dict.fromkeys(("context agent list", "context group list", "iri list"), (None, True, 7, "text", {})),
}
"""Data 2.2: null stands nowhere but within extensions, and no type for another one."""

NO_IRIS = ("", "card", "/lessons/7", "//example.com/7", "#7", "www.example.com", "http://", "http:a b", "ex:<a>", "1:b")
FORMATS: dict[tuple[str, str], tuple[str, ...]] = {
    ("4.4", "uuid"): (
        *("", "17", "8a7abb66c516461b8da7d63c31d40ca3", "{8a7abb66-c516-461b-8da7-d63c31d40ca3}"),
        *("8a7abb66-c516-461b-8da7-d63c31d40cag", "urn:uuid:8a7abb66-c516-461b-8da7-d63c31d40ca3"),
    ),
    ("4.3", "iri"): NO_IRIS,
    ("2.4.2.3", "uri"): (*NO_IRIS, "https://änn.example.com/"),
    ("2.4.2.3", "mbox"): (
        *(
            "",
            "mailto:",
            "ann@example.com",
            "mailto:ann",
            "mailto:@example.com",
            "mailto:ann@",
            "mailto:a b@example.com",
        ),
        *("mailto:a@example.com,b@example.com", "mailto:Ann <ann@example.com>", "mailto:ann@example.com?subject=x"),
        *("https://ann@example.com", "mailto:a@b@example.com", "mailto:ann@example.com\n", "mailto:ann@[x]"),
    ),
    ("2.4.2.3", "sha1"): ("", "abc", "a" * 39, "a" * 41, "g" * 40, "mailto:ann@example.com"),
    ("2.4.11", "sha2"): ("", "a" * 63, "a" * 65, "z" * 64, "a" * 40, "sha256:" + "a" * 64),
    ("2.4.11", "media type"): ("", "text", "text/", "/plain", "text plain", "text/plain; charset", "a/b/c", "ä/b"),
    ("2.4.6", "language"): (
        *("", "e", "x", "en_US", "en-", "en-a", "en-x", "én", "english language", "something", "a-DE", "de-419-DE"),
        *("de-1996-1996", "ar-a-aaa-b-bbb-a-ccc"),
    ),
    ("4.6", "duration"): (
        *("", "P", "PT", "1S", "12", "P4W1D", "P1S", "PT1D", "PT1S1M", "-PT1S", "PT1.5M3S", "PT.5S", "pt1s", "P1YT"),
        *("P0003-06-04T12:30:05", "P1W2D", "P-1D", "PT1H-1M", "P1M1Y", "PT1e3S", "PT1S ", "P1Y2W"),
    ),
    ("4.5", "time"): (
        *("", "now", "2024-05-18", "05:32:34Z", "18/05/2024 05:32", "2024-05-18 05:32:34Z", "1716010354"),
        *("2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-05-18T25:00:00Z", "2024-05-18T05:60:00Z"),
        *("2024-05-18T05:32:34-00:00", "2024-05-18T05:32:34.5-00:00", "2024-05-18T05:32:34+24:00"),
        *("2024-05-18T05:32:34.Z", "2024-05-18T05:32:34Z\n", "2024-05-18T05:32:34 Z", "Sat, 18 May 2024 05:32:34 GMT"),
    ),
    ("2.4.10", "version"): ("", "1", "1.0.", "v1.0.0", "1.1.0", "0.95", "0.9.9", "3.0.0", "10.0.0", "1.0.x", "1.0.0 "),
    ("2.4.2", "word as objectType"): ("", "Person", "Actor"),
    ("2.4.4.1", "word as interactionType"): ("", "multiple-choice", "true_false", "essay"),
}
"""Data 2.2: what has a format is refused without it, and so is the empty string."""

OFF_RFC_3339 = (
    *("2024-05-18T05:32:34", "2024-05-18T05:32Z", "2024-05-18T05:32:34,5Z", "2024-05-18T05:32:34+02"),
    *("2024-05-18T05:32:34+0200", "20240518T053234Z", "2024-05-18T24:00:00Z"),
)
"""Times of ISO 8601, so that 1.0.3 takes them, which RFC 3339 does not know."""


NEW_IN_2_0 = frozenset({"context agent", "context group", "context agent list", "context group list", "iri list"})


def _in_general() -> Iterator[Mutation]:
    """What the tables imply by themselves."""
    for shape, properties in SHAPES.items():
        clause, versions = CLAUSES[shape], ONLY_2_0 if shape in NEW_IN_2_0 else BOTH
        yield Mutation("2.2", shape, put("colour", "red"), versions=versions)
        for key, kind in properties.items():
            required, versions = kind.endswith("!"), ONLY_2_0 if {shape, kind} & NEW_IN_2_0 else BOTH
            if required:
                yield Mutation(clause, shape, without(key), versions=versions)
            if not (kind.startswith("word") or key in IDENTIFIERS or key == "member"):
                other = renamed(key, key[0].upper() + key[1:], required=required)
                yield Mutation("2.2", shape, other, versions=versions)
    for kind, values in WRONG_TYPES.items():
        for value in values:
            yield Mutation("2.2", kind, become(value), versions=ONLY_2_0 if kind in NEW_IN_2_0 else BOTH)
    for (clause, on), texts in FORMATS.items():
        yield from (Mutation(clause, on, become(text)) for text in texts)
    yield from (Mutation("IEEE 9274.1.1 4.2.7", "time", become(text), versions=ONLY_2_0) for text in OFF_RFC_3339)
    yield from (Mutation("4.2", "language map", put(tag, "text")) for tag in FORMATS["2.4.6", "language"])
    yield from (Mutation("4.1", "extensions", put(key, 1)) for key in NO_IRIS)


CATALOGUE: list[Mutation] = [
    *_in_general(),
    Mutation("2.2", "word as objectType", LOWER_CASE),
    Mutation("2.2", "word as interactionType", UPPER_CASE),
    Mutation("2.2", "statement", put("duration", "PT1S")),
    Mutation("2.2", "statement", put("score", {"scaled": 1})),
    Mutation("2.2", "verb", put("name", {"en": "did"})),
    Mutation("2.2", "activity", put("name", {"en": "Lesson"})),
    Mutation("2.2", "result", put("scaled", 1)),
    Mutation("2.2", "context", put("parent", [])),
    # voiding
    Mutation("2.3.2", "any statement about activity", merge(verb={"id": VOIDED}), told=("object",)),
    Mutation("2.3.2", "any statement about agent", merge(verb={"id": VOIDED}), told=("object",)),
    Mutation("2.3.2", "any statement about group", merge(verb={"id": VOIDED}), told=("object",)),
    Mutation("2.3.2", "any statement about substatement", merge(verb={"id": VOIDED}), told=("object",)),
    # actors
    Mutation("2.4.2.1", "agent", NOT_IDENTIFIED),
    Mutation("2.4.2.1", "agent", IDENTIFIED_TWICE),
    Mutation("2.4.2.1", "agent", put("member", [ANN])),
    Mutation("2.4.2.2", "identified group", IDENTIFIED_TWICE),
    Mutation("2.4.2.2", "anonymous group", without("member")),
    Mutation("2.4.2.2", "anonymous group", put("member", [])),
    Mutation("2.4.2.2", "agent as member", put("objectType", "Group")),
    Mutation("2.4.2.2", "agent list as member", last_is({"objectType": "Agent", "name": "Ann"})),
    Mutation("2.4.2.2", "group elsewhere", without("objectType")),
    # objects
    Mutation("2.4.4", "word as objectType", become("Verb")),
    Mutation("2.4.4.1", "plain definition", put("correctResponsesPattern", ["a"]), told=("interactionType",)),
    Mutation("2.4.4.1", "plain definition", put("choices", [{"id": "a"}]), told=("interactionType",)),
    Mutation("2.4.4.1", "interaction", without("interactionType")),
    Mutation("2.4.4.1", "interaction", FOREIGN_LIST),
    Mutation("2.4.4.1", "interaction", ANOTHER_TYPE),
    Mutation("2.4.4.1", "string list", one_more(7)),
    Mutation("2.4.4.1", "component list", SAME_COMPONENT_TWICE),
    Mutation("2.4.4.2", "agent as object", without("objectType"), told=("id",), loose=True),
    Mutation("2.4.4.2", "group as object", without("objectType"), told=("id",), loose=True),
    Mutation("2.4.4.3", "reference as object", without("objectType"), told=("id",)),
    Mutation("2.4.4.3", "reference as statement", without("objectType")),
    Mutation("2.4.4.3", "reference as statement", put("objectType", "Activity")),
    Mutation("2.4.4.3", "substatement", without("objectType"), told=("id",), loose=True),
    Mutation("2.4.4.3", "substatement", put("id", "8a7abb66-c516-461b-8da7-d63c31d40ca3")),
    Mutation("2.4.4.3", "substatement", put("stored", "2024-05-18T05:32:34Z")),
    Mutation("2.4.4.3", "substatement", put("version", "1.0.0")),
    Mutation("2.4.4.3", "substatement", put("authority", ANN)),
    Mutation("2.4.4.3", "substatement", put("object", SUB), loose=True),
    # results
    Mutation("2.4.5.1", "score", put("scaled", 1.0001)),
    Mutation("2.4.5.1", "score", put("scaled", -1.0001)),
    Mutation("2.4.5.1", "score", put("scaled", 80)),
    Mutation("2.4.5.1", "score", put("raw", -1e300)),
    Mutation("2.4.5.1", "score", put("raw", 1e300)),
    Mutation("2.4.5.1", "score", put("min", 1e300)),
    Mutation("2.4.5.1", "score", put("max", -1e300), told=("min",)),
    Mutation("2.4.5.1", "score", EMPTY_RANGE),
    # contexts
    Mutation("2.4.6", "context without activity", put("revision", "2")),
    Mutation("2.4.6", "context without activity", put("platform", "Example Learning")),
    Mutation("2.4.6", "group as team", put("objectType", "Agent")),
    Mutation("2.4.6", "context", put("instructor", {})),
    Mutation("2.4.6.2", "context activities", put("sibling", [])),
    Mutation("2.4.6.2", "activity list", one_more("https://example.com/lessons/7")),
    Mutation("2.2", "context", put("contextAgents", []), versions=ONLY_1_0),
    Mutation("2.2", "context", put("contextGroups", []), versions=ONLY_1_0),
    Mutation("IEEE 9274.1.1 4.2.2.5", "iri list", become([]), versions=ONLY_2_0),
    Mutation("IEEE 9274.1.1 4.2.2.5", "iri list", one_more("coach"), versions=ONLY_2_0),
    Mutation("IEEE 9274.1.1 4.2.2.5", "context agent", put("objectType", "Agent"), versions=ONLY_2_0),
    Mutation("IEEE 9274.1.1 4.2.2.5", "context group", put("objectType", "contextAgent"), versions=ONLY_2_0),
    Mutation("IEEE 9274.1.1 4.2.2.5", "agent as agent", put("objectType", "Group"), versions=ONLY_2_0),
    Mutation("IEEE 9274.1.1 4.2.2.5", "group as group", put("objectType", "Agent"), versions=ONLY_2_0),
    # who says so, in which version, with what
    Mutation("2.4.9", "agent as authority", become({"objectType": "Group", "mbox": "mailto:a@b.c"}), told=("mbox",)),
    Mutation("2.4.9", "group as authority", put("mbox", "mailto:team@example.com")),
    Mutation("2.4.9", "group as authority", put("member", [ANN])),
    Mutation("2.4.9", "group as authority", put("member", [ANN, ANN, ANN])),
    Mutation("2.4.10", "version", become("2.0.0"), versions=ONLY_1_0),
    Mutation("2.4.11", "integer", become(-1)),
    Mutation("2.4.11", "string as text", adapted("in a list", lambda old: [old])),
    Mutation("2.6", "attachment", merge(usageType=SIGNATURE_USAGE, contentType="text/plain"), told=("contentType",)),
]
