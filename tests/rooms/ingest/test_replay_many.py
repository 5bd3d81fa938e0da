"""Replaying many letters, stores that go away meanwhile, and orders that make no sense."""

from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.ingest import replay as replaying
from app.ingest.models import DeadLetter
from tests.conftest import Doors
from tests.rooms.ingest.quarantine import (
    LIST,
    Drain,
    Json,
    audited,
    discard,
    full_after,
    letter,
    put_away,
    recorded,
    replay,
    replay_many,
    turned_away,
)
from tests.statements import completed


def test_each_of_many_has_its_own_verdict(doors: Doors, drain: Drain) -> None:
    statement, first = completed(), completed("kim@example.org")
    good = str(put_away(0, body=orjson.dumps(statement)))
    bad, _ = turned_away(doors)
    doors.put(first, first["id"])
    taken = doors.put({**first, "timestamp": "2026-03-09T08:00:00Z"}, first["id"]).json()["kept"]
    unknown = str(uuid4())
    answer = replay_many(doors, ids=[bad, good, unknown, good, taken])
    assert answer.status_code == 200
    told = answer.json()
    assert [(one["id"], one["outcome"], one["status"], one["code"]) for one in told["results"]] == [
        (bad, "refused", "open", "invalid_statement"),
        (good, "replayed", "replayed", None),
        (unknown, "not_found", None, "not_found"),
        (taken, "refused", "open", "conflict"),
    ]
    assert (told["replayed"], told["refused"], told["not_tried"], told["more"]) == (1, 2, [], None)
    assert told["results"][0]["problems"][0]["path"] == "verb"
    drain()
    assert recorded()[1] == {statement["id"], first["id"]}
    again = replay_many(doors, ids=[good]).json()
    assert (again["results"][0]["outcome"], again["replayed"]) == ("replayed_before", 0)


def test_by_filter_the_open_ones_go_in_page_by_page_the_oldest_first(doors: Doors, drain: Drain) -> None:
    """Whoever goes on until there is no more comes to an end, though what is refused stays open."""
    statements = [completed(f"p{number}@example.org") for number in range(5)]
    ids = [str(put_away(number, code="old_rule", body=orjson.dumps(one))) for number, one in enumerate(statements)]
    refused = [str(put_away(10, code="old_rule", body=b"{}")), str(put_away(-10, code="old_rule", body=b"[1]"))]
    other = put_away(3, code="conflict", body=orjson.dumps(completed()))
    discard(doors, ids[1])
    seen: list[tuple[str, str]] = []
    more, calls = None, 0
    while calls == 0 or more is not None:
        told = replay_many(doors, filter={"code": "old_rule"}, limit=2, **({"after": more} if more else {})).json()
        seen += [(one["id"], one["outcome"]) for one in told["results"]]
        more, calls = told["more"], calls + 1
    done = [(one, "replayed") for one in (ids[0], *ids[2:])]
    assert seen == [(refused[1], "refused"), *done, (refused[0], "refused")]
    assert calls == 3
    drain()
    assert recorded()[1] == {one["id"] for number, one in enumerate(statements) if number != 1}
    assert letter(other).status == "open"
    assert letter(ids[1]).status == "discarded"
    everything = replay_many(doors, filter={}).json()
    assert {one["id"] for one in everything["results"]} == {*refused, str(other)}


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({}, "$"),
        ({"ids": [], "limit": 1}, "ids"),
        ({"ids": ["x"]}, "ids[0]"),
        ({"ids": [str(uuid4()) for _ in range(101)]}, "ids"),
        ({"ids": [str(uuid4())], "filter": {}}, "$"),
        ({"ids": [str(uuid4())], "after": "o1-2"}, "$"),
        ({"filter": {"code": "a\x00"}}, "filter.code"),
        ({"filter": {"code": 7}}, "filter.code"),
        ({"filter": {"text": "\ud800"}}, "filter.text"),
        ({"filter": {}, "after": "\ud800"}, "after"),
        ({"filter": {"status": "replayed"}}, "filter.status"),
        ({"filter": {}, "limit": 101}, "limit"),
        ({"filter": {}, "after": f"n1700000000000000-{uuid4()}"}, "after"),
        ({"filter": {}, "colour": "red"}, "colour"),
    ],
)
def test_an_order_to_replay_that_makes_no_sense_is_told_by_path(doors: Doors, wanted: Json, path: str) -> None:
    answer = replay_many(doors, **wanted)
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, path), answer.text


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"body": "\\ud800"}', "body"),
        (b'{"body": 1}', "body"),
        (b'{"body": "{}", "body_base64": "e30="}', "$"),
        (b'{"body_base64": "e30"}', "body_base64"),
        (b'{"body_base64": "e3*0="}', "body_base64"),
        ('{"body_base64": "\u00e9"}'.encode(), "body_base64"),
        (b'{"xapi_version": "3.0"}', "xapi_version"),
        (b'{"statement_id": "x"}', "statement_id"),
        (b'{"colour": "red"}', "colour"),
        (b"[]", "$"),
        (b"[" * 50_000, "$"),
        (b"\xff", "$"),
    ],
)
def test_a_mending_that_makes_no_sense_is_told_by_path(doors: Doors, content: bytes, path: str) -> None:
    letter_id, _ = turned_away(doors)
    headers = {**doors.admin, "Content-Type": "application/json"}
    answer = doors.client.post(f"{LIST}/{letter_id}/replay", content=content, headers=headers)
    assert answer.status_code == 400, answer.text
    if problems := answer.json()["problems"]:
        assert problems[0]["path"].startswith(path.rstrip("$"))
    assert bool(problems) or path == "$"
    assert letter(letter_id).attempts == 0


