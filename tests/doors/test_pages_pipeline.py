"""The pages of the pipeline: the stream, the sweep, and statements as the LRS finds them."""

import shlex
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.database import session_scope
from app.etl_incremental import Incoming, store_statements
from app.etl_streaming import the_stream
from app.platform import clock
from app.streaming import halt, why_halted
from tests.conftest import Doors
from tests.doors.people import account, acts, visitor
from tests.doors.test_pages_overview import page, send, twin
from tests.statements import ANSWERED, answered, completed, lesson
from tests.warehouse.record import voids

STREAM, SWEEP, STATEMENTS = "/ui/test-etl-streaming", "/ui/test-etl-incremental", "/ui/statements"


def store_without_loading(*statements: dict[str, Any], days_ago: int = 0) -> None:
    """As the door does while Redis is away: in bronze, waiting for the sweep."""
    import orjson

    with session_scope() as db:
        store_statements(
            db,
            [Incoming(one["id"], orjson.dumps(one), clock.now(), "1.0.3", "a" * 64) for one in _with_ids(statements)],
        )
        if days_ago:
            ids = [one["id"] for one in statements]
            db.execute(
                text(
                    "UPDATE bronze.statements_raw SET stored_at = stored_at - make_interval(days => :days) "
                    "WHERE id = ANY(CAST(:ids AS uuid[]))"
                ),
                {"days": days_ago, "ids": ids},
            )


def _with_ids(statements: Any) -> list[dict[str, Any]]:
    from uuid import UUID

    return [{**one, "id": UUID(one["id"])} for one in statements]


@pytest.mark.parametrize("path", [STREAM, SWEEP, STATEMENTS, f"{STATEMENTS}/{uuid4()}"])
def test_strangers_see_nothing(doors: Doors, path: str) -> None:
    assert doors.client.get(path).status_code == 401


@pytest.mark.parametrize("path", [f"{STREAM}/resume", f"{SWEEP}/run"])
def test_viewers_look_and_do_not_touch(doors: Doors, path: str) -> None:
    halt(the_stream(), "Too many die.")
    viewer = visitor(doors.client, account())
    assert viewer.ask("POST", path, data={"csrf_token": viewer.csrf}).status_code == 403
    assert "<form" not in viewer.ask("GET", STREAM, headers={"Accept": "text/html"}).text.split("<main")[1]
    assert why_halted(the_stream()) == "Too many die."


def test_a_form_of_another_site_does_nothing(doors: Doors) -> None:
    halt(the_stream(), "Too many die.")
    admin = visitor(doors.client, account(role="admin"))
    assert admin.bare("POST", f"{STREAM}/resume", data={}).status_code == 403
    assert why_halted(the_stream())


def test_the_stream_tells_what_waits_and_what_came_last(doors: Doors, drain: Callable[[], int]) -> None:
    empty = page(doors, STREAM).text
    assert "No statement yet" in empty
    assert "Nothing came in within the last 15 minutes" in empty
    assert all(f'href="/ui/definitions#{name}"' in empty for name in ("Lag", "On-the-stream", "In-hand"))
    assert "No worker reads the stream" in empty
    first = completed()
    doors.put(first, first["id"])
    waiting = twin(doors, STREAM)
    assert (waiting["stream"]["length"], waiting["last"]) == (1, None)
    drain()
    told = twin(doors, STREAM)
    assert (told["stream"]["length"], told["stream"]["pending"]) == (0, 0)
    assert told["last"]["statement_id"] == first["id"]
    assert told["last"]["seconds"] >= 0
    assert sum(one["statement_count"] for one in told["minutes"]) == 1
    assert [one["pending"] for one in told["stream"]["consumers"]] == [0]
    assert f'href="/ui/statements/{first["id"]}"' in page(doors, STREAM).text


