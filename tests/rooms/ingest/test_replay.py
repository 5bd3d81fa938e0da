"""What happens around a replay: the same bytes again, another replay at once, a letter that is gone."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import delete, select

from app.accounts.credentials import environment_key, register
from app.audit import AuditEntry
from app.database import session_scope
from app.errors import NotFound, Unavailable
from app.etl_incremental import flatten_statement
from app.ingest.dead_letters import Letter, bury
from app.ingest.mending import Fix
from app.ingest.models import DeadLetter
from app.ingest.replay import UNCHANGED, Replayer, Verdict
from app.ingest.schemas import LetterFilter
from app.platform import keys
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")
LETTER: dict[str, Any] = {"source": "stream", "code": "failed", "reason": "No room.", "body": orjson.dumps(completed())}


def put_away(**more: Any) -> UUID:
    with session_scope() as db:
        return bury(db, Letter(**LETTER | more))


def letter(letter_id: UUID) -> DeadLetter:
    with session_scope() as db:
        return db.get_one(DeadLetter, letter_id)


def replayer(take: Any) -> Replayer:
    return Replayer(take=take, flatten=flatten_statement, actor="a test", max_statements=10)


def replay(letter_id: UUID, take: Any, fix: Fix = UNCHANGED) -> Verdict:
    return asyncio.run(replayer(take).one(letter_id, fix))


async def gladly(*_: Any) -> None:
    """Take everything."""


def test_a_letter_whose_bytes_fail_again_at_once_stays_open() -> None:
    """The worker may be quicker than we are: what it buries while we wait is not closed behind its back."""
    letter_id = put_away()

    async def fails_behind_the_door(*_: Any) -> None:
        put_away(attempts=6)

    verdict = replay(letter_id, fails_behind_the_door)
    assert (verdict.outcome, verdict.status, "again" in verdict.detail) == ("replayed", "open", True)
    assert (letter(letter_id).status, letter(letter_id).seen_count, letter(letter_id).resolved_at) == ("open", 2, None)
    assert replay(letter_id, gladly).status == "replayed"


def test_two_replays_at_once_end_in_one_closed_letter() -> None:
    letter_id = put_away()

    async def both() -> list[Verdict]:
        met = asyncio.Barrier(2)

        async def take(*_: Any) -> None:
            await met.wait()

        one = replayer(take)
        return list(await asyncio.gather(one.one(letter_id), one.one(letter_id)))

    verdicts = asyncio.run(both())
    assert {(one.outcome, one.status) for one in verdicts} == {("replayed", "replayed")}
    assert verdicts[0].statement_ids == verdicts[1].statement_ids
    assert letter(letter_id).attempts == 1


def test_a_letter_that_is_deleted_meanwhile_is_stored_all_the_same() -> None:
    letter_id = put_away()

    async def gone(*_: Any) -> None:
        with session_scope() as db:
            db.execute(delete(DeadLetter))

    verdict = replay(letter_id, gone)
    assert (verdict.outcome, verdict.status) == ("replayed", None)
    with pytest.raises(NotFound):
        replay(letter_id, gladly)


def test_a_sender_nobody_knows_any_more_may_still_be_the_authority() -> None:
    taken: list[Any] = []

    async def take(*given: Any) -> None:
        taken.append(given)

    for credential_id in ("f" * 64, None):
        replay(put_away(credential_id=credential_id, body=orjson.dumps(completed())), take)
    assert [(sender.id, sender.may("define")) for sender, *_ in taken] == [("f" * 64, True), ("internal", True)]


def test_every_letter_is_tried_once_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ingest.replay.REPLAYED_AT_ONCE_LETTERS", 2)
    good = [put_away(body=orjson.dumps(completed())) for _ in range(3)]
    bad = [put_away(body=str(number).encode()) for number in range(2)]

    async def everything(ids: list[UUID]) -> list[list[UUID]]:
        return [[one.id for one in part.results] async for part in replayer(gladly).everything(ids, LetterFilter())]

    assert asyncio.run(everything([*bad, good[0]])) == [bad, good[:1]]
    assert asyncio.run(everything([])) == [[*good[1:], *bad]]


def test_all_of_them_ends_when_nothing_takes_statements_any_more() -> None:
    ids = [put_away(body=orjson.dumps(completed())) for _ in range(3)]
    taken: list[Any] = []

    async def take(*given: Any) -> None:
        if taken:
            raise Unavailable()
        taken.append(given)

    async def everything() -> list[tuple[int, list[UUID]]]:
        parts = replayer(take).everything([], LetterFilter())
        return [(part.replayed, part.not_tried) async for part in parts]

    assert asyncio.run(everything()) == [(1, ids[1:])]


def test_the_key_of_the_settings_may_what_the_settings_say() -> None:
    pair = keys.new_key_pair()
    own = environment_key(pair.public_pem)
    with session_scope() as db:
        register(db, name="the same", public_key=keys.one_line(pair.public_pem), scopes=["statements/write"])
    taken: list[Any] = []

    async def take(*given: Any) -> None:
        taken.append(given)

    for key in (own, None):
        letter_id = put_away(credential_id=own.id, body=orjson.dumps(completed()))
        asyncio.run(replace(replayer(take), own_key=key).one(letter_id))
    assert [sender.may("define") for sender, *_ in taken] == [True, False]


def test_audit_rows_name_the_actor_and_hold_no_words_of_the_body() -> None:
    letter_id = put_away(body=b'{"actor": {"mbox": "mailto:secret@example.org"}}')
    replay(letter_id, gladly)
    replay(letter_id, gladly, Fix(orjson.dumps(completed("secret@example.org")), statement_id=None))
    with session_scope() as db:
        acts = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [(one.actor, one.detail["outcome"]) for one in acts] == [("a test", "refused"), ("a test", "replayed")]
        assert "secret" not in str([one.detail for one in acts])


@pytest.mark.parametrize("known", [None, "2.0.0"])
def test_a_repeat_keeps_what_is_known_and_learns_what_is_not(known: str | None) -> None:
    told = [uuid4()]
    letter_id = put_away(xapi_version="1.0.3" if known is None else None, statement_ids=told)
    put_away(xapi_version=known)
    assert letter(letter_id).xapi_version == (known or "1.0.3")
    assert letter(letter_id).statement_ids == told


def test_whatever_stood_on_the_stream_can_be_put_away() -> None:
    odd = "a\x00b\ud800"
    letter_id = put_away(credential_id=odd, request_id=odd, xapi_version=odd, content_type=odd, reason=odd)
    kept = letter(letter_id)
    assert {kept.credential_id, kept.request_id, kept.xapi_version, kept.content_type, kept.reason} == {"a\ufffdb?"}
    assert replay(letter_id, gladly).outcome == "replayed"
