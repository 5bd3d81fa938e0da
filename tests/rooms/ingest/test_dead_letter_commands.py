"""`python -m app dead-letters …`, on the real stores and without an API: answers for people and for machines."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select

from app.audit import AuditEntry
from app.cli.main import main
from app.config import get_settings
from app.database import session_scope
from app.errors import Problem
from app.ingest import queries
from app.ingest.dead_letters import Letter, bury
from app.ingest.models import DeadLetter
from app.jobs import reconcile
from app.models import StatementFlat
from app.platform import clock
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
Capture = pytest.CaptureFixture[str]
Drain = Callable[[], int]


def put_away(number: int = 0, **more: Any) -> UUID:
    given: dict[str, Any] = {"source": "door", "code": "invalid_statement", "reason": f"Reason {number}.", **more}
    with clock.set_now(START + timedelta(minutes=number)), session_scope() as db:
        return bury(db, Letter(body=given.pop("body", f"body {number}".encode()), **given))


def run(capture: Capture, *words: object) -> tuple[int, str, str]:
    code = main(["dead-letters", *map(str, words)])
    out, err = capture.readouterr()
    return code, out, err


def ran(capture: Capture, *words: object, code: int = 0) -> str:
    found, out, err = run(capture, *words)
    assert found == code, err
    return out


def letter(letter_id: UUID) -> DeadLetter:
    with session_scope() as db:
        return db.get_one(DeadLetter, letter_id)


def flat() -> set[str]:
    with session_scope() as db:
        return {str(one) for one in db.scalars(select(StatementFlat.statement_id))}


def test_a_list_for_people(capsys: Capture) -> None:
    ids = [put_away(0), put_away(1, reason="\x1b[2J\u202e wrong\nhere " + "x" * 300, body=b"x" * 12_345)]
    out = ran(capsys, "list")
    head, first, second, *_ = out.splitlines()
    assert head.split() == ["id", "status", "source", "code", "seen", "last", "seen", "bytes", "reason"]
    assert first.startswith(f"{ids[1]}  open    door    invalid_statement     1  2026-03-02 08:01:00Z  12,345  ")
    assert "\ufffd wrong here x" in first
    assert first.endswith("x…")
    assert second.endswith("Reason 0.")
    assert not set(out) & {"\x1b", "\u202e"}
    assert "        2  open, invalid_statement, door" in out


def test_a_list_for_machines_goes_on_where_it_ended(capsys: Capture) -> None:
    ids = [str(put_away(number)) for number in range(3)]
    first = json.loads(ran(capsys, "list", "--json", "--limit", "2", "--order", "oldest"))
    assert [one["id"] for one in first["letters"]] == ids[:2]
    assert first["totals"][0]["letters"] == 3
    rest = json.loads(ran(capsys, "list", "--json", "--order", "oldest", "--after", first["more"]))
    assert ([one["id"] for one in rest["letters"]], rest["more"], rest["totals"]) == (ids[2:], None, None)
    assert f"--after {first['more']}" in ran(capsys, "list", "--limit", "2", "--order", "oldest")


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (["--status", "discarded"], [2]),
        (["--code", "conflict"], [1]),
        (["--source", "loader"], [1]),
        (["--credential", "ab"], [0]),
        (["--path", "object"], [0]),
        (["--text", "reason 2"], [2]),
        (["--since", "2026-03-02T08:01:00Z", "--until", "2026-03-02T08:02:00Z"], [1]),
        (["--code", "none"], []),
    ],
)
def test_a_list_is_filtered(capsys: Capture, words: list[str], places: list[int]) -> None:
    ids = [
        put_away(0, credential_id="abc", problems=[Problem("object.id", "is odd.")]),
        put_away(1, source="loader", code="conflict"),
        put_away(2),
    ]
    ran(capsys, "discard", ids[2], "--reason", "A test.")
    found = json.loads(ran(capsys, "list", "--json", *words))["letters"]
    assert [one["id"] for one in found] == [str(ids[place]) for place in places]
    if not places:
        assert ran(capsys, "list", *words).startswith("No dead letters fit.")


def test_a_list_looks_on_until_it_is_full(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "WALKED_AT_MOST_LETTERS", 2)
    for number in range(9):
        put_away(number, code="conflict" if number in (1, 8) else "x")
    found = json.loads(ran(capsys, "list", "--json", "--code", "conflict"))
    assert ([one["reason"] for one in found["letters"]], found["more"]) == (["Reason 8.", "Reason 1."], None)


def test_a_letter_is_shown_with_what_can_be_done(capsys: Capture) -> None:
    letter_id = put_away(
        code="conflict",
        problems=[Problem("id", "is taken.", "Another id.")],
        body=b'{"name": "\x1b[2J"}' + b" x" * 2_000,
        credential_id="f" * 64,
        xapi_version="2.0.0",
    )
    run(capsys, "replay", letter_id)
    out = ran(capsys, "show", str(letter_id)[:8])
    for words in (
        f"id           {letter_id}",
        "problem      id is taken. Expected: Another id.",
        "version      2.0.0",
        "another id",
        "attempts     1",
        "dead_letter.replay by command line: ",
        "outcome refused",
        '{"name": "\ufffd[2J"}',
    ):
        assert words in out
    assert out.rstrip().endswith("…")
    assert "\x1b" not in out
    shown = json.loads(ran(capsys, "show", letter_id, "--json"))
    assert (shown["id"], shown["body"].encode()) == (str(letter_id), letter(letter_id).body)


def test_the_bytes_of_a_body_and_nothing_else(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    letter_id = put_away(body=bytes(range(256)))
    assert main(["dead-letters", "show", str(letter_id), "--body"]) == 0
    assert capsysbinary.readouterr().out == bytes(range(256))


def test_replay_by_id_needs_no_api_and_the_next_load_has_it(capsys: Capture, drain: Drain) -> None:
    statement = completed()
    letter_id = put_away(body=orjson.dumps(statement), credential_id="f" * 64)
    out = ran(capsys, "replay", letter_id)
    assert out.splitlines() == [f"{letter_id}  replayed", "1 replayed, 0 not"]
    drain()
    assert flat() == {statement["id"]}
    assert (letter(letter_id).status, letter(letter_id).resolved_by) == ("replayed", "command line")
    with session_scope() as db:
        assert db.scalars(select(AuditEntry.actor)).all() == ["command line"]
    again = json.loads(ran(capsys, "replay", letter_id, "--json"))
    assert ([one["outcome"] for one in again["results"]], again["replayed"]) == (["replayed_before"], 0)


def test_with_the_incremental_way_a_replay_goes_into_the_record(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = get_settings().model_copy(update={"etl_mode": "incremental", "redis_url": None})
    monkeypatch.setattr("app.cli.dead_letter_commands.get_settings", lambda: settings)
    statement = completed()
    ran(capsys, "replay", put_away(body=orjson.dumps(statement)))
    reconcile.sweep(10)
    assert flat() == {statement["id"]}


def test_without_redis_a_replay_goes_into_the_record_and_the_answer_stays_readable(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = get_settings().model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    monkeypatch.setattr("app.cli.dead_letter_commands.get_settings", lambda: settings)
    statement = completed()
    assert json.loads(ran(capsys, "replay", put_away(body=orjson.dumps(statement)), "--json"))["replayed"] == 1
    reconcile.sweep(10)
    assert flat() == {statement["id"]}


def test_one_refusal_among_many_is_told_and_makes_the_exit_code_1(capsys: Capture, drain: Drain) -> None:
    statement = completed()
    good, bad = put_away(0, body=orjson.dumps(statement)), put_away(1, body=b"{}")
    out = ran(capsys, "replay", bad, good, code=1)
    assert f"{bad}  refused" in out
    assert "    actor is missing" in out
    assert out.endswith("1 replayed, 1 not\n")
    drain()
    assert flat() == {statement["id"]}


def test_all_open_ones_that_fit(capsys: Capture, drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ingest.replay.REPLAYED_AT_ONCE_LETTERS", 2)
    statements = [completed(f"p{number}@example.org") for number in range(5)]
    ids = [put_away(number, code="old_rule", body=orjson.dumps(one)) for number, one in enumerate(statements)]
    other = put_away(9, body=orjson.dumps(completed()))
    ran(capsys, "discard", ids[0], "--reason", "A test.")
    out = ran(capsys, "replay", "--all-open", "--code", "old_rule")
    assert [line.split()[0] for line in out.splitlines()[:-1]] == [str(one) for one in ids[1:]]
    assert out.endswith("4 replayed, 0 not\n")
    drain()
    assert flat() == {one["id"] for one in statements[1:]}
    assert letter(other).status == "open"
    ran(capsys, "replay", "--all-open")
    assert letter(other).status == "replayed"
    assert ran(capsys, "replay", "--all-open").strip() == "0 replayed, 0 not"


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_a_new_body_from_a_file(
    capsys: Capture, drain: Drain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    statement = completed()
    letter_id = put_away(statement_id=UUID(statement["id"]))
    file = tmp_path / "mended.json"
    file.write_bytes(orjson.dumps(statement))
    if way == "standard input":
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(file.read_bytes())))
    ran(capsys, "replay", letter_id, "--body-file", "-" if way == "standard input" else file)
    drain()
    assert flat() == {statement["id"]}


def test_another_id_and_another_edition(capsys: Capture, drain: Drain) -> None:
    agents = {"contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}}]}
    statement = {key: value for key, value in completed(context=agents).items() if key != "id"}
    letter_id = put_away(body=orjson.dumps(statement))
    new_id = str(uuid4())
    assert "contextAgents" in ran(capsys, "replay", letter_id, "--statement-id", new_id, code=1)
    ran(capsys, "replay", letter_id, "--statement-id", new_id, "--xapi-version", "2.0")
    drain()
    assert flat() == {new_id}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["replay"], "--all-open"),
        (["replay", "{id}", "--all-open"], "--all-open"),
        (["replay", "{id}", "--code", "x"], "--all-open"),
        (["replay", "--all-open", "--body-file", "{file}"], "one id"),
        (["replay", "{id}", "{id}", "--xapi-version", "1.0.3"], "one id"),
        (["replay", "{id}", "--body-file", "/there/is/none"], "/there/is/none"),
        (["replay", "{id}", "--body-file", "{large}"], "MAX_BODY_BYTES"),
        (["replay", "{id}", "--xapi-version", "3"], "--xapi-version"),
        (["replay", "{id}", "--statement-id", "x"], "--statement-id"),
        (["replay", "{unknown}"], "no dead letter"),
        (["show", "{unknown}"], "no dead letter"),
        (["show", "x"], "neither the id"),
        (["show", "a\x00b"], "neither the id"),
        (["discard", "{id}", "{unknown}", "--reason", "why"], "no dead letter"),
        (["discard", "{id}", "--reason", " "], "--reason"),
        (["discard", "{id}", "--reason", "a\udcff"], "--reason"),
        (["list", "--limit", "0"], "--limit"),
        (["list", "--limit", "many"], "--limit"),
        (["list", "--since", "yesterday"], "--since"),
        (["list", "--source", "a\x00"], "--source"),
        (["list", "--text", "a\udcff"], "--text"),
        (["list", "--after", "nowhere"], "--after"),
    ],
)
def test_what_makes_no_sense_changes_nothing(capsys: Capture, tmp_path: Path, words: list[str], told: str) -> None:
    letter_id = put_away(body=orjson.dumps(completed()))
    (tmp_path / "body").write_bytes(b"{}")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(get_settings().max_body_bytes + 1)
    given = {"id": letter_id, "unknown": uuid4(), "file": tmp_path / "body", "large": tmp_path / "large"}
    code, out, err = run(capsys, *(word.format(**given) for word in words))
    assert (code, out) == (2, "")
    assert told in err
    assert (letter(letter_id).status, letter(letter_id).attempts) == ("open", 0)


def test_discarding_some_says_so(capsys: Capture) -> None:
    ids = [put_away(0), put_away(1)]
    out = ran(capsys, "discard", *ids, "--reason", "A test of the sender's.")
    assert out.splitlines() == [f"{one}  discarded: A test of the sender's." for one in ids]
    assert {letter(one).resolved_by for one in ids} == {"command line"}
    shown = json.loads(ran(capsys, "discard", ids[0], "--reason", "Again.", "--json"))
    assert [one["resolution"] for one in shown] == ["A test of the sender's."]
