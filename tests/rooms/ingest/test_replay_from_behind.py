"""Replaying what was turned away behind the doors: on the stream, by the loader, by the sweep; and as whose."""

from uuid import UUID, uuid4

import dramatiq
import orjson
import pytest
from sqlalchemy import select, update

from app import etl_incremental
from app.accounts import credentials
from app.config import get_settings
from app.consumers.statement_stream import StatementConsumer
from app.database import session_scope
from app.etl_streaming import QuarantineMiddleware, as_text, process_statement, the_stream
from app.ingest.models import DeadLetter
from app.jobs import reconcile
from app.models import StatementRaw
from app.platform.keys import fingerprint
from app.platform.redis import async_redis_client
from app.publishing import Publisher
from app.streaming import StreamEntry, publish_statement
from tests.conftest import Doors
from tests.doors.test_xapi_attachments import IMAGE, about, send
from tests.rooms.ingest.quarantine import (
    Drain,
    Json,
    letter,
    only_letter,
    put_away,
    recorded,
    replay,
    text_of,
    turned_away,
)
from tests.statements import completed


def test_fields_from_the_stream_that_hold_no_body_need_one(doors: Doors, drain: Drain) -> None:
    the_stream().client.xadd(the_stream().name, {b"\xff": b"\x00\x01"})
    drain()
    kept = only_letter()
    assert (kept.source, kept.credential_id) == ("stream", None)
    assert replay(doors, kept.id).status_code == 400
    statement = completed()
    assert replay(doors, kept.id, body=text_of(statement)).status_code == 200
    drain()
    assert recorded()[1] == {statement["id"]}


def test_an_entry_that_did_not_fit_together_goes_in_by_its_body(doors: Doors, drain: Drain) -> None:
    statement = completed()
    entry = StreamEntry(orjson.dumps(statement), (uuid4(), uuid4()), None, "1.0.3", "f" * 64).fields()
    the_stream().client.xadd(the_stream().name, entry)  # type: ignore[arg-type]
    drain()
    kept = only_letter()
    assert (kept.source, kept.code) == ("stream", "unreadable")
    assert replay(doors, kept.id).json()["statement_ids"] == [statement["id"]]
    drain()
    with session_scope() as db:
        assert db.scalars(select(StatementRaw.credential_id)).all() == ["f" * 64]


def test_a_job_whose_retries_ran_out_goes_in_once_the_cause_is_mended(doors: Doors, drain: Drain) -> None:
    statement = completed()
    doors.put(statement, statement["id"])
    consumer = StatementConsumer(the_stream(), get_settings())
    consumer.join_group()
    [(message_id, fields)] = consumer.take()
    message = process_statement.message(message_id, as_text(fields))
    QuarantineMiddleware().after_nack(dramatiq.get_broker(), message.copy(options={"traceback": "OSError: full"}))
    kept = only_letter()
    assert (kept.source, kept.code) == ("stream", "failed")
    assert replay(doors, kept.id).json()["outcome"] == "replayed"
    drain()
    assert recorded() == ({statement["id"]},) * 2


def test_ids_that_the_sender_was_told_stay_the_ids(doors: Doors, drain: Drain) -> None:
    nameless = {key: value for key, value in completed().items() if key != "id"}
    told = [uuid4(), uuid4()]
    letter_id = put_away(source="stream", code="failed", body=orjson.dumps([nameless, nameless]), statement_ids=told)
    assert replay(doors, letter_id).json()["statement_ids"] == [str(one) for one in told]
    drain()
    assert recorded()[1] == {str(one) for one in told}


