"""What the tests of the quarantine share: burying, looking, replaying, and what the record holds after that."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from app.audit import AuditEntry
from app.config import get_settings
from app.database import session_scope
from app.ingest.dead_letters import Letter, bury
from app.ingest.models import DeadLetter
from app.models import StatementFlat, StatementRaw
from app.platform import clock
from app.platform.redis import async_redis_client
from app.publishing import Publisher
from tests.conftest import Doors
from tests.statements import completed

Drain = Callable[[], int]
Json = dict[str, Any]
LIST = "/api/dead-letters"
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def look(doors: Doors, where: str = "", /, **params: Any) -> Any:
    return doors.client.get(f"{LIST}{where}", params=params, headers=doors.admin)


def listed(doors: Doors, **params: Any) -> list[str]:
    answer = look(doors, **params)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["letters"]]


def replay(doors: Doors, letter_id: object, **mending: Any) -> Any:
    return doors.client.post(f"{LIST}/{letter_id}/replay", json=mending or None, headers=doors.admin)


def replay_many(doors: Doors, **wanted: Any) -> Any:
    content, headers = json.dumps(wanted), {**doors.admin, "Content-Type": "application/json"}
    return doors.client.post(f"{LIST}/replay", content=content, headers=headers)


def discard(doors: Doors, letter_id: object, reason: object = "A test of the sender's.") -> Any:
    return doors.client.post(f"{LIST}/{letter_id}/discard", json={"reason": reason}, headers=doors.admin)


def without_verb(**more: Any) -> Json:
    return {key: value for key, value in completed(**more).items() if key != "verb"}


def turned_away(doors: Doors, statement: Json | None = None) -> tuple[str, Json]:
    """A PUT that the door refuses. Returns the letter's id, and the statement as it should have been."""
    statement = statement or without_verb()
    answer = doors.put(statement, statement["id"])
    assert answer.status_code == 400
    return answer.json()["kept"], {**statement, "verb": completed()["verb"]}


def text_of(statement: Any) -> str:
    return orjson.dumps(statement).decode()


def letter(letter_id: object) -> DeadLetter:
    with session_scope() as db:
        return db.get_one(DeadLetter, UUID(str(letter_id)))


def only_letter() -> DeadLetter:
    with session_scope() as db:
        return db.scalars(select(DeadLetter)).one()


def recorded() -> tuple[set[str], set[str]]:
    """The ids in bronze and in silver."""
    with session_scope() as db:
        raw, flat = (db.scalars(select(column)) for column in (StatementRaw.id, StatementFlat.statement_id))
        return {str(one) for one in raw}, {str(one) for one in flat}


def audited() -> list[tuple[str, str, str, Json]]:
    with session_scope() as db:
        acts = db.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(one.actor, one.act, one.target, dict(one.detail)) for one in acts]


def put_away(number: int = 0, **more: Any) -> UUID:
    """Bury something, a minute later for each number."""
    about_it: Json = {"source": "door", "code": "invalid_statement", "reason": f"Reason {number}.", **more}
    with clock.set_now(START + timedelta(minutes=number)), session_scope() as db:
        return bury(db, Letter(body=about_it.pop("body", f"body {number}".encode()), **about_it))


def full_after(doors: Doors, entries: int) -> None:
    settings = get_settings()
    client = async_redis_client(settings.required_redis_url)
    doors.client.app.state.publisher = Publisher(client, settings.stream_name, entries)  # type: ignore[attr-defined]


def of_edition_2() -> Json:
    return completed(
        context={"contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}}]}
    )
