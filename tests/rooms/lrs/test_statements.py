"""Statements at the door: what is taken, under which id, and what a refusal says."""

import gc
import json
import tracemalloc
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Unreadable
from app.lrs.receiving import receive_many, receive_one
from app.lrs.statements import MAX_DEPTH, MAX_PROBLEMS_TOLD, MAX_VALUES, Refused, parse_json, split
from tests.rooms.lrs.content import content
from tests.statements import completed


def body(*statements: object) -> bytes:
    return orjson.dumps(statements[0] if len(statements) == 1 else list(statements))


def refusal(call, *arguments) -> Refused:  # type: ignore[no-untyped-def]
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


def test_put_takes_the_id_of_the_address() -> None:
    statement = completed()
    wanted = statement.pop("id")
    assert receive_one(body(statement), wanted.upper(), "1.0.3").ids == (UUID(wanted),)


def test_put_with_another_id_in_the_body_is_refused() -> None:
    error = refusal(receive_one, body(completed()), str(uuid4()), "1.0.3")
    assert error.problems[0].path == "id"


@pytest.mark.parametrize("given", [None, "", "17", "{5389ed44-e618-4a66-9a43-7a0b282fd837}"])
def test_put_needs_a_uuid(given: str | None) -> None:
    assert refusal(receive_one, body(completed()), given, "1.0.3").problems[0].path == "?statementId"


def test_put_takes_no_array() -> None:
    assert refusal(receive_one, b"[]", str(uuid4()), "1.0.3").problems[0].path == "$"


def test_post_makes_the_ids_that_are_missing() -> None:
    without = completed()
    del without["id"]
    given = completed()
    ids = receive_many(body(given, without), "1.0.3", 10).ids
    assert ids[0] == UUID(given["id"])
    assert ids[1].version == 4


def test_a_batch_is_refused_whole_and_every_bad_statement_is_named() -> None:
    bad = completed()
    bad["object"]["definition"]["name"] = "a string"
    error = refusal(receive_many, body(completed(), bad, completed(), {}), "1.0.3", 10)
    assert error.refused == (1, 3)
    assert error.problems[0].path == "[1].object.definition.name"
    assert {p.path.split(".")[0] for p in error.problems} == {"[1]", "[3]"}


def test_two_statements_of_a_batch_may_not_share_an_id() -> None:
    one = completed()
    error = refusal(receive_many, body(one, completed(), {**completed(), "id": one["id"].upper()}), "1.0.3", 10)
    assert (error.refused, error.problems[0].path) == ((2,), "[2].id")


def test_too_many_statements_are_refused_with_the_limit() -> None:
    assert "At most 2" in refusal(receive_many, body(*[completed()] * 3), "1.0.3", 2).problems[0].expected


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": NaN}', b"\xff\xfe", b'{"a": "\x00"}', b"[1, 2", b"\xef\xbb\xbf{}"])
def test_what_is_not_json_is_refused_with_its_place(text: bytes) -> None:
    error = refusal(receive_many, text, "1.0.3", 10)
    assert error.problems[0].path == "$"
    assert "not JSON" in error.problems[0].message


def test_bytes_that_are_no_utf8_are_counted_to() -> None:
    assert "byte 7: 0xff" in refusal(parse_json, b'{"\xc3\xa9":"\xff"}').problems[0].message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b'{"a": [1, {"b c": 1e400}]}', 'a[1]["b c"]'),
        (b'{"a": [1, {"b": -1' + b"0" * 400 + b"}]}", "a[1].b"),
        (b'[{}, {"a": 1E+309}]', "[1].a"),
        (b'{"a": "{[,\\"", "b": {"c": "{[ \\ud800"}}', "b.c"),
        (b'{"a": "\\udc00"}', "a"),
        (b'{"\xc3\xa9": "\xc3\xa9", "b": [[], "\\ud800\\ud800"]}', "b[1]"),
        (b'{"a":' * 2_000, "$"),
        (b'[1, {"a":' + b"[" * 2_000, "[1]"),
    ],
)
def test_json_that_cannot_be_kept_is_refused_by_path(text: bytes, path: str) -> None:
    [problem] = refusal(parse_json, text).problems
    assert problem.path == path
    assert "not JSON" not in problem.message


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (b'{"a": 1, "a": 1}', ["a"]),
        (b'{"a" :1,"a"\n: 2,"b" :3}', ["a"]),
        (b'{"a": 1, "\\u0061": 2}', ["a"]),
        (b'{"": 1, "": 2}', ['[""]']),
        (b'[{}, {"actor": {"mbox": 1, "mbox": 2}}, {"b": 1, "b": [{"c": 1, "c": 2}]}]',
         ["[1].actor.mbox", "[2].b", "[2].b[0].c"]),
        (b'{"a": [1, {"b": [2], "b": "]"}], "a": "}"}', ["a[1].b", "a"]),
        (b'{"context": {"extensions": {"https://x.example/e": {}, "https://x.example/e": 0}}}',
         ['context.extensions["https://x.example/e"]']),
        (b'{"a": "\\\\u003a", "b": {"c": 1, "c": 1}}', ["b.c"]),
        (b'{"a":' * 900 + b'{"b":1,"b":2}' + b"}" * 900, [".".join("a" * 40) + "…"]),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_in_an_object_is_refused_by_path(text: bytes, paths: list[str]) -> None:
    error = refusal(parse_json, text)
    assert [problem.path for problem in error.problems] == paths
    assert all("Once" in problem.expected for problem in error.problems)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "A": 2, "\\u0061b": 3}',
        b'[{"a": 1}, {"a": 1}, {"b": {"a": 1}, "a": 2}]',
        b'{"a": "{\\"a\\": 1, \\"a\\": 2}", "b": "\\\\", "c": ":"}',
        b'{"a": "\\u003a", "b": "\\u003A", "c": "\\\\u003a", "\\u003a": 1}',
        b'{"a":' * 900 + b'{"a":1}' + b"}" * 900,
        b' \n {"a" \t:\r\n[ ] , "b":{ } } ',
        b'"a"',
    ],
)
def test_what_only_looks_like_a_key_twice_is_read(text: bytes) -> None:
    assert parse_json(text) == orjson.loads(text)