def test_what_the_loader_could_not_flatten_is_replayed_when_it_can(
    doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = completed()
    with monkeypatch.context() as broken:
        broken.setattr(etl_incremental, "person_of", lambda _: 1 / 0)
        doors.put(statement, statement["id"])
        drain()
        kept = only_letter()
        assert (kept.source, kept.code, str(kept.statement_id)) == ("loader", "unreadable", statement["id"])
        refused = replay(doors, kept.id)
        assert refused.status_code == 400
        assert "ZeroDivisionError" in refused.json()["problems"][0]["message"]
        assert the_stream().client.xlen(the_stream().name) == 0
    assert replay(doors, kept.id).status_code == 200
    drain()
    assert recorded() == ({statement["id"]},) * 2


def test_what_lost_against_another_statement_behind_the_door_needs_another_id(doors: Doors, drain: Drain) -> None:
    first = completed()
    other = {**first, "timestamp": "2026-03-09T08:00:00Z"}
    for one in (first, other):
        publish_statement(the_stream(), orjson.dumps(one), credential_id="f" * 64)
    drain()
    kept = only_letter()
    assert (kept.source, kept.code) == ("loader", "conflict")
    refused = replay(doors, kept.id)
    assert (refused.status_code, refused.json()["problems"][0]["path"]) == (409, "id")
    new_id = str(uuid4())
    assert replay(doors, kept.id, body=text_of({**other, "id": new_id})).status_code == 200
    drain()
    assert recorded()[1] == {first["id"], new_id}


def test_attachments_that_are_in_the_record_come_along(doors: Doors, drain: Drain) -> None:
    """The loader keeps them before it looks at their statements, so a letter of its own needs only their hashes."""
    first = completed(attachments=[about(IMAGE)])
    assert send(doors, first, ("image/png", IMAGE)).status_code == 200
    drain()
    other = {**first, "id": str(uuid4())}
    letter_id = put_away(source="loader", code="unreadable", body=orjson.dumps(other), statement_id=UUID(other["id"]))
    assert replay(doors, letter_id).status_code == 200
    drain()
    assert recorded()[1] == {first["id"], other["id"]}


def swept(doors: Doors, monkeypatch: pytest.MonkeyPatch, statement: Json) -> DeadLetter:
    """A statement that is in the record and that the sweep has given up."""
    doors.client.app.state.publisher = Publisher(async_redis_client("redis://127.0.0.1:1/0"), "s", 10)  # type: ignore[attr-defined]
    doors.put(statement, statement["id"])
    with monkeypatch.context() as broken:
        broken.setattr(etl_incremental, "flatten_statement", lambda _: 1 / 0)
        reconcile.sweep(100)
    return only_letter()


def test_what_the_sweep_gave_up_is_flattened_where_it_is(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = completed()
    kept = swept(doors, monkeypatch, statement)
    assert (kept.source, kept.status) == ("sweep", "open")
    reconcile.sweep(100)
    assert recorded() == ({statement["id"]}, set())
    assert replay(doors, kept.id).json()["outcome"] == "replayed"
    reconcile.sweep(100)
    assert recorded() == ({statement["id"]},) * 2
    assert letter(kept.id).status == "replayed"


def test_what_is_in_the_record_is_not_judged_by_the_rules_of_today(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken once; all that is asked is whether it can be flattened."""
    statement = completed()
    kept = swept(doors, monkeypatch, statement)
    older = {**statement, "colour": "red"}
    with session_scope() as db:
        db.execute(update(StatementRaw).values(payload=older))
        db.execute(update(DeadLetter).values(body=orjson.dumps(older)))
    assert replay(doors, kept.id).json()["outcome"] == "replayed"
    reconcile.sweep(100)
    assert recorded() == ({statement["id"]},) * 2


def test_what_is_in_the_record_is_not_changed_by_a_new_body(
    doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = completed()
    kept = swept(doors, monkeypatch, statement)
    other = {**statement, "timestamp": "2026-03-09T08:00:00Z"}
    assert replay(doors, kept.id, body=text_of(other)).status_code == 409
    new_id = str(uuid4())
    assert replay(doors, kept.id, body=text_of({**other, "id": new_id})).json()["statement_ids"] == [new_id]
    reconcile.sweep(100)
    assert recorded() == ({statement["id"], new_id}, {new_id})


def test_what_the_sweep_still_cannot_flatten_stays_open(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = completed()
    kept = swept(doors, monkeypatch, statement)
    with session_scope() as db:  # As a letter of a release that took what this one cannot flatten.
        db.execute(update(DeadLetter).values(body=b'{"actor": 1}'))
    refused = replay(doors, kept.id)
    assert (refused.status_code, letter(kept.id).status, letter(kept.id).attempts) == (400, "open", 1)
    with session_scope() as db:
        assert db.scalars(select(StatementRaw.flatten_error)).one() is not None


def test_a_repeat_by_the_door_also_frees_what_the_sweep_gave_up(
    doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same statement can lie in quarantine twice: the loader's letter must not be called stored while it is not."""
    statement = completed()
    swept(doors, monkeypatch, statement)
    letter_id = put_away(
        source="loader", code="unreadable", body=orjson.dumps(statement), statement_id=UUID(statement["id"])
    )
    assert replay(doors, letter_id).json()["outcome"] == "replayed"
    drain()
    reconcile.sweep(100)
    assert recorded() == ({statement["id"]},) * 2


@pytest.mark.parametrize("scopes", [("statements/write",), ("statements/write", "define")])
def test_a_revoked_sender_stays_the_authority(doors: Doors, drain: Drain, scopes: tuple[str, ...]) -> None:
    sender = doors.holding(*scopes)
    letter_id, statement = turned_away(sender)
    key = fingerprint(sender.sender[0])
    with session_scope() as db:
        credentials.revoke(db, key)
    assert replay(doors, letter_id, body=text_of(statement)).status_code == 200
    drain()
    with session_scope() as db:
        raw = db.scalars(select(StatementRaw)).one()
        assert (raw.credential_id, raw.defines) == (key, "define" in scopes)


def test_with_the_stream_away_a_replay_goes_into_the_record(doors: Doors) -> None:
    letter_id, statement = turned_away(doors)
    doors.client.app.state.publisher = Publisher(async_redis_client("redis://127.0.0.1:1/0"), "s", 10)  # type: ignore[attr-defined]
    assert replay(doors, letter_id, body=text_of(statement)).json()["status"] == "replayed"
    assert recorded() == ({statement["id"]}, set())
    reconcile.sweep(100)
    assert recorded() == ({statement["id"]},) * 2
