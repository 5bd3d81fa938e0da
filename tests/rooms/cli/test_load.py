"""`load` against a real server: what it sends, sends again, reports, and where it ends."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from app.cli import load_batches
from app.cli.load import run_load
from tests.rooms.cli.door import PASSWORD, TOKEN, USER, Door

NAMESPACE = UUID(int=1)


def statement(number: int, **more: Any) -> dict[str, Any]:
    """A good statement, with an id of its own for each number."""
    return {
        "id": str(uuid5(NAMESPACE, str(number))),
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": f"https://app.7taps.com/lessons/{number}"},
        **more,
    }


def bad(number: int) -> dict[str, Any]:
    """A statement that has to be refused."""
    return statement(number, actor={"name": "Nobody"})


def write(tmp_path: Path, statements: list[Any], name: str = "statements.jsonl") -> str:
    """A file of JSON lines."""
    path = tmp_path / name
    path.write_text("".join(json.dumps(one) + "\n" for one in statements))
    return str(path)


def run(door: Door, file: str, **more: Any) -> int:
    """Load the file with the right credentials unless told otherwise."""
    arguments: dict[str, Any] = {"user": USER, "password": PASSWORD, "patience_seconds": 20}
    return run_load(**{"file": file, "url": door.url, **arguments, **more})


def summary(text: str) -> dict[str, str]:
    """The figures of the summary by their names."""
    lines = text.partition("\n\n")[0].splitlines()
    return {line[:14].strip(): line[14:].strip() for line in lines}


def test_lines_are_sent_in_batches(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statements = [statement(number) for number in range(23)]
    assert run(door, write(tmp_path, statements), batch=5) == 0
    assert {one["id"]: one for one in statements} == door.stored
    assert sorted(door.batches) == [3, 5, 5, 5, 5]
    assert door.versions == {"1.0.3"}
    told = summary(capsys.readouterr().out)
    assert (told["read"], told["accepted"], told["refused"]) == ("23", "23", "0")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("count", [1, 4])
def test_arrays_and_single_statements(door: Door, tmp_path: Path, count: int, packed: bool) -> None:
    statements = [statement(number) for number in range(count)]
    content = json.dumps(statements if count > 1 else statements[0], indent=1).encode()
    path = tmp_path / "statements"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert run(door, str(path)) == 0
    assert len(door.stored) == count


def test_the_standard_input(door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = Path(write(tmp_path, [statement(1), statement(2)])).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run(door, "-") == 0
    assert len(door.stored) == 2


def test_batches_are_bounded_in_bytes_too(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_batches, "BATCH_BYTES", 700)
    assert run(door, write(tmp_path, [statement(number) for number in range(9)])) == 0
    assert len(door.stored) == 9
    assert max(door.batches) == 3


def test_a_broken_line_is_reported_and_the_others_are_sent(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_text(f'{json.dumps(statement(1))}\n{{"id": "x", \n{json.dumps(statement(2))}\n')
    report = tmp_path / "refused.jsonl"
    assert run(door, str(path), refused=str(report)) == 1
    assert len(door.stored) == 2
    assert "  line 2: $: This is not JSON" in capsys.readouterr().out
    told = json.loads(report.read_text())
    assert (told["place"], told["text"]) == ("line 2", '{"id": "x",')


EXPLANATIONS = ["refused and paths", "paths", "refused", "refused and one path", "nothing of many"]


@pytest.mark.parametrize("explains", EXPLANATIONS)
def test_refused_statements_are_reported_and_the_rest_is_sent(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str], explains: str
) -> None:
    door.explains = explains
    places = {2, 3, 11, 19}
    statements = [bad(n) if n in places else statement(n) for n in range(20)]
    report = tmp_path / "refused.jsonl"
    file = write(tmp_path, statements)
    assert run(door, file, batch=10, refused=str(report)) == 1
    assert door.stored.keys() == {one["id"] for n, one in enumerate(statements) if n not in places}
    told = [json.loads(line) for line in report.read_text().splitlines()]
    assert {one["place"] for one in told} == {f"line {place + 1}" for place in places}
    assert all(one["statement"] in statements for one in told)
    out = capsys.readouterr().out
    assert summary(out)["refused"] == "4"
    if explains != "refused":
        assert all(one["problems"][0]["path"] == "actor" for one in told)
        assert "  line 3: actor: has no identifier" in out


def test_only_the_first_refusals_are_shown(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "refused.jsonl"
    assert run(door, write(tmp_path, [bad(n) for n in range(30)]), refused=str(report)) == 1
    out = capsys.readouterr().out
    assert out.count("has no identifier") == 20
    assert "20 of 30" in out
    assert len(report.read_text().splitlines()) == 30


def test_a_conflict_is_a_refusal(door: Door, tmp_path: Path) -> None:
    other = statement(1, timestamp="2026-01-01T00:00:00Z")
    door.stored[other["id"]] = other
    assert run(door, write(tmp_path, [statement(0), statement(1), statement(2)])) == 1
    assert len(door.stored) == 3
    assert door.stored[other["id"]] == other


def test_one_id_twice_in_a_file(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = statement(1, timestamp="2026-01-01T00:00:00Z")
    file = write(tmp_path, [statement(1), statement(1), statement(2), other])
    assert run(door, file, in_flight=1) == 1
    assert door.batches[0] == 2
    told = summary(capsys.readouterr().out)
    assert (told["accepted"], told["repeated"], told["refused"]) == ("2", "1", "1")


def test_too_large_a_batch_is_halved(door: Door, tmp_path: Path) -> None:
    door.most_bytes = 1_000
    file = write(tmp_path, [statement(n) for n in range(9)] + [statement(9, x="y" * 2_000)])
    assert run(door, file) == 1
    assert len(door.stored) == 9


def test_503_is_waited_for(door: Door, tmp_path: Path) -> None:
    door.busy = 5
    assert run(door, write(tmp_path, [statement(n) for n in range(9)]), batch=2) == 0
    assert (door.busy, len(door.stored)) == (0, 9)


def test_patience_ends(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    door.hold_after = 0
    assert run(door, write(tmp_path, [statement(1)]), patience_seconds=0) == 2
    assert "503" in capsys.readouterr().err


def test_running_it_again_adds_nothing(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without_ids = [statement(n) for n in range(6)]
    for one in without_ids:
        del one["id"]
    file = write(tmp_path, without_ids)
    assert run(door, file, admin_token=TOKEN) == 0
    first = summary(capsys.readouterr().out)
    assert (first["new"], first["already there"]) == ("6", "0")
    ids = set(door.stored)
    assert run(door, file, admin_token=TOKEN) == 0
    again = summary(capsys.readouterr().out)
    assert (again["new"], again["already there"]) == ("0", "6")
    assert set(door.stored) == ids


def test_a_token_that_is_not_let_in_matters_only_when_asked_for(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, [statement(1)])
    assert run(door, file, admin_token="wrong") == 0
    assert "accepted" in capsys.readouterr().out
    assert run(door, file, admin_token="wrong", wait=True) == 2
    assert "ADMIN_TOKEN" in capsys.readouterr().err


def test_what_keeps_it_from_running(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, [statement(1)])
    with_directory = str(tmp_path / "missing" / "refused.jsonl")
    attempts: list[tuple[dict[str, Any], str]] = [
        ({"password": "wrong"}, "does not let these credentials in"),
        ({"file": str(tmp_path / "missing")}, "cannot be read"),
        ({"url": "http://127.0.0.1:1"}, "Nobody answers"),
        ({"url": "127.0.0.1"}, "is no address"),
        ({"batch": 0}, "at least 1"),
        ({"refused": file}, "would overwrite"),
        ({"refused": with_directory}, "cannot be written"),
    ]
    for arguments, sentence in attempts:
        assert run(door, **{"file": file, **arguments}) == 2
        assert sentence in capsys.readouterr().err
    door.failing = True
    assert run(door, file) == 2
    assert "answered 500: Broken on our side" in capsys.readouterr().err
    assert door.stored == {}
    assert len(Path(file).read_text().splitlines()) == 1


def test_control_characters_do_not_reach_the_terminal(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "statements"
    path.write_bytes(b"[NaN\x1b[2J]")
    assert run(door, str(path)) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_ctrl_c_ends_with_the_summary_so_far(door: Door, tmp_path: Path) -> None:
    door.hold_after = 2
    file = write(tmp_path, [statement(n) for n in range(50)])
    arguments = {"file": file, "url": door.url, "user": USER, "password": PASSWORD}
    options = {"batch": 5, "in_flight": 1}
    program = "import sys; from app.cli.load import run_load; " f"sys.exit(run_load(**{ {**arguments, **options}!r}))"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        # A test run in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        assert door.holding.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert summary(out)["accepted"] == "10"
    assert "Run it again" in err
