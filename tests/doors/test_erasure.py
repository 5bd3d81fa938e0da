"""A learner's data, told and erased: nothing of them is left in any table, and nothing of anybody else is gone."""

import gzip
import json
import zlib
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts.identifiers import Identifier
from app.accounts.personal import marks_of
from app.audit import AuditEntry
from app.config import get_settings
from app.database import session_scope
from app.ingest.models import DeadLetter
from app.ingest.traces import MAX_UNPACKED_BYTES, unpacked
from app.models import User
from app.warehouse import erasing
from tests.conftest import Doors
from tests.doors.test_learners import ask, gold_is_what_a_rebuild_makes
from tests.statements import answered, completed
from tests.warehouse.record import load, refers_to, voids

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


def test_nothing_of_the_erased_is_left_in_any_table(doors: Doors, world: dict[str, Any]) -> None:
    words = (EMAIL, DIGEST, NAME, NUMBER[1:], "my own words", "annie")
    # Two others hold her address as the end of theirs, so it is looked for with what stands before it in hers.
    assert all(places_of(*words).values()), places_of(*words)
    dry = erase(doors, world["ann"], dry_run="true").json()
    before = sizes()
    answer = erase(doors, world["ann"])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    found = places_of(*words[1:], f"mailto:{EMAIL}", f'"{EMAIL}', f" {EMAIL}")
    assert not any(found.values()), found
    with session_scope() as db:
        where = "payload::text ILIKE '%ann.lee@%' AND payload::text NOT ILIKE '%jo.ann.lee@%'"
        assert db.scalar(text(f"SELECT count(*) FROM bronze.statements_raw WHERE {where}")) == 0
        assert db.scalar(text("SELECT count(*) FROM bronze.statements_raw WHERE payload::text LIKE '%u0040%'")) == 0
    after = sizes()
    gone = {table: before[table] - after[table] for table in before if before[table] != after[table]}
    gone.pop("ops.audit_log")
    assert gone == {
        "bronze.statements_raw": 10,
        "silver.statements_flat": 9,
        "silver.statement_links": told["deleted"]["silver.statement_links"],
        "bronze.attachments": 1,
        "gold.lesson_progress": 6 + 2,
        "ops.dead_letters": 1,
        "public.state_documents": 1,
        "public.agent_profile_documents": 1,
        "public.users": 1,
        "public.user_identifiers": 4,
        "public.cohort_members": 1,
        "public.avatar_claims": 1,
    }
    assert in_redis(EMAIL) == in_redis(NAME) == []
    assert dry["dry_run"] is True
    different = {"silver.statement_links", "gold.lesson_progress", "silver.statement_refs"}
    assert {k: v for k, v in dry["deleted"].items() if k not in different} == {
        k: v for k, v in told["deleted"].items() if k not in different
    }


def test_others_keep_everything_and_the_tables_are_what_a_rebuild_makes(doors: Doors, world: dict[str, Any]) -> None:
    bens = {"agent": json.dumps({"mbox": BEN["mbox"]})}
    before = doors.get(**bens).json()["statements"]
    assert erase(doors, world["ann"]).status_code == 200
    after = {one["id"] for one in doors.get(**bens).json()["statements"]}
    assert world["reference"] in after
    assert len(before) - len(after) == 3
    jos = doors.get(agent=json.dumps({"mbox": f"mailto:{JO}"})).json()["statements"]
    assert len(jos) == 1
    gone = doors.get(agent=json.dumps({"mbox": f"mailto:{EMAIL}"})).json()["statements"]
    assert gone == []
    document = {"activityId": "https://app.7taps.com/lessons/1", "stateId": "place", **bens}
    assert doors.get(STATE, **document).text == "there"
    assert doors.get(attachments="true", **bens).content.count(b"for all of us") == 1
    with session_scope() as db:
        links = set(db.execute(text("SELECT key, seq FROM silver.statement_links")).all())
    gold = gold_is_what_a_rebuild_makes()
    assert {learner for learner, _ in gold} == {world["ben"], world["jo"]}
    with session_scope() as db:
        assert set(db.execute(text("SELECT key, seq FROM silver.statement_links")).all()) == links
        assert db.scalar(text("SELECT count(*) FROM silver.activities")) > 0