def test_a_stopped_loader_is_let_go_on(doors: Doors) -> None:
    halt(the_stream(), "21 of the last 40 entries <could> not be loaded.")
    admin = visitor(doors.client, account(role="admin"))
    before = admin.ask("GET", STREAM, headers={"Accept": "text/html"}).text
    assert "entries &lt;could&gt; not" in before
    assert "Let it go on" in before
    answer = admin.ask("POST", f"{STREAM}/resume", data={"csrf_token": admin.csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{STREAM}?done=resumed")
    assert why_halted(the_stream()) is None
    assert "The loader goes on." in admin.ask("GET", answer.headers["Location"], headers={"Accept": "text/html"}).text
    assert ("account Ann", "loader.resume") in [one[:2] for one in acts()]
    again = admin.ask("POST", f"{STREAM}/resume", data={"csrf_token": admin.csrf})
    assert again.headers["Location"].endswith("done=nothing")


def test_free_text_in_the_address_is_not_shown(doors: Doors) -> None:
    assert "Call this number" not in page(doors, STREAM, done="Call this number").text


def test_the_sweep_runs_and_shows_before_and_after(doors: Doors) -> None:
    store_without_loading(completed(), completed("ann@example.org"))
    waiting = twin(doors, SWEEP)
    assert (waiting["waiting"], waiting["runs"]) == (2, [])
    assert "2 statements wait." in page(doors, SWEEP).text.replace("\u202f", " ")
    answer = doors.client.post(f"{SWEEP}/run", data={"window_days": "0"}, headers=doors.admin, follow_redirects=False)
    assert answer.status_code == 303
    told = twin(doors, answer.headers["Location"].partition("?")[0], **_query(answer.headers["Location"]))
    assert {name: told["ran"][name] for name in ("before", "after", "new", "buried", "outcome")} == {
        "before": 2,
        "after": 0,
        "new": 2,
        "buried": 0,
        "outcome": "done",
    }
    assert told["waiting"] == 0
    assert told["runs"][0]["by"] == "admin token"
    assert ("admin token", "sweep.run") in [one[:2] for one in acts()]
    html = doors.client.get(answer.headers["Location"], headers={**doors.admin, "Accept": "text/html"}).text
    assert "The sweep has run" in html
    with session_scope() as db:
        assert db.execute(text("SELECT count(*) FROM silver.statements_flat")).scalar_one() == 2


def test_a_window_leaves_what_is_older(doors: Doors) -> None:
    old, new = completed(), completed("ann@example.org")
    store_without_loading(old, days_ago=10)
    store_without_loading(new)
    assert (twin(doors, SWEEP)["waiting"], twin(doors, SWEEP, window_days="7")["waiting"]) == (2, 1)
    doors.client.post(f"{SWEEP}/run", data={"window_days": "7"}, headers=doors.admin)
    assert twin(doors, SWEEP)["waiting"] == 1
    with session_scope() as db:
        assert [str(one) for one in db.execute(text("SELECT statement_id FROM silver.statements_flat")).scalars()] == [
            new["id"]
        ]


@pytest.mark.parametrize("days", ["-1", "many", "3651", "9" * 9, "²"])
def test_a_window_that_is_none_is_refused_in_words(doors: Doors, days: str) -> None:
    store_without_loading(completed())
    answer = doors.client.post(
        f"{SWEEP}/run", data={"window_days": days}, headers={**doors.admin, "Accept": "text/html"}
    )
    assert answer.status_code == 400
    assert "is no number of days" in answer.text
    assert twin(doors, SWEEP)["waiting"] == 1


def _query(address: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in address.partition("?")[2].split("&"))


def test_statements_are_found_by_every_filter(doors: Doors, drain: Callable[[], int]) -> None:
    mine, answer, other = completed(), answered("ann@example.org", 2), completed("ann@example.org", 3)
    send(doors, drain, mine, answer, other)

    def found(**query: str) -> set[str]:
        return {one["id"] for one in twin(doors, STATEMENTS, **query)["statements"]}

    assert found() == {mine["id"], answer["id"], other["id"]}
    assert found(agent="ANN@example.org") == {answer["id"], other["id"]}
    assert found(agent='{"mbox": "mailto:sam@example.org"}') == {mine["id"]}
    assert found(verb=ANSWERED) == {answer["id"]}
    assert found(activity=lesson(2)["id"]) == set()
    assert found(activity=lesson(2)["id"], related_activities="true") == {answer["id"]}
    assert found(registration="5389ed44-e618-4a66-9a43-7a0b282fd837") == {answer["id"]}
    assert found(since="2100-01-01T00:00") == set()
    assert found(until="2000-01-01T00:00") == set()
    assert found(agent="ann@example.org", verb=ANSWERED) == {answer["id"]}
    newest = [one["id"] for one in twin(doors, STATEMENTS)["statements"]]
    assert [one["id"] for one in twin(doors, STATEMENTS, ascending="true")["statements"]] == newest[::-1]


def test_local_times_are_in_the_viewers_zone(doors: Doors) -> None:
    told = doors.client.get(
        STATEMENTS,
        params={"since": "2026-07-01T12:00", "format": "json"},
        headers={**doors.admin, "Cookie": "time_zone=Europe/Berlin"},
    ).json()
    assert told["parameters"]["since"] == "2026-07-01T12:00:00+02:00"


def test_pages_follow_each_other(doors: Doors, drain: Callable[[], int]) -> None:
    doors.post([completed(number=n) for n in range(30)])
    drain()
    first = twin(doors, STATEMENTS, limit="25")
    assert len(first["statements"]) == 25
    assert f'href="{first["next"]}"' in unescape(page(doors, STATEMENTS, limit="25").text)
    second = doors.client.get(first["next"] + "&format=json", headers=doors.admin).json()
    assert (len(second["statements"]), second["next"]) == (5, None)
    ids = [one["id"] for one in first["statements"] + second["statements"]]
    assert len(set(ids)) == 30


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"agent": "nobody"}, "agent"),
        ({"verb": "no iri"}, "IRI"),
        ({"registration": "7"}, "UUID"),
        ({"since": "yesterday"}, "timestamp"),
        ({"since": "2026-13-01T00:00"}, "since"),
        ({"limit": "1000"}, "25, 50, 100"),
        ({"colour": "red"}, "colour"),
        ({"after": "x"}, "more"),
        ({"activity": "https://x.example/\x00"}, "NUL"),
        ({"agent": "x" * 2_001}, "2000"),
        ({"related_agents": "maybe"}, "true or false"),
    ],
)
def test_a_wrong_filter_is_named_and_the_form_stays(doors: Doors, query: dict[str, str], word: str) -> None:
    answer = page(doors, STATEMENTS, **query)
    assert answer.status_code == 400
    assert word in unescape(answer.text)
    assert 'name="agent"' in answer.text
    problem = doors.client.get(STATEMENTS, params={**query, "format": "json"}, headers=doors.admin)
    assert (problem.status_code, problem.headers["Content-Type"]) == (400, "application/problem+json")


