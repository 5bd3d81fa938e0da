"""A learner's data, told and erased: nothing of them is left in any table, and nothing of anybody else is gone."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import redis
from sqlalchemy import select, text

from app.audit import AuditEntry
from app.config import get_settings
from app.database import session_scope
from tests.conftest import Doors
from tests.doors.erasing import (  # noqa: F401
    ANN,
    BEN,
    DIGEST,
    EMAIL,
    JO,
    NAME,
    NUMBER,
    STATE,
    ben,
    erase,
    in_redis,
    places_of,
    sizes,
    world,
)
from tests.doors.test_learners import gold_is_what_a_rebuild_makes
from tests.statements import completed


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


def test_somebody_of_that_id_who_is_not_there(doors: Doors) -> None:
    assert erase(doors, uuid4()).status_code == 404
    assert erase(doors, uuid4(), dry_run="true").status_code == 404
