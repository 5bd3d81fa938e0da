"""The doors for statements, on the real stores."""

import base64
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import func, select

from app.accounts import credentials
from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementFlat, StatementRaw
from app.platform import keys
from tests.conftest import Doors
from tests.statements import completed


def counts() -> tuple[int, int, int]:
    with session_scope() as db:
        raw, flat, dead = (
            db.scalar(select(func.count()).select_from(t)) or 0 for t in (StatementRaw, StatementFlat, DeadLetter)
        )
    return raw, flat, dead


def letters() -> list[DeadLetter]:
    with session_scope() as db:
        return list(db.scalars(select(DeadLetter)))


@pytest.mark.parametrize("path", ["/api/xapi/statements", "/xapi/statements"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_anonymous_is_told_how_to_come_in(doors: Doors, path: str, method: str) -> None:
    answer = doors.client.request(method, path, content=b"{}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert counts() == (0, 0, 0)


def _other_pair() -> tuple[str, str]:
    pair = keys.new_key_pair()
    return keys.one_line(pair.public_pem), keys.one_line(pair.secret_pem)


@pytest.mark.parametrize("wrong", ["user", "password", "both", "garbage", "no colon", "bearer"])
def test_every_wrong_credential_gets_the_same_answer(doors: Doors, wrong: str) -> None:
    user, password = doors.sender
    other_user, other_password = _other_pair()
    header = {
        "user": (other_user, password),
        "password": (user, other_password),
        "both": (other_user, other_password),
        "garbage": ("x", "y"),
    }.get(wrong)
    text = ":".join(header) if header else "nocolon"
    encoded = base64.b64encode(text.encode()).decode()
    scheme = "Bearer" if wrong == "bearer" else "Basic"
    answer = doors.client.put("/api/xapi/statements", headers={"Authorization": f"{scheme} {encoded}"}, json={})
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


def test_a_7taps_put_has_its_flat_row(doors: Doors, drain: Callable[[], int]) -> None:
    statement = completed(email="Sam@Example.org")
    answer = doors.put(statement, statement["id"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert drain() == 1
    with session_scope() as db:
        flat = db.scalars(select(StatementFlat)).one()
    assert str(flat.statement_id) == statement["id"]
    assert (flat.actor_email, flat.verb, flat.completes_lesson) == (
        "sam@example.org",
        "completed",
        True,
    )


def test_full_pem_text_is_a_credential_too(doors: Doors) -> None:
    user, password = doors.sender
    pem = (
        f"-----BEGIN PUBLIC KEY-----\n{user}\n-----END PUBLIC KEY-----\n",
        f"-----BEGIN PRIVATE KEY-----\n{password}\n-----END PRIVATE KEY-----\n",
    )
    answer = doors.client.post("/api/xapi/statements", json=completed(), auth=pem)
    assert answer.status_code == 200


def test_repeated_deliveries_add_nothing(doors: Doors, drain: Callable[[], int]) -> None:
    statement = completed()
    for _ in range(3):
        assert doors.put(statement, statement["id"]).status_code == 204
    drain()
    assert counts() == (1, 1, 0)


def test_the_plain_door_answers_a_post_with_the_ids(doors: Doors, drain: Callable[[], int]) -> None:
    one, other = completed(), completed()
    answer = doors.post([one, other], "/api/xapi/statements").json()
    assert answer == {"queued": True, "ids": [one["id"], other["id"]]}
    drain()
    assert counts() == (2, 2, 0)


def test_the_standard_door_answers_a_post_with_an_array_of_ids(doors: Doors) -> None:
    statement = completed()
    del statement["id"]
    answer = doors.post(statement)
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"
    assert [UUID(i).version for i in answer.json()] == [4]


@pytest.mark.parametrize("version", [None, "0.95", "3.0", "1.0.x", "one"])
def test_the_standard_door_wants_a_version_it_speaks(doors: Doors, version: str | None) -> None:
    headers = {"X-Experience-API-Version": version} if version else {}
    answer = doors.client.post("/xapi/statements", json=completed(), auth=doors.sender, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["path"] == "X-Experience-API-Version"


def test_an_invalid_statement_is_refused_by_path_and_kept_once(doors: Doors, drain: Callable[[], int]) -> None:
    statement = completed()
    statement["object"]["definition"]["name"] = "Lesson 1"
    for _ in range(2):
        answer = doors.put(statement, statement["id"])
    error = answer.json()
    assert (answer.status_code, error["code"]) == (400, "invalid_statement")
    assert error["problems"][0]["path"] == "object.definition.name"
    assert error["problems"][0]["expected"]
    [letter] = letters()
    assert str(letter.id) == error["kept"]
    assert bytes(letter.body) == orjson.dumps(statement) or orjson.loads(bytes(letter.body)) == statement
    assert (letter.path, letter.seen_count, letter.source) == ("object.definition.name", 2, "door")
    assert str(letter.statement_id) == statement["id"]
    assert letter.request_id == answer.headers["X-Request-ID"]
    assert letter.credential_id == keys.fingerprint(doors.sender[0])
    assert drain() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b'{"a":NaN}',
        b"[" * 100_000,
        b'"\\ud800"',
        b"null",
        b'{"actor": "\\u0000"}',
    ],
)
def test_whatever_a_sender_sends_is_a_400_and_is_kept(doors: Doors, body: bytes) -> None:
    answer = doors.client.post("/api/xapi/statements", content=body, auth=doors.sender)
    assert answer.status_code == 400
    assert [bytes(letter.body) for letter in letters()] == [body]


def test_a_batch_is_taken_whole_or_not_at_all(doors: Doors, drain: Callable[[], int]) -> None:
    answer = doors.post([completed(), {"actor": 1}, completed()])
    assert answer.status_code == 400
    assert answer.json()["refused"] == [1]
    assert (drain(), counts()) == (0, (0, 0, 1))


def test_a_body_over_the_limit_is_a_413(doors: Doors) -> None:
    doors.client.app.state.settings = doors.client.app.state.settings.model_copy(update={"max_body_bytes": 5_000})  # type: ignore[attr-defined]
    answer = doors.client.post("/api/xapi/statements", content=b" " * 5_001, auth=doors.sender)
    assert answer.status_code == 413

    def unannounced() -> Any:
        for _ in range(10):
            yield b" " * 1_000

    assert doors.client.post("/api/xapi/statements", content=unannounced(), auth=doors.sender).status_code == 413


def test_a_key_in_the_table_opens_the_door_until_it_is_revoked(doors: Doors, drain: Callable[[], int]) -> None:
    user, password = _other_pair()
    with session_scope() as db:
        made = credentials.register(db, name="second", public_key=user, scopes=[credentials.WRITE_STATEMENTS])
        key = made.id
    check = doors.client.app.state.credential_check  # type: ignore[attr-defined]
    check._cache_seconds = 0
    assert doors.client.post("/api/xapi/statements", json=completed(), auth=(user, _other_pair()[1])).status_code == 401
    send = lambda: doors.client.post("/api/xapi/statements", json=completed(), auth=(user, password))  # noqa: E731
    assert send().status_code == 200
    drain()
    with session_scope() as db:
        used = {row.id: row.last_used_at for row in credentials.all_credentials(db)}
        assert used[key] is not None
        credentials.revoke(db, key[:10])
    assert send().status_code == 401


def test_a_key_without_the_scope_is_told_which_one_it_lacks(doors: Doors) -> None:
    user, password = _other_pair()
    with session_scope() as db:
        credentials.register(db, name="reader", public_key=user, scopes=["statements/read"])
    answer = doors.client.post("/api/xapi/statements", json=completed(), auth=(user, password))
    assert answer.status_code == 403
    assert "statements/write" in answer.json()["detail"]


def test_incremental_mode_writes_bronze_and_the_sweep_flattens(doors: Doors, drain: Callable[[], int]) -> None:
    from app.jobs.reconcile import sweep

    state = doors.client.app.state  # type: ignore[attr-defined]
    state.settings = state.settings.model_copy(update={"etl_mode": "incremental"})
    assert doors.post([completed(), completed()]).status_code == 200
    assert (drain(), counts()) == (0, (2, 0, 0))
    assert sweep(1).new == 2
    assert counts() == (2, 2, 0)


def test_with_redis_away_the_door_stores_in_bronze(doors: Doors) -> None:
    from app.platform.redis import async_redis_client
    from app.publishing import Publisher

    doors.client.app.state.publisher = Publisher(async_redis_client("redis://127.0.0.1:1/0"), "s", 10)  # type: ignore[attr-defined]
    statement = completed()
    assert doors.put(statement, statement["id"]).status_code == 204
    assert counts() == (1, 0, 0)


def test_with_postgresql_away_a_refused_body_waits_on_the_stream(
    doors: Doors, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from app.api import xapi

    def away(*_: object) -> None:
        raise OperationalError("select 1", {}, Exception("gone"))

    statement = completed(actor={"name": "nobody \ud800 in particular".encode("utf-8", "replace").decode()})
    with monkeypatch.context() as patch:
        patch.setattr(xapi, "_bury", away)
        answer = doors.put(statement, statement["id"])
    assert answer.status_code == 400
    assert letters() == []
    assert drain() == 1
    assert doors.put(statement, statement["id"]).status_code == 400
    [letter] = letters()
    assert str(letter.id) == answer.json()["kept"]
    assert (letter.path, letter.seen_count, str(letter.statement_id)) == ("actor", 2, statement["id"])
    assert letter.problems == answer.json()["problems"]


def test_a_full_stream_is_a_503_that_says_when_to_come_back(doors: Doors) -> None:
    state = doors.client.app.state  # type: ignore[attr-defined]
    state.publisher._max_entries = 1
    assert doors.post(completed()).status_code == 200
    answer = doors.post(completed())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert counts() == (0, 0, 0)


def test_the_request_id_of_the_sender_is_kept_if_it_is_a_sane_one(doors: Doors) -> None:
    assert doors.client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    odd = doors.client.get("/health", headers={"X-Request-ID": "a b\tc"}).headers["X-Request-ID"]
    assert odd != "a b\tc"


def test_an_unexpected_error_has_the_shape_of_all_errors(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.api import xapi

    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(xapi, "receive_many", fail)
    answer = doors.post(completed())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "boom" not in answer.text


def test_the_openapi_document_describes_every_door(doors: Doors) -> None:
    paths = doors.client.get("/openapi.json").json()["paths"]
    assert set(paths["/xapi/statements"]) == {"put", "post", "get"}
    assert "requestBody" in paths["/api/xapi/statements"]["put"]
    assert paths["/xapi/statements"]["post"]["security"] == [{"Sender": []}]
    assert paths["/api/cohorts"]["get"]["security"] == [{"Admin": []}, {"Session": []}]


def test_the_description_page_asks_nobody_else_for_its_script(doors: Doors) -> None:
    page = doors.client.get("/docs").text
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert sources
    assert [source for source in sources if "//" in source] == []
    assert {doors.client.get(source).status_code for source in sources} == {200}


def test_ids_of_put_are_case_insensitive(doors: Doors, drain: Callable[[], int]) -> None:
    statement_id = str(uuid4())
    statement = completed(id=statement_id)
    doors.put(statement, statement_id)
    doors.put(statement, statement_id.upper())
    drain()
    assert counts() == (1, 1, 0)