def test_one_statement_exact_and_flat(doors: Doors, drain: Callable[[], int]) -> None:
    one = answered(response="<b>Oat</b>")
    body = (
        f'{{"id": "{one["id"]}", "actor": {{"mbox": "mailto:sam@example.org"}}, "verb": {{"id": "{ANSWERED}"}}, '
        '"object": {"id": "https://x.example/1"}, "result": {"score": {"raw": 1.50}, "response": "<b>"}}'
    )
    answer = doors.client.put(
        "/api/xapi/statements",
        params={"statementId": one["id"]},
        content=body,
        auth=doors.sender,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 204
    drain()
    told = twin(doors, f"{STATEMENTS}/{one['id']}")["statement"]
    assert told["text"] == body
    assert (told["flat"]["score_raw"], told["flat"]["verb"], told["voided_by"]) == (1.5, "answered", None)
    html = page(doors, f"{STATEMENTS}/{one['id']}").text
    assert body in unescape(html)
    assert '"score": {\n      "raw": 1.5' in unescape(html)
    assert "<dt>completes_lesson</dt><dd>false</dd>" in html
    assert f'href="/ui/learners/{told["learner_id"]}"' in html
    assert f'href="/ui/lessons/{told["lesson_id"]}"' in html


def _run(doors: Doors, curl: str) -> Any:
    """Do what the command says, with the key pair of the sender in its place."""
    import os

    words = shlex.split(curl.replace("\\\n", " "))
    assert words[0] == "curl"
    user = words[words.index("--user") + 1]
    for name in ("PUBLIC_PEM", "SECRET_PEM"):
        user = user.replace(f"${name}", os.environ[name])
    header = words[words.index("--header") + 1].split(": ", 1)
    name, _, value = words[words.index("--data-urlencode") + 1].partition("=")
    path = "/" + words[-1].split("/", 3)[3]
    public, _, secret = user.partition(":")
    return doors.client.get(path, params={name: value}, headers=dict([header]), auth=(public, secret))


def test_the_curl_works_for_the_living_and_the_voided(doors: Doors, drain: Callable[[], int]) -> None:
    one, other = completed(), completed("ann@example.org")
    void = voids(other)
    send(doors, drain, one, other, void)
    alive, voided = (twin(doors, f"{STATEMENTS}/{x['id']}") for x in (one, other))
    for told, statement in ((alive, one), (voided, other)):
        answer = _run(doors, told["curl"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == statement["id"]
    assert voided["statement"]["voided_by"] == void["id"]
    assert voided["statement"]["flat"] is None
    assert "This statement is voided" in page(doors, f"{STATEMENTS}/{other['id']}").text
    assert other["id"] not in {x["id"] for x in twin(doors, STATEMENTS)["statements"]}


@pytest.mark.parametrize(("name", "status"), [(str(uuid4()), 404), ("seven", 400)])
def test_no_such_statement(doors: Doors, name: str, status: int) -> None:
    assert page(doors, f"{STATEMENTS}/{name}").status_code == status
