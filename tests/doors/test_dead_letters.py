"""The doors of the quarantine: who may, what is shown, what is given up. Replaying is tried in tests/rooms/ingest."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from app.database import session_scope
from app.errors import Problem
from app.ingest import queries
from app.ingest.dead_letters import Letter, bury
from app.platform import clock
from app.platform.keys import fingerprint
from tests.conftest import Doors
from tests.rooms.ingest.quarantine import (
    LIST,
    START,
    Drain,
    Json,
    audited,
    discard,
    letter,
    listed,
    look,
    put_away,
    recorded,
    replay,
    text_of,
    turned_away,
    without_verb,
)

# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Basic dGhlOmFkbWlu"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/{id}"),
        ("GET", "/{id}/body"),
        ("POST", "/{id}/replay"),
        ("POST", "/replay"),
        ("POST", "/{id}/discard"),
    ],
)
def test_nobody_without_the_admin_token(doors: Doors, method: str, path: str, token: str | None) -> None:
    letter_id, _ = turned_away(doors)
    before = letter(letter_id)
    headers = {"Authorization": token} if token else {}
    body = {"reason": "why"} if "discard" in path else {"filter": {}} if path == "/replay" else {}
    answer = doors.client.request(method, LIST + path.format(id=letter_id), headers=headers, json=body)
    assert (answer.status_code, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")
    assert (letter(letter_id).status, letter(letter_id).attempts) == (before.status, before.attempts)


# --- looking ------------------------------------------------------------------------------------------------------


def test_a_list_tells_what_it_is_without_the_body(doors: Doors) -> None:
    letter_id, _ = turned_away(doors, without_verb(actor={"mbox": "mailto:sam@example.org", "name": "x" * 3_000}))
    doors.post(b"\xff".decode("latin-1"))
    found = look(doors, code="invalid_statement", text="VERB").json()
    [row] = found["letters"]
    assert (row["id"], row["status"], row["source"], row["path"]) == (letter_id, "open", "door", "verb")
    assert (row["seen_count"], row["attempts"]) == (1, 0)
    assert row["credential_id"] == fingerprint(doors.sender[0])
    assert row["size_bytes"] == len(letter(letter_id).body) > 3_000
    assert letter(letter_id).body.decode().startswith(row["excerpt"])
    assert 200 < len(row["excerpt"]) <= queries.EXCERPT_BYTES
    assert "body" not in row
    assert found["totals"] == [{"status": "open", "code": "invalid_statement", "source": "door", "letters": 2}]


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"\x1b[2Jred \x07\x00\r\n  {\t1}", "\ufffd[2Jred \ufffd\ufffd { 1}"),
        ("ab\u202ecd\u2066".encode(), "ab\ufffdcd\ufffd"),
        (b"\x01\x8b\xff", "\ufffd\ufffd\ufffd"),
        ("é".encode() * 500, "é" * 120),
        (b"a" + "é".encode() * 500, "a" + "é" * 119),
        (b"", ""),
    ],
)
def test_an_excerpt_can_be_shown_anywhere(doors: Doors, body: bytes, excerpt: str) -> None:
    put_away(body=body)
    [row] = look(doors).json()["letters"]
    assert (row["excerpt"], row["size_bytes"]) == (excerpt, len(body))


FILTERED: dict[str, tuple[Json, set[int]]] = {
    "nothing": ({}, {0, 1, 2, 3}),
    "status": ({"status": "discarded"}, {2}),
    "source": ({"source": "loader"}, {1}),
    "code": ({"code": "conflict"}, {1, 2}),
    "credential": ({"credential": "a" * 64}, {0}),
    "beginning of a credential": ({"credential": "a"}, {0, 3}),
    "since": ({"since": "2026-03-02T08:02:00Z"}, {2, 3}),
    "since, elsewhere": ({"since": "2026-03-02T10:02:00+02:00"}, {2, 3}),
    "until": ({"until": "2026-03-02T08:02:00Z"}, {0, 1}),
    "path": ({"path": "object.definition"}, {0}),
    "path of an array": ({"path": "[3]."}, {3}),
    "path with a wildcard": ({"path": "ob_ect"}, set()),
    "text": ({"text": "REASON 1"}, {1}),
    "text with a wildcard": ({"text": "%"}, {3}),
    "several": ({"code": "conflict", "source": "door", "status": "discarded"}, {2}),
    "several, of which one fits": ({"code": "conflict", "source": "sweep"}, set()),
}


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("name", FILTERED)
def test_each_filter_finds_exactly_what_it_says(doors: Doors, name: str, order: str) -> None:
    ids = [
        put_away(0, credential_id="a" * 64, problems=[Problem("object.definition.name", "is odd.")]),
        put_away(1, source="loader", code="conflict", problems=[Problem("id", "is taken.")]),
        put_away(2, code="conflict"),
        put_away(3, credential_id="ab", reason="100% wrong.", problems=[Problem("[3].actor", "is missing.")]),
    ]
    assert discard(doors, ids[2]).status_code == 200
    params, places = FILTERED[name]
    expected = [str(ids[place]) for place in sorted(places, reverse=order == "newest")]
    assert listed(doors, order=order, **params) == expected


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"source": "a\x00b"}, "?source"),
        ({"code": "\x00"}, "?code"),
        ({"credential": "\x00"}, "?credential"),
        ({"path": "\x00"}, "?path"),
        ({"text": "\x00"}, "?text"),
        ({"text": "x" * 501}, "?text"),
        ({"text": ""}, "?text"),
        ({"status": "closed"}, "?status"),
        ({"since": "2026-03-02T08:00:00"}, "?since"),
        ({"until": "yesterday"}, "?until"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "?since"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "?until"),
        ({"limit": "0"}, "?limit"),
        ({"limit": "201"}, "?limit"),
        ({"order": "random"}, "?order"),
        ({"colour": "red"}, "?colour"),
        ({"after": "\x00"}, "?after"),
        ({"after": "n1-2"}, "?after"),
        ({"after": "n99999999999999999-" + "-" * 36}, "?after"),
        ({"after": f"o1700000000000000-{uuid4()}"}, "?after"),
    ],
)
def test_a_filter_that_makes_no_sense_is_told_by_its_name(doors: Doors, params: Json, path: str) -> None:
    answer = look(doors, **params)
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, path)


def test_moments_at_the_edge_of_time_find_everything_or_nothing(doors: Doors) -> None:
    put_away()
    assert len(listed(doors, since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59Z")) == 1
    assert len(listed(doors, since="2026-03-03T07:59:00+23:59", until="2026-03-01T08:02:00-23:59")) == 1
    assert listed(doors, since="9999-12-31T23:59:59Z") == []
    assert listed(doors, after=f"n{10**17 - 1}-{uuid4()}") != []


def test_pages_from_the_newest_neither_repeat_nor_skip_while_letters_arrive(doors: Doors) -> None:
    """Letters of one moment are told apart by their id."""
    ids = [str(put_away(number // 2, body=f"{number}".encode())) for number in range(7)]
    shown: list[str] = []
    more = None
    for arrival in range(100, 104):
        page = look(doors, limit=2, **({"after": more} if more else {})).json()
        shown += [one["id"] for one in page["letters"]]
        assert (page["totals"] is None) == (more is not None)
        more = page["more"]
        put_away(arrival)
    assert more is None
    assert len(shown) == 7
    assert set(shown) == set(ids)
    assert shown == sorted(shown, key=lambda one: (letter(one).last_seen_at, UUID(one)), reverse=True)


def test_pages_from_the_oldest_miss_nothing_though_letters_are_seen_again(doors: Doors) -> None:
    ids = [str(put_away(number)) for number in range(6)]
    shown: list[str] = []
    more = None
    while True:
        page = look(doors, limit=2, order="oldest", **({"after": more} if more else {})).json()
        shown += [one["id"] for one in page["letters"]]
        if (more := page["more"]) is None:
            break
        with clock.set_now(START + timedelta(days=1)), session_scope() as db:
            bury(
                db, Letter(source="door", code="invalid_statement", reason="Again.", body=f"body {len(shown)}".encode())
            )
    assert shown == ids
    assert set(listed(doors, limit=2)) == {ids[2], ids[4]}


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_page_looks_at_a_bounded_number_of_letters_and_goes_on_behind_them(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(queries, "WALKED_AT_MOST_LETTERS", 3)
    rare = {str(put_away(number, code="conflict" if number in (2, 7) else "x")) for number in range(10)}
    rare = {one for one in rare if letter(one).code == "conflict"}
    pages: list[list[str]] = []
    more = None
    while True:
        page = look(doors, code="conflict", order=order, limit=5, **({"after": more} if more else {})).json()
        pages.append([one["id"] for one in page["letters"]])
        if (more := page["more"]) is None:
            break
    assert len(pages) == 4
    assert [len(page) for page in pages] == [1, 0, 1, 0]
    assert {one for page in pages for one in page} == rare
    # A full page goes on behind its last letter, not behind the last one that was looked at.
    full = look(doors, code="x", order=order, limit=1).json()
    [following] = listed(doors, code="x", order=order, limit=1, after=full["more"])
    walked = [one for one in listed(doors, order=order) if letter(one).code == "x"]
    assert [full["letters"][0]["id"], following] == walked[:2]


def test_all_of_a_letter(doors: Doors) -> None:
    letter_id, statement = turned_away(doors)
    doors.put({k: v for k, v in statement.items() if k != "verb"}, statement["id"])
    shown = look(doors, f"/{letter_id}").json()
    kept = letter(letter_id)
    assert (shown["body"].encode(), shown["body_encoding"], shown["size_bytes"]) == (kept.body, "utf-8", len(kept.body))
    assert shown["problems"][0]["path"] == shown["path"] == "verb"
    assert (shown["seen_count"], shown["attempts"], shown["status"]) == (2, 0, "open")
    assert shown["first_seen_at"] < shown["last_seen_at"]
    assert (shown["statement_id"], shown["content_type"]) == (statement["id"], "application/json")
    assert shown["request_id"] == kept.request_id
    assert "new body" in shown["advice"]
    assert (shown["resolved_at"], shown["history"]) == (None, [])


def test_who_sent_it_is_named(doors: Doors) -> None:
    letter_id, _ = turned_away(doors.holding("statements/write"))
    assert look(doors, f"/{letter_id}").json()["credential_name"] == "statements/write"


@pytest.mark.parametrize(
    "body",
    [b"\xff\x00\xfe", b'{"a": "\\ud800"}', b'{"a": "\\u0000"}', b"a\x00b", b"", b"\xed\xa0\x80", "Milch €".encode()],
)
def test_every_body_comes_back_byte_by_byte(doors: Doors, body: bytes) -> None:
    letter_id = put_away(body=body)
    shown = look(doors, f"/{letter_id}").json()
    decoded = {"utf-8": str.encode, "base64": base64.b64decode}[shown["body_encoding"]](shown["body"])
    assert decoded == body
    assert (shown["body_encoding"] == "utf-8") == (body.decode(errors="replace").encode() == body)
    answer = look(doors, f"/{letter_id}/body")
    assert answer.content == body
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="dead-letter-{letter_id}.bin"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/{id}", "/{id}/body", "/{id}/replay", "/{id}/discard"])
@pytest.mark.parametrize(("letter_id", "status"), [(uuid4(), 404), ("none", 400), ("%00", 400), (" ", 400)])
def test_an_unknown_letter_is_a_404_and_no_id_a_400(doors: Doors, path: str, letter_id: Any, status: int) -> None:
    method = "POST" if path.endswith(("replay", "discard")) else "GET"
    body = {"reason": "why"} if "discard" in path else None
    answer = doors.client.request(method, LIST + path.format(id=letter_id), json=body, headers=doors.admin)
    assert answer.status_code == status
    assert answer.json()["code"] == {404: "not_found", 400: "bad_request"}[status]


# --- giving up ----------------------------------------------------------------------------------------------------


def test_a_discarded_letter_says_why_and_a_repeat_opens_it_again(doors: Doors) -> None:
    letter_id, statement = turned_away(doors)
    answer = discard(doors, letter_id, "  A test\u2028of the sender's. ")
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["resolution"]) == ("discarded", "A test\u2028of the sender's.")
    assert (shown["resolved_by"], shown["resolved_at"] is None) == ("admin token", False)
    assert [act["act"] for act in shown["history"]] == ["dead_letter.discard"]
    assert discard(doors, letter_id, "Another reason.").json()["resolution"] == "A test\u2028of the sender's."
    reason = {"reason": "A test\u2028of the sender's."}
    assert audited() == [("admin token", "dead_letter.discard", f"dead_letter:{letter_id}", reason)]
    assert doors.client.get("/api/debug/pipeline", headers=doors.admin).json()["dead_letters"] == 0
    assert turned_away(doors, {k: v for k, v in statement.items() if k != "verb"})[0] == letter_id
    again = look(doors, f"/{letter_id}").json()
    assert (again["status"], again["seen_count"]) == ("open", 2)
    assert (again["resolved_at"], again["resolved_by"], again["resolution"]) == (None, None, None)
    assert len(again["history"]) == 1


def test_a_discarded_letter_can_still_be_replayed_but_not_the_other_way_round(doors: Doors, drain: Drain) -> None:
    letter_id, statement = turned_away(doors)
    discard(doors, letter_id)
    assert replay(doors, letter_id).status_code == 400
    assert letter(letter_id).status == "discarded"
    assert replay(doors, letter_id, body=text_of(statement)).json()["status"] == "replayed"
    answer = discard(doors, letter_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    drain()
    assert recorded()[1] == {statement["id"]}
    assert letter(letter_id).status == "replayed"
    assert letter(letter_id).resolution is None


def test_a_replayed_letter_opens_again_when_its_bytes_are_turned_away_again(doors: Doors, drain: Drain) -> None:
    letter_id, statement = turned_away(doors)
    replay(doors, letter_id, body=text_of(statement))
    drain()
    assert turned_away(doors, {k: v for k, v in statement.items() if k != "verb"})[0] == letter_id
    assert letter(letter_id).status == "open"
    assert replay(doors, letter_id, body=text_of(statement)).json()["outcome"] == "replayed"
    drain()
    assert recorded()[1] == {statement["id"]}


@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 501, "a\x00b", 7, "\ud800"])
def test_a_reason_is_needed(doors: Doors, reason: object) -> None:
    letter_id, _ = turned_away(doors)
    content = b'{"reason": "\\ud800"}' if reason == "\ud800" else orjson.dumps({"reason": reason} if reason else {})
    headers = {**doors.admin, "Content-Type": "application/json"}
    answer = doors.client.post(f"{LIST}/{letter_id}/discard", content=content, headers=headers)
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, "reason")
    assert letter(letter_id).status == "open"


def test_nothing_is_counted_twice_in_the_totals(doors: Doors) -> None:
    ids = [put_away(number, code="conflict" if number > 2 else "x") for number in range(5)]
    discard(doors, ids[0])
    assert look(doors, source="nowhere").json()["totals"] == [
        {"status": "discarded", "code": "x", "source": "door", "letters": 1},
        {"status": "open", "code": "conflict", "source": "door", "letters": 2},
        {"status": "open", "code": "x", "source": "door", "letters": 2},
    ]
