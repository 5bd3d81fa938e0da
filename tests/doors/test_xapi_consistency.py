"""What replies of the Statement Resource promise: the version they speak, and up to when everything can be read."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis

from app.config import get_settings
from app.database import session_scope
from app.warehouse import bronze
from tests.conftest import Doors
from tests.statements import completed

Drain = Callable[[], int]
THROUGH, VERSION = "X-Experience-API-Consistent-Through", "X-Experience-API-Version"
BY_ID = {"statementId": "6f3c1c5e-5f5e-4d57-8f0c-0a4d8b6a0e11"}


def through(answer: Any) -> datetime:
    return datetime.fromisoformat(answer.headers[THROUGH])


@pytest.fixture
def impatient(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """The doors, with readers who do not wait for the loader."""
    monkeypatch.setattr(get_settings(), "read_wait_ms", 0)
    return doors


@pytest.mark.parametrize(
    ("method", "parameters", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", BY_ID, 404),
        ("GET", {"verb": "passed"}, 400),
        ("GET", {**BY_ID, "limit": "1"}, 400),
        ("PUT", BY_ID, 400),
        ("POST", {}, 400),
        ("DELETE", {}, 405),
    ],
)
def test_it_is_on_every_reply(doors: Doors, method: str, parameters: dict[str, str], status: int) -> None:
    """Communication 2.1.3: on all responses to Statements requests, whatever their code."""
    headers = {VERSION: "1.0.3"}
    answer = doors.client.request(method, "/xapi/statements", params=parameters, auth=doors.sender, headers=headers)
    assert answer.status_code == status
    assert through(answer).tzinfo is not None
    anonymous = doors.client.request(method, "/xapi/statements", params=parameters, headers=headers)
    assert THROUGH in anonymous.headers


def test_it_stays_before_what_waits_on_the_stream(impatient: Doors, drain: Drain) -> None:
    """What was accepted and cannot be read yet is not promised; once it is loaded it is."""
    statement = completed()
    impatient.post(statement)
    before = impatient.get()
    assert before.json()["statements"] == []
    drain()
    after = impatient.get(statementId=statement["id"])
    stored = datetime.fromisoformat(after.json()["stored"])
    assert through(before) < stored <= through(after) + timedelta(milliseconds=1)
    assert through(impatient.get()) >= stored


def test_it_stays_before_what_waits_for_the_sweep(impatient: Doors) -> None:
    """A door that stores in bronze is about to commit: readers cannot see the row yet, and are told so."""
    with session_scope() as db:
        at = bronze.announce(db)
        assert through(impatient.get()) < at
    assert through(impatient.get()) >= at


def test_it_does_not_move_on_while_redis_is_away(impatient: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    known = through(impatient.get())
    publisher = impatient.client.app.state.publisher  # type: ignore[attr-defined]
    away = redis.asyncio.Redis(port=1, socket_connect_timeout=1)
    monkeypatch.setattr(publisher, "_stands", away.register_script("return 1"))
    assert through(impatient.get()) == known


def test_who_wrote_can_read_at_once(doors: Doors, drain: Drain) -> None:
    """A reader waits for the loader for a moment, so that a statement is there right after it was sent."""
    statement = completed()
    doors.post(statement)
    loader = threading.Timer(0.1, drain)
    loader.start()
    answer = doors.get(statementId=statement["id"])
    loader.join()
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("asked", "told"),
    [("1.0", "1.0.0"), ("1.0.3", "1.0.3"), ("1.0.2", "1.0.2"), ("2.0", "2.0.0"), ("2.0.0", "2.0.0")],
)
def test_a_reply_speaks_the_version_of_its_request(doors: Doors, asked: str, told: str) -> None:
    """Communication 3.3: a bare 1.0 is 1.0.0."""
    for path in ("/xapi/statements", "/xapi/activities?activityId=http%3A%2F%2Fexample.org", "/xapi/about"):
        assert doors.get(path, version=asked).headers[VERSION] == told


def test_who_names_no_version_is_answered_in_the_one_they_spoke_last(doors: Doors) -> None:
    """Communication 3.3: refused with 400, and the refusal names the latest version of what its reader speaks."""
    stranger = doors.holding("all")
    for spoken in ("1.0.3", "2.0.0", "1.0.3"):
        doors.get(version=spoken)
        for method in ("GET", "PUT", "POST"):
            answer = doors.client.request(method, "/xapi/statements", params=BY_ID, auth=doors.sender)
            assert (answer.status_code, answer.headers[VERSION]) == (400, spoken)
            assert answer.json()["problems"][0]["path"] == VERSION
    doors.get(version="2.0.0")
    answer = stranger.client.get("/xapi/statements", auth=stranger.sender)
    assert (answer.status_code, answer.headers[VERSION]) == (400, "1.0.3")


@pytest.mark.parametrize("version", ["0.9", "0.95", "1.1.0", "3.0.0", "2.1.0", "1.0.x", "1.0.", " "])
def test_versions_that_are_not_spoken_are_refused(doors: Doors, version: str) -> None:
    """Communication 3.3."""
    answer = doors.get(version=version)
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, VERSION)


def test_about_needs_neither_version_nor_credentials(doors: Doors) -> None:
    """Communication 2.8."""
    answer = doors.client.get("/xapi/about")
    assert answer.status_code == 200
    assert {"1.0.3", "2.0.0"} <= set(answer.json()["version"])


READING, MINE, NOTHING = {"a", "b"}, {"a"}, None


@pytest.mark.parametrize(
    ("scopes", "found"),
    [
        (["statements/write", "statements/read"], READING),
        (["statements/write", "all/read"], READING),
        (["all"], READING),
        (["statements/write", "statements/read/mine"], MINE),
        (["statements/write"], NOTHING),
        (["statements/write", "state", "profile", "define"], NOTHING),
    ],
)
def test_scopes_decide_what_can_be_read(doors: Doors, drain: Drain, scopes: list[str], found: set[str] | None) -> None:
    """Communication 4.2."""
    me = doors.holding(*scopes)
    mine, other = completed(actor={"mbox": "mailto:a@example.org"}), completed(actor={"mbox": "mailto:b@example.org"})
    assert me.post(mine).status_code == 200
    assert doors.post(other).status_code == 200
    drain()
    answer = me.get()
    if found is None:
        assert (answer.status_code, me.get(statementId=mine["id"]).status_code) == (403, 403)
        return
    seen = {one["actor"]["mbox"].removeprefix("mailto:")[0] for one in answer.json()["statements"]}
    assert seen == found
    assert me.get(statementId=mine["id"]).status_code == 200
    assert me.get(statementId=other["id"]).status_code == (200 if "b" in found else 404)
    filtered = me.get(verb=other["verb"]["id"]).json()["statements"]
    assert len(filtered) == len(found)


@pytest.mark.parametrize("scope", ["statements/read", "all/read", "state", "profile", "define"])
def test_a_key_without_write_writes_nothing(doors: Doors, scope: str) -> None:
    """Communication 4.2."""
    answer = doors.holding(scope).post(completed(id=str(uuid4())))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert redis.Redis.from_url(get_settings().required_redis_url).xlen(get_settings().stream_name) == 0


def test_without_define_words_stay_in_the_statement_alone(doors: Doors, drain: Drain) -> None:
    """Communication 4.2: who may not define changes no definition that others read."""
    with_words = completed()
    doors.holding("statements/write").post(with_words)
    drain()
    activity = doors.get("/xapi/activities", activityId=with_words["object"]["id"]).json()
    assert "definition" not in activity
    doors.post(completed())
    drain()
    activity = doors.get("/xapi/activities", activityId=with_words["object"]["id"]).json()
    assert activity["definition"]["name"] == {"en-US": "Lesson 1"}
