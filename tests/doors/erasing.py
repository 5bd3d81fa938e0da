"""A learner of whom something is in every table, and ways to look for what is left of them."""

import json
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID

import pytest
import redis
from sqlalchemy import func, select, text

from app.config import get_settings
from app.database import session_scope
from app.models import User
from tests.conftest import Doors
from tests.doors.test_learners import ask
from tests.statements import answered, completed
from tests.warehouse.record import refers_to, voids

EMAIL, NAME, NUMBER = "ann.lee@example.org", "Ann Lee-Okonkwo", "+15550100123"
DIGEST = sha1(f"mailto:{EMAIL}".encode()).hexdigest()
ANN = {"mbox": f"mailto:{EMAIL}", "name": NAME}
BEN = {"mbox": "mailto:ben@example.org", "name": "Ben"}
JO = "jo.ann.lee@example.org"
ACCOUNT = {"homePage": "https://school.example/a", "name": "17"}
STATE = "/xapi/activities/state"


def places_of(*words: str) -> dict[str, list[str]]:
    """In which columns of which tables each of these words stands, whatever the type of the column."""
    found: dict[str, list[str]] = {word: [] for word in words}
    with session_scope() as db:
        columns = db.execute(
            text(
                "SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM information_schema.columns c "
                "JOIN information_schema.tables t USING (table_schema, table_name) WHERE t.table_type = 'BASE TABLE' "
                "AND c.table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
        ).all()
        assert {"text", "jsonb", "json", "bytea", "ARRAY"} <= {column.data_type for column in columns}
        for schema, table, column, kind in columns:
            value = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            for word in words:
                query = text(f'SELECT count(*) FROM "{schema}"."{table}" WHERE {value} ILIKE :word')
                if db.scalar(query, {"word": f"%{word}%"}):
                    found[word].append(f"{schema}.{table}.{column}")
    return found


def in_redis(word: str) -> list[bytes]:
    client = redis.Redis.from_url(get_settings().required_redis_url)
    return [key for key in client.scan_iter() if word.encode() in (client.dump(key) or b"") or word.encode() in key]


@pytest.fixture
def world(doors: Doors, drain: Callable[[], int]) -> dict[str, Any]:
    """Ann everywhere, and others beside her."""
    plan = {"name": "Spring", "learners": [{"name": NAME, "email": EMAIL, "phone": NUMBER}, {"name": "Ben", **ben()}]}
    ask(doors, "PUT", "/api/cohorts/spring", **plan)
    signup = {"name": NAME, "email": EMAIL, "avatar": "annie", "cohort": "spring"}
    assert doors.client.post("/api/signup", json=signup).status_code == 200
    mine = completed(EMAIL.upper(), 1, actor=ANN)
    hers = [
        mine,
        completed(number=2, actor={"mbox_sha1sum": DIGEST}),
        answered(EMAIL, 3, response="my own words"),
        completed(number=4, actor={"account": {"homePage": "https://app.7taps.com", "name": NUMBER}}),
        completed(number=5, actor=BEN, context={"instructor": ANN}),
        completed(number=6, actor={"objectType": "Group", "name": "Team", "member": [ANN, BEN]}),
        completed(number=7, actor=BEN, result={"response": f"write to {EMAIL} please"}),
    ]
    gone_before = completed(EMAIL, 8, actor=ANN)
    bens = [completed(number=1, actor=BEN), completed(JO, 1, actor={"mbox": f"mailto:{JO}", "name": "Jo"})]
    reference = refers_to(mine, actor=BEN)
    voiding = voids(gone_before)
    doors.post([*hers, gone_before, *bens, reference, voiding])
    escaped = (
        json.dumps(completed(EMAIL, 9, actor=ANN)).replace("@", "\\u0040").replace("example.org", "example\\u002eorg")
    )
    answer = doors.client.post(
        "/xapi/statements",
        content=escaped,
        auth=doors.sender,
        headers={"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    _attach(doors)
    doors.post({"actor": ANN, "verb": {"id": "not an iri"}, "object": {"id": "x:y"}})
    doors.post({"actor": BEN, "verb": {"id": "not an iri"}, "object": {"id": "x:y"}})
    activity = "https://app.7taps.com/lessons/1"
    headers = {"X-Experience-API-Version": "1.0.3", "Content-Type": "text/plain", "If-None-Match": "*"}
    for agent, word in ((ANN, "here"), (BEN, "there")):
        own = {"agent": json.dumps({"mbox": agent["mbox"]})}
        for path, more in (
            (STATE, {"activityId": activity, "stateId": "place"}),
            ("/xapi/agents/profile", {"profileId": "p"}),
        ):
            put = doors.client.put(path, params={**own, **more}, content=word, auth=doors.sender, headers=headers)
            assert put.status_code == 204, put.text
    drain()
    with session_scope() as db:
        ids = {str(user.email): user.id for user in db.scalars(select(User))}
    return {"ann": ids[EMAIL], "ben": ids["ben@example.org"], "jo": ids[JO], "reference": reference["id"]}


def ben() -> dict[str, str]:
    return {"email": "ben@example.org"}


def _attach(doors: Doors) -> None:
    """Two attachments of hers: one that is hers alone, and one that Ben refers to as well."""
    shared, own = b"for all of us", f"letter of {EMAIL}".encode()

    def described(content: bytes) -> dict[str, Any]:
        return {
            "usageType": "https://example.org/use",
            "display": {"en": "file"},
            "contentType": "text/plain",
            "length": len(content),
            "sha2": sha256(content).hexdigest(),
        }

    statements = [
        completed(EMAIL, 10, actor=ANN, attachments=[described(shared), described(own)]),
        completed(number=10, actor=BEN, attachments=[described(shared)]),
    ]
    parts = [f"Content-Type: application/json\r\n\r\n{json.dumps(statements)}".encode()]
    for content in (shared, own):
        head = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
        parts.append(f"{head}{sha256(content).hexdigest()}\r\n\r\n".encode() + content)
    body = b"".join(b"--cut\r\n" + part + b"\r\n" for part in parts) + b"--cut--\r\n"
    headers = {"X-Experience-API-Version": "1.0.3", "Content-Type": "multipart/mixed; boundary=cut"}
    answer = doors.client.post("/xapi/statements", content=body, auth=doors.sender, headers=headers)
    assert answer.status_code == 200, answer.text


def erase(doors: Doors, learner: UUID, **query: Any) -> Any:
    return doors.client.delete(f"/api/learners/{learner}", params=query, headers=doors.admin)


def sizes() -> dict[str, int]:
    from app.registry import TABLES

    found: dict[str, int] = {}
    with session_scope() as db:
        for table in TABLES.sorted_tables:
            schema = table.schema or "public"
            found[f"{schema}.{table.name}"] = db.scalar(select(func.count()).select_from(table)) or 0
    return found