@pytest.mark.parametrize(
    "body", ["\x00", "{}\x00", " " * 10, "[]", "{}", '{"id": "\\ud800"}', "[[]]", '[{"attachments": 1}]']
)
@pytest.mark.parametrize("kind", [None, "multipart/mixed", "multipart/mixed; boundary=x", "\x00", "text/plain"])
def test_a_new_body_of_any_kind_is_a_refusal_and_no_error(doors: Doors, body: str, kind: str | None) -> None:
    letter_id = put_away()
    answer = replay(doors, letter_id, body=body, **({"content_type": kind} if kind else {}))
    assert (answer.status_code, bool(answer.json()["problems"])) == (400, True), answer.text
    assert letter(letter_id).attempts == 1


def test_when_nothing_takes_statements_the_letter_is_as_before_and_the_rest_is_not_tried(
    doors: Doors, drain: Drain
) -> None:
    statements = [completed(), completed("kim@example.org"), completed("eva@example.org")]
    ids = [str(put_away(number, body=orjson.dumps(one))) for number, one in enumerate(statements)]
    full_after(doors, 0)
    for answer in (replay(doors, ids[0]), replay_many(doors, ids=ids), replay_many(doors, filter={})):
        assert (answer.status_code, answer.json()["code"]) == (503, "stream_full")
        assert "Retry-After" in answer.headers
    assert {(letter(one).status, letter(one).attempts) for one in ids} == {("open", 0)}
    assert audited() == []
    put_away(-1)
    full_after(doors, 1)
    told = replay_many(doors, filter={}).json()
    assert ([one["outcome"] for one in told["results"]], told["not_tried"]) == (["refused", "replayed"], ids[1:])
    full_after(doors, 100)
    rest = replay_many(doors, filter={}, after=told["more"]).json()
    assert [one["id"] for one in rest["results"]] == ids[1:]
    drain()
    assert recorded()[1] == {one["id"] for one in statements}


def test_one_letter_that_breaks_something_does_not_keep_the_others(
    doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = [completed(), completed("kim@example.org")]
    ids = [str(put_away(number, body=orjson.dumps(one))) for number, one in enumerate(statements)]
    real = replaying.receive

    def receive(kept: DeadLetter, *more: Any, **named: Any) -> Any:
        return 1 / 0 if str(kept.id) == ids[0] else real(kept, *more, **named)

    monkeypatch.setattr(replaying, "receive", receive)
    told = replay_many(doors, ids=ids).json()
    assert [one["outcome"] for one in told["results"]] == ["failed", "replayed"]
    assert letter(ids[0]).status == "open"
    drain()
    assert recorded()[1] == {statements[1]["id"]}
