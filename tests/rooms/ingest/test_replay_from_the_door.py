"""Replaying what a door turned away: mended or as it is, one or several, alone or with attachments."""

import base64
import gzip
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import select

from app.database import session_scope
from app.etl_streaming import the_stream
from app.ingest import replay as replaying
from app.models import StatementRaw
from app.platform.keys import fingerprint
from tests.conftest import Doors
from tests.doors.test_xapi_attachments import IMAGE, TEXT, about, ask, read, send
from tests.rooms.ingest.quarantine import (
    Drain,
    audited,
    letter,
    look,
    of_edition_2,
    put_away,
    recorded,
    replay,
    text_of,
    turned_away,
    without_verb,
)
from tests.statements import completed


def test_a_put_goes_in_with_a_new_body_under_its_id_and_its_sender(doors: Doors, drain: Drain) -> None:
    letter_id, statement = turned_away(doors)
    without_id = {key: value for key, value in statement.items() if key != "id"}
    answer = replay(doors, letter_id, body=text_of(without_id))
    assert answer.status_code == 200, answer.text
    verdict = answer.json()
    assert (verdict["outcome"], verdict["status"], verdict["statement_ids"]) == (
        "replayed",
        "replayed",
        [statement["id"]],
    )
    assert the_stream().client.xlen(the_stream().name) == 1
    drain()
    assert recorded() == ({statement["id"]}, {statement["id"]})
    with session_scope() as db:
        raw = db.scalars(select(StatementRaw)).one()
        assert (raw.credential_id, raw.xapi_version) == (fingerprint(doors.sender[0]), "1.0.3")
    kept = look(doors, f"/{letter_id}").json()
    assert (kept["status"], kept["attempts"], kept["resolved_by"]) == ("replayed", 1, "admin token")
    assert kept["resolved_at"] is not None
    assert "verb" not in orjson.loads(kept["body"])
    detail = {"outcome": "replayed", "statements": 1, "changed": ["body"], "xapi_version": "1.0.3", "was": "open"}
    assert audited() == [("admin token", "dead_letter.replay", f"dead_letter:{letter_id}", detail)]
    assert kept["history"][0]["detail"] == detail
    assert text_of(without_id) not in text_of(audited())


def test_what_is_refused_again_stays_open_and_says_why(doors: Doors, drain: Drain) -> None:
    letter_id, statement = turned_away(doors)
    first = replay(doors, letter_id)
    assert (first.status_code, first.json()["code"], first.json()["kept"]) == (400, "invalid_statement", letter_id)
    assert [one["path"] for one in first.json()["problems"]] == ["verb"]
    second = replay(doors, letter_id, body=text_of({**statement, "actor": {"mbox": "sam"}}))
    assert [one["path"] for one in second.json()["problems"]] == ["actor.mbox"]
    third = replay(doors, letter_id, body="[1, 2")
    assert third.json()["problems"][0]["path"] == "$"
    drain()
    assert recorded() == (set(), set())
    kept = letter(letter_id)
    assert (kept.status, kept.attempts, kept.path, kept.seen_count) == ("open", 3, "verb", 1)
    assert [detail["outcome"] for *_, detail in audited()] == ["refused"] * 3
    assert audited()[1][3] == {"outcome": "refused", "code": "invalid_statement", "problems": 1, "changed": ["body"]}
    assert replay(doors, letter_id, body=text_of(statement)).status_code == 200