def test_a_batch_names_the_statements_that_have_a_key_twice() -> None:
    twice = body(completed())[:-1] + b',"actor":{}}'
    error = refusal(
        receive_many, b"[" + b",".join([body(completed()), twice, body(completed()), twice]) + b"]", "1.0.3", 9
    )
    assert (error.refused, error.problems[1].path) == ((1, 3), "[3].actor")
    assert refusal(receive_one, twice, str(uuid4()), "1.0.3").refused == (0,)
    many = refusal(parse_json, b"[" + b",".join([b'{"a":1,"a":1}'] * 1_000) + b"]")
    assert (len(many.problems), len(many.refused)) == (MAX_PROBLEMS_TOLD, 1_000)


class Pairs(list[tuple[str, Any]]):
    """An object with its keys in order, those that stand twice included."""


def has_twice(value: object) -> bool:
    """What the standard library's reader, which sees each pair, makes of it."""
    if isinstance(value, Pairs):
        return len(dict(value)) < len(value) or any(has_twice(item) for _, item in value)
    return isinstance(value, list) and any(has_twice(item) for item in value)


def spelt(key: str, way: int) -> str:
    escaped = "".join(f"\\u{ord(character):04{'xX'[way % 2]}}" for character in key)
    return f'"{escaped}"' + ("", " ", "\n\t")[way % 3] if way > 1 else json.dumps(key) + " " * way


KEYS = st.builds(spelt, st.sampled_from([*'ab:{",', "\\", "", "\\u003a"]), st.integers(0, 5))
VALUES = st.recursive(
    KEYS | st.sampled_from(["1", "null"]),
    lambda inner: st.lists(st.tuples(KEYS, inner), max_size=4).map(lambda of: f"{{{', '.join(map(':'.join, of))}}}")
    | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
    max_leaves=12,
)


@settings(derandomize=True, deadline=None, database=None, max_examples=400)
@given(VALUES)
def test_keys_that_stand_twice_are_seen_whatever_their_spelling(text: str) -> None:
    if has_twice(json.loads(text, object_pairs_hook=Pairs)):
        assert refusal(parse_json, text.encode()).problems
    else:
        assert parse_json(text.encode()) == json.loads(text)


def test_a_refusal_holds_on_to_nothing_that_was_parsed() -> None:
    huge = b"[" + b"{}," * 40_000 + b"{}]"
    bodies = [huge, huge[:-1], b'{"a":1,"a":' + huge + b"}"]
    statement_id = str(uuid4())
    tracemalloc.start()
    errors = [refusal(receive_many, one, "1.0.3", 10) for one in bodies]
    errors += [refusal(receive_one, one, statement_id, "1.0.3") for one in bodies]
    gc.collect()
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(errors) == 6
    assert most > 10 * len(huge)
    assert held < len(huge) / 2


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'{"":0},', b'"\xc3\xa9",', b"1,", b"[" * 99 + b"]" * 99 + b","])
def test_a_body_of_many_small_values_is_refused_before_it_grows_in_memory(piece: bytes) -> None:
    huge = b"[" + piece * (2**24 // len(piece)) + b"0]"
    problem = refusal(receive_many, huge, "1.0.3", 10).problems[0]
    assert (problem.path, "values" in problem.message) == ("$", True)


def test_what_is_refused_for_its_values_was_never_made_into_them() -> None:
    huge = b"[" + b"[]," * MAX_VALUES + b"0]"
    tracemalloc.start()
    refusal(receive_many, huge, "1.0.3", 10)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < len(huge)


def test_only_values_are_counted_and_not_what_looks_like_them_in_a_text() -> None:
    text = b'["' + b'[{,\\"' * MAX_VALUES + b'", 1]'
    assert parse_json(text) == orjson.loads(text)
    assert len(list(parse_json(b"[" + b"0," * (MAX_VALUES - 1) + b"0]"))) == MAX_VALUES  # type: ignore[call-overload]
    assert refusal(parse_json, b"[" + b"0," * MAX_VALUES + b"0]")


def test_depth_is_measured_in_what_is_read_and_not_in_brackets() -> None:
    def deep(levels: int) -> bytes:
        value = b'{"a":' * levels + b'"' + b"[{" * 300 + b'"' + b"}" * levels
        return body(completed())[:-1] + b',"result":{"extensions":{"urn:x":' + value + b"}}}"

    assert receive_many(deep(MAX_DEPTH - 3), "1.0.3", 1).ids
    assert "levels" in refusal(receive_many, deep(MAX_DEPTH - 2), "1.0.3", 1).problems[0].message


def test_splitting_keeps_each_statement_to_the_letter() -> None:
    first, second = b'{"a": 1.10, "b":"\\u00e9"}', b'{ "n" : 123456789012345678901234567890 }'
    assert split(b" [" + first + b" ,\n" + second + b"] ") == [first, second]
    assert split(b"\n" + first) == [first]
    with pytest.raises(Unreadable):
        split(b"[1,")


def test_comparison_ignores_what_the_lrs_assigns_and_the_order_of_keys() -> None:
    one = completed()
    same = {**dict(reversed(one.items())), "stored": "2026-01-01T00:00:00Z", "version": "1.0.0"}
    assert content(one) == content(same)
    assert content(one) != content({**one, "timestamp": "2026-03-02T08:00:01Z"})
