"""What came in last, at the doors for whoever connects a sender."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.accounts.visibility import Viewer
from app.analytics import recent
from app.analytics.selection import Filters, Page
from app.config import get_settings
from app.database import session_scope
from app.errors import NotFound
from tests.conftest import Doors
from tests.doors.people import token
from tests.statements import answered, completed
from tests.warehouse.record import voids

Drain = Callable[[], int]
NOBODY_SEEN = Filters(viewer=Viewer("somebody"))


def ask(doors: Doors, path: str, **parameters: Any) -> Any:
    return doors.client.get(f"/api/debug/{path}", params=parameters, headers=doors.admin)


def send(doors: Doors, *statements: Any) -> None:
    for one in statements:
        assert doors.post(one).status_code == 200


def test_nobody_sees_them_without_the_scope(doors: Doors) -> None:
    for path in ("last-statement", "recent-completions", f"raw-json/{uuid4()}"):
        assert doors.client.get(f"/api/debug/{path}").status_code == 401
        assert doors.client.get(f"/api/debug/{path}", headers=token("pipeline:read", name=path)).status_code == 403


def test_before_there_is_anything(doors: Doors) -> None:
    last = ask(doors, "last-statement").json()
    assert (last["statement"], last["loaded_at"], last["seconds_to_load"]) == (None, None, None)
    assert ask(doors, "recent-completions").json()["completions"] == []
    missing = ask(doors, f"raw-json/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_the_last_statement_is_the_one_stored_last_that_is_loaded(doors: Doors, drain: Drain) -> None:
    early, late = completed(at="2026-03-05T08:00:00Z"), answered(timestamp="2026-03-01T08:00:00Z")
    send(doors, early)
    drain()
    send(doors, late)
    assert ask(doors, "last-statement").json()["statement"]["statement_id"] == early["id"]
    drain()
    found = ask(doors, "last-statement").json()
    assert found["statement"]["statement_id"] == late["id"]
    assert found["statement"]["verb"] == "answered"
    assert found["seconds_to_load"] >= 0
    send(doors, voids(late))
    drain()
    assert ask(doors, "last-statement").json()["statement"]["statement_id"] != late["id"]


def test_completions_come_newest_first_in_pages(doors: Doors, drain: Drain) -> None:
    sent = [completed(f"p{n % 3}@example.org", n % 2, f"2026-03-0{n}T08:00:00Z") for n in range(1, 8)]
    send(doors, *sent, answered(timestamp="2026-03-09T08:00:00Z"))
    drain()
    everything = ask(doors, "recent-completions").json()
    assert [one["statement_id"] for one in everything["completions"]] == [one["id"] for one in reversed(sent)]
    assert everything["next"] is None
    first = everything["completions"][-1]
    assert (first["learner"]["email"], first["lesson"]["title"], first["first"]) == ("p1@example.org", "Lesson 1", True)
    again = everything["completions"][0]
    assert (again["learner"]["email"], again["first"]) == ("p1@example.org", False), "it was completed on 1 March"
    pages, following = [], "/api/debug/recent-completions?limit=3"
    while following:
        page = doors.client.get(following, headers=doors.admin).json()
        pages.append([one["statement_id"] for one in page["completions"]])
        following = page["next"]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page] == [one["id"] for one in reversed(sent)]


def test_a_voided_completion_is_none(doors: Doors, drain: Drain) -> None:
    one = completed()
    send(doors, one)
    drain()
    send(doors, voids(one))
    drain()
    assert ask(doors, "recent-completions").json()["completions"] == []
    raw = ask(doors, f"raw-json/{one['id']}").json()
    assert raw["voided_by"]
    assert raw["payload"]["id"] == one["id"]


def test_raw_json_is_letter_by_letter_what_was_sent(doors: Doors, drain: Drain) -> None:
    statement_id = str(uuid4())
    body = (
        '{"actor":{"mbox":"mailto:sam@example.org","name":"<b>\\u00e9</b>"},'
        '"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},'
        '"object":{"id":"https://app.7taps.com/lessons/1"},'
        '"result":{"score":{"raw":1.50,"max":1e2},"extensions":{"https://example.org/x":[1.0,10000000000000000001]}}}'
    )
    path = "/api/xapi/statements"
    answer = doors.client.put(path, params={"statementId": statement_id}, content=body, auth=doors.sender)
    assert answer.status_code == 204, answer.text
    drain()
    raw = ask(doors, f"raw-json/{statement_id}")
    assert raw.headers["content-type"] == "application/json"
    assert raw.text.endswith(f',"payload":{body}}}')
    known = raw.json()
    assert (known["id"], known["xapi_version"], known["flatten_error"], known["voided_by"]) == (
        statement_id,
        known["xapi_version"],
        None,
        None,
    )
    assert known["loaded_at"]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("raw-json/not-an-id", {}),
        ("recent-completions", {"limit": "0"}),
        ("recent-completions", {"limit": "501"}),
        ("recent-completions", {"limit": "many"}),
        ("recent-completions", {"cursor": "WzFd"}),
        ("recent-completions", {"cursor": "\x00"}),
        ("recent-completions", {"cursor": "x" * 3_000}),
    ],
)
def test_what_is_asked_for_wrongly(doors: Doors, path: str, parameters: dict[str, str]) -> None:
    answer = ask(doors, path, **parameters)
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"]


def test_who_may_see_nobody_sees_nothing(doors: Doors, drain: Drain) -> None:
    one = completed()
    send(doors, one)
    drain()
    with session_scope() as db:
        assert recent.last_statement(db, NOBODY_SEEN).statement is None
        assert recent.completions(db, NOBODY_SEEN, Page()).completions == []
        with pytest.raises(NotFound):
            recent.raw_statement(db, NOBODY_SEEN, UUID(one["id"]))


def test_under_pseudonyms_they_say_of_nobody_who_they_are(
    doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = completed("ann@example.org", actor={"mbox": "mailto:ann@example.org", "name": "Ann Quendrith"})
    send(doors, one)
    drain()
    monkeypatch.setenv("LEARNER_DISPLAY", "pseudonyms")
    get_settings.cache_clear()
    last, newest = ask(doors, "last-statement"), ask(doors, "recent-completions")
    raw = ask(doors, f"raw-json/{one['id']}")
    monkeypatch.undo()
    get_settings.cache_clear()
    assert last.json()["statement"]["actor_name"] == newest.json()["completions"][0]["learner"]["name"]
    for answer in (last, newest, raw):
        assert not re.search("ann|quendrith", answer.text, re.IGNORECASE), answer.text
    assert (raw.status_code, raw.json()["code"]) == (403, "not_allowed")


def test_completions_are_a_walk_along_their_index(doors: Doors, drain: Drain) -> None:
    send(doors, completed())
    drain()
    with session_scope() as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            db.scalars(
                text(
                    "EXPLAIN SELECT statement_id FROM silver.statements_flat flat WHERE flat.completes_lesson "
                    "ORDER BY flat.occurred_at DESC, flat.statement_id DESC LIMIT 50"
                )
            )
        )
    assert "ix_statements_flat_completions" in plan
    assert "Sort" not in plan


def test_their_examples_are_of_their_schemas(doors: Doors) -> None:
    import jsonschema

    document = doors.client.get("/openapi.json").json()
    for name in ("LastStatement", "RecentCompletions", "RawStatement"):
        schema = document["components"]["schemas"][name]
        assert schema["examples"]
        for example in schema["examples"]:
            jsonschema.validate(example, {**schema, "components": document["components"]})