def test_an_array_goes_in_whole_and_only_once_though_the_first_replay_was_cut_short(
    doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements without an id get one that the letter and their place decide."""
    good = {key: value for key, value in completed().items() if key != "id"}
    named = completed("kim@example.org")
    letter_id = doors.post([good, {**good, "verb": 1}, named]).json()["kept"]
    body = text_of([good, good, named])
    with monkeypatch.context() as cut:
        cut.setattr(replaying, "note_replayed", lambda *_: 1 / 0)
        assert replay(doors, letter_id, body=body).status_code == 500
    assert letter(letter_id).status == "open"
    drain()
    first = recorded()[1]
    assert len(first) == 3
    again = replay(doors, letter_id, body=body).json()
    assert again["outcome"] == "replayed"
    assert again["statement_ids"][2] == named["id"]
    drain()
    assert recorded() == (first, first) == ({*again["statement_ids"]},) * 2
    assert [str(one) for one in letter(letter_id).statement_ids or ()] == again["statement_ids"]


def test_replayed_twice_it_is_stored_once_and_the_second_answer_says_so(doors: Doors, drain: Drain) -> None:
    letter_id, statement = turned_away(doors)
    assert replay(doors, letter_id, body=text_of(statement)).json()["outcome"] == "replayed"
    drain()
    second = replay(doors, letter_id, body=text_of({**statement, "id": str(uuid4())}))
    assert (second.status_code, second.json()["outcome"]) == (200, "replayed_before")
    assert second.json()["statement_ids"] == [statement["id"]]
    assert "admin token" in second.json()["detail"]
    assert drain() == 0
    assert recorded()[0] == {statement["id"]}
    assert len(audited()) == 1


def test_a_conflict_needs_another_id(doors: Doors, drain: Drain) -> None:
    first = completed()
    doors.put(first, first["id"])
    drain()
    other = {**first, "timestamp": "2026-03-09T08:00:00Z"}
    letter_id = doors.put(other, first["id"]).json()["kept"]
    assert "another id" in look(doors, f"/{letter_id}").json()["advice"]
    for refused in (
        replay(doors, letter_id),
        replay(doors, letter_id, body=text_of({**other, "timestamp": "2026-04-01T08:00:00Z"})),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert refused.json()["problems"][0]["path"] == "id"
        assert "another id" in refused.json()["detail"]
    assert (letter(letter_id).status, letter(letter_id).attempts) == ("open", 2)
    new_id = str(uuid4())
    assert replay(doors, letter_id, body=text_of({**other, "id": new_id})).json()["statement_ids"] == [new_id]
    drain()
    assert recorded() == ({first["id"], new_id},) * 2


def test_a_body_without_an_id_can_be_given_one(doors: Doors, drain: Drain) -> None:
    first = completed()
    doors.put(first, first["id"])
    drain()
    other = {key: value for key, value in first.items() if key != "id"} | {"timestamp": "2026-03-09T08:00:00Z"}
    letter_id = doors.put(other, first["id"]).json()["kept"]
    new_id = str(uuid4())
    assert replay(doors, letter_id, statement_id=new_id).json()["statement_ids"] == [new_id]
    drain()
    assert recorded()[1] == {first["id"], new_id}


def test_a_put_that_named_no_statement_goes_in_under_the_id_in_its_body(doors: Doors, drain: Drain) -> None:
    statement = completed()
    letter_id = doors.client.put("/api/xapi/statements", json=statement, auth=doors.sender).json()["kept"]
    assert replay(doors, letter_id).json()["statement_ids"] == [statement["id"]]
    nameless = {key: value for key, value in completed().items() if key != "id"}
    letter_id = doors.put(nameless, "no id").json()["kept"]
    refused = replay(doors, letter_id)
    assert (refused.status_code, refused.json()["problems"][0]["path"]) == (400, "statement_id")
    wanted = str(uuid4())
    assert replay(doors, letter_id, statement_id=wanted).status_code == 200
    drain()
    assert recorded()[1] == {statement["id"], wanted}


def test_json_under_a_wrong_content_type_goes_in_as_it_is(doors: Doors, drain: Drain) -> None:
    statement = completed()
    letter_id = doors.post(statement, **{"Content-Type": "text/plain"}).json()["kept"]
    assert replay(doors, letter_id).status_code == 200
    drain()
    assert recorded()[1] == {statement["id"]}


def test_a_new_body_of_json_keeps_the_attachments_of_the_old_one(doors: Doors, drain: Drain) -> None:
    bad = without_verb(attachments=[about(IMAGE)])
    letter_id = send(doors, bad, ("image/png", IMAGE)).json()["kept"]
    assert replay(doors, letter_id).json()["problems"][0]["path"] == "verb"
    good = {**bad, "verb": completed()["verb"]}
    other = replay(doors, letter_id, body=text_of({**good, "attachments": [about(TEXT)]}))
    assert other.json()["problems"][0]["path"] == "attachments[0]"
    assert replay(doors, letter_id, body=text_of(good)).status_code == 200
    drain()
    _, parts = read(ask(doors, attachments="true"))
    assert [data for _, data in parts.values()] == [IMAGE]


def test_a_new_body_of_json_need_not_keep_them_all(doors: Doors, drain: Drain) -> None:
    bad = without_verb(attachments=[about(IMAGE), about(TEXT, "text/plain")])
    letter_id = send(doors, bad, ("image/png", IMAGE), ("text/plain", TEXT)).json()["kept"]
    good = {**bad, "verb": completed()["verb"], "attachments": [about(IMAGE)]}
    assert replay(doors, letter_id, body=text_of(good)).status_code == 200
    drain()
    assert [data for _, data in read(ask(doors, attachments="true"))[1].values()] == [IMAGE]


def test_a_new_body_may_be_multipart_itself(doors: Doors, drain: Drain) -> None:
    statement = completed(attachments=[about(IMAGE)])
    letter_id = doors.post(statement).json()["kept"]
    assert replay(doors, letter_id).json()["problems"][0]["path"] == "attachments[0]"
    sha2 = about(IMAGE)["sha2"]
    head = f"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\n"
    body = b"--new\r\nContent-Type: application/json\r\n\r\n" + orjson.dumps(statement) + b"\r\n--new\r\n"
    body += head.encode() + IMAGE + b"\r\n--new--\r\n"
    answer = replay(
        doors, letter_id, body_base64=base64.b64encode(body).decode(), content_type="multipart/mixed; boundary=new"
    )
    assert answer.status_code == 200, answer.text
    drain()
    assert [data for _, data in read(ask(doors, attachments="true"))[1].values()] == [IMAGE]


def test_what_came_compressed_and_broken_needs_a_new_body(doors: Doors, drain: Drain) -> None:
    statement = completed()
    answer = doors.client.post(
        "/api/xapi/statements",
        content=gzip.compress(orjson.dumps(statement))[:-9],
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        auth=doors.sender,
    )
    letter_id = answer.json()["kept"]
    assert look(doors, f"/{letter_id}").json()["body_encoding"] == "base64"
    refused = replay(doors, letter_id)
    assert (refused.status_code, refused.json()["problems"][0]["message"][:12]) == (400, "is not whole")
    assert replay(doors, letter_id, body=text_of(statement)).status_code == 200
    drain()
    assert recorded()[1] == {statement["id"]}


@pytest.mark.parametrize(("known", "asked"), [("2.0.0", None), (None, "2.0"), ("1.0.3", "2.0.0")])
def test_a_letter_is_read_by_the_edition_it_was_sent_under_unless_another_is_named(
    doors: Doors, drain: Drain, known: str | None, asked: str | None
) -> None:
    statement = of_edition_2()
    letter_id = put_away(body=orjson.dumps(statement), xapi_version=known)
    if known != "2.0.0":
        assert replay(doors, letter_id).status_code == 400
    answer = replay(doors, letter_id, **({"xapi_version": asked} if asked else {}))
    assert answer.status_code == 200, answer.text
    drain()
    with session_scope() as db:
        assert db.scalars(select(StatementRaw.xapi_version)).all() == ["2.0.0"]