def test_the_audit_row_says_that_it_was_done_and_of_whom_nothing(doors: Doors, world: dict[str, Any]) -> None:
    erase(doors, world["ann"])
    with session_scope() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.act == "learner.erase")).one()
    assert entry.target == f"learner:{world['ann']}"
    assert entry.detail["deleted"]["bronze.statements_raw"] == 10
    assert erase(doors, world["ann"]).status_code == 404


def test_a_dry_run_deletes_nothing(doors: Doors, world: dict[str, Any]) -> None:
    before = sizes()
    assert erase(doors, world["ann"], dry_run="true").json()["deleted"]["public.users"] == 1
    assert sizes() == before


def test_what_is_exported_is_what_would_be_erased(doors: Doors, world: dict[str, Any]) -> None:
    answer = doors.client.get(f"/api/learners/{world['ann']}/export", headers=doors.admin)
    told = answer.json()
    dry = erase(doors, world["ann"], dry_run="true").json()["deleted"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(told["statements"]) == dry["bronze.statements_raw"]
    assert len(told["documents"]) == 2
    assert len(told["dead_letters"]) == dry["ops.dead_letters"]
    assert len(told["lesson_progress"]) == dry["gold.lesson_progress"]
    assert told["learner"]["email"] == EMAIL
    assert len(told["other_tables"]["public.user_identifiers"]) == dry["public.user_identifiers"]
    assert "my own words" in answer.text


def test_what_waits_on_the_stream_is_loaded_first(
    doors: Doors, world: dict[str, Any], drain: Callable[[], int]
) -> None:
    from tests.doors.test_signup import doors_with

    doors.post(completed(EMAIL, 11, actor=ANN))
    with doors_with(erase_wait_seconds="0") as client:
        answer = client.delete(f"/api/learners/{world['ann']}", headers=doors.admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert doors.client.get(f"/api/learners/{world['ann']}", headers=doors.admin).status_code == 200
    drain()
    assert erase(doors, world["ann"]).status_code == 200
    assert in_redis(EMAIL) == []
    assert not places_of(f"mailto:{EMAIL}")[f"mailto:{EMAIL}"]


def test_a_job_that_died_with_their_statement_is_forgotten(doors: Doors, world: dict[str, Any]) -> None:
    client = redis.Redis.from_url(get_settings().required_redis_url)
    dead = "dramatiq:statements.XQ"
    for name, body in (("one", f'{{"args": "mailto:{EMAIL}"}}'), ("two", '{"args": "mailto:ben@example.org"}')):
        client.hset(f"{dead}.msgs", name, body)
        client.zadd(dead, {name: 1})
    assert erase(doors, world["ann"]).json()["deleted"]["dead jobs"] == 1
    assert client.hkeys(f"{dead}.msgs") == client.zrange(dead, 0, -1) == [b"two"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("whose", ["ann", "ben"])
def test_letters_that_are_compressed_are_looked_into(
    doors: Doors, world: dict[str, Any], encoding: str, whose: str
) -> None:
    """Bodies that were damaged on their way are kept as they came, and tell what stands before the damage."""
    agent = ANN if whose == "ann" else BEN
    filler = [completed(number=n, actor={"mbox": f"mailto:{uuid4().hex}@example.net"}) for n in range(200)]
    plain = json.dumps([*filler, completed(number=1, actor=agent), *filler]).encode()
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    for number, body in enumerate((packed[:-9], packed[: len(packed) * 2 // 3], packed[:-40] + b"\xff" * 40)):
        headers = {
            "X-Experience-API-Version": "1.0.3",
            "Content-Encoding": encoding,
            "Content-Type": "application/json",
        }
        answer = doors.client.post("/xapi/statements", content=body, auth=doors.sender, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "damaged_encoding"), number
    bodies = set(letters())
    assert packed[:-9] in bodies
    dry = erase(doors, world["ann"], dry_run="true").json()["deleted"]["ops.dead_letters"]
    told = erase(doors, world["ann"]).json()["deleted"]["ops.dead_letters"]
    assert (dry, told) == ((4, 4) if whose == "ann" else (1, 1))
    assert len(bodies) - len(letters()) == told


def letters() -> list[bytes]:
    with session_scope() as db:
        return [bytes(body) for body in db.scalars(select(DeadLetter.body))]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (gzip.compress(b"one") + gzip.compress(b"two"), b"onetwo"),
        (gzip.compress(b"one") + b"rest", b"one"),
        (zlib.compress(b"one")[:-2], b"one"),
        (gzip.compress(b"a" * 10_000)[:-8], b"a" * 10_000),
        (gzip.compress(b"0" * MAX_UNPACKED_BYTES + b"end"), b"0" * MAX_UNPACKED_BYTES),
        (b'{"plain": 1}', b""),
        (b"x\x9c", b""),
        (b"", b""),
        (b"\x1f\x8b\x08", b""),
    ],
    ids=["two", "and more", "cut", "cut behind", "large", "plain", "two bytes", "empty", "heading"],
)
def test_a_body_is_unpacked_as_far_as_it_can_be(body: bytes, found: bytes) -> None:
    assert unpacked(body) == found


@pytest.mark.parametrize(
    ("text_", "holds"),
    [
        (EMAIL, True),
        (f"<{EMAIL.upper()}>.", True),
        (f"jo.{EMAIL}", False),
        (f"{EMAIL}.uk", False),
        (f"x{EMAIL}", False),
        (EMAIL.replace("@", "\\u0040"), True),
        (DIGEST.upper(), True),
        (DIGEST + "0", False),
        ("tel:+15550100123", True),
        ("+155501001234", False),
        (json.dumps({"actor": {"account": ACCOUNT}}), True),
        (json.dumps({"actor": {"account": ACCOUNT}}).replace("/", "\\/"), True),
        (json.dumps({"actor": {"account": {**ACCOUNT, "homePage": "https://other.example"}}}), False),
        (json.dumps({"n": "17", "home": ACCOUNT["homePage"]}), False),
        ('{"actor": {"account": {"homePage": "https://school.example/a", "name": "17"', True),
        (b"\xff\xfe" + EMAIL.encode(), True),
        ("nothing", False),
    ],
)
def test_a_person_is_recognised_in_text_however_it_is_written(text_: str | bytes, holds: bool) -> None:
    known = [
        Identifier("mbox", f"mailto:{EMAIL}"),
        Identifier("mbox_sha1sum", DIGEST),
        Identifier("phone", NUMBER),
        Identifier("account", f"{ACCOUNT['homePage']} {ACCOUNT['name']}"),
    ]
    assert marks_of(known).found_in(text_) is holds


def test_somebody_of_that_id_who_is_not_there(doors: Doors) -> None:
    assert erase(doors, uuid4()).status_code == 404
    assert erase(doors, uuid4(), dry_run="true").status_code == 404


@pytest.mark.parametrize(
    ("identifier", "written"),
    [
        (Identifier("mbox", "mailto:élodie.ärger@example.org"), "ÉLODIE.ÄRGER@Example.ORG"),
        (Identifier("mbox", "mailto:é@ü.example"), "É@Ü.example"),
        (Identifier("account", "urn:x 王小明"), {"homePage": "urn:x", "name": "王小明"}),
        (Identifier("account", "urn:x Øystein"), {"homePage": "urn:x", "name": "Øystein"}),
        (Identifier("account", "urn:x é"), {"homePage": "urn:x", "name": "é"}),
        (Identifier("mbox_sha1sum", DIGEST), DIGEST.upper()),
        (Identifier("openid", "https://Id.example/A%20B"), "https://id.example/a%20b"),
    ],
)
def test_statements_are_found_by_words_in_any_script_and_case(
    db: Session, identifier: Identifier, written: str | dict[str, str]
) -> None:
    extension = {"https://example.org/said": written}
    theirs = completed("somebody@example.net", 1, context={"extensions": extension})
    load(db, theirs, completed("else@example.net", 1))
    marks = marks_of([identifier])
    found = {key for key, payload in erasing.candidates(db, marks.needles, 0, None) if marks.found_in(payload)}
    assert found == {UUID(theirs["id"])}
