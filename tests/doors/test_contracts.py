"""Contracts at the doors: who takes them, which steps are open, how far they hold, on files of the test's own."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.api.orchestrator import read_contracts, update_contract_status
from app.audit import AuditEntry
from app.contracts import test_runs as runs
from app.contracts.code import code_version
from app.contracts.files import ROOT
from app.database import session_scope
from app.errors import NotNow
from tests.conftest import Doors
from tests.doors.people import acts, token
from tests.doors.test_signup import doors_with

DAY = "2026-11-20"
SERVED = "GET /api/debug/progress"
AGENT = ("progress:read", "contracts:write")


def contract(module: str, **more: Any) -> dict[str, Any]:
    return {
        "module": module,
        "agent": None,
        "purpose": "A module that a test made up.",
        "allowed_files": ["app/main.py"],
        "required_endpoints": [SERVED],
        "tests": ["tests/unit/test_keys.py"],
        "status": "planned",
        "depends_on": [],
        "updated_at": DAY,
        **more,
    }


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    import shutil
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="seventaps-contracts-"))
    made.chmod(0o755)  # Somebody who may not write has to be able to read.
    monkeypatch.setenv("CONTRACTS_DIR", str(made))
    monkeypatch.setenv("TEST_REPORT_FILE", str(tmp_path_factory.mktemp("reports") / "tests.json"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def agents(folder: Path, doors: Doors) -> Iterator[Doors]:
    """The doors, with contracts of the test's own."""
    with doors_with() as client:
        yield Doors(client, doors.sender, doors.admin)


def put(folder: Path, *contracts: dict[str, Any]) -> None:
    for one in contracts:
        (folder / f"{one['module']}.json").write_text(json.dumps(one, indent=2))


def held(folder: Path, module: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{module}.json").read_text())
    return found


def step(doors: Doors, module: str, status: str, who: dict[str, str], **more: Any) -> Any:
    return doors.client.patch(f"/api/contracts/{module}", json={"status": status, **more}, headers=who)


def changes() -> list[tuple[str, str, str]]:
    return [one for one in acts() if one[1] == "contract.change"]


def test_nobody_may_without_a_token(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    for path in ("progress", "active-agents", "test-report"):
        assert agents.client.get(f"/api/debug/{path}").status_code == 401
    assert step(agents, "one", "in_progress", {}).status_code == 401
    assert step(agents, "one", "in_progress", token("progress:read")).status_code == 403
    assert held(folder, "one")["status"] == "planned"


def test_an_agent_takes_a_contract_finishes_it_and_takes_it_up_again(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    ada = token(*AGENT, name="ada")
    taken = step(agents, "one", "in_progress", ada)
    assert taken.status_code == 200, taken.text
    assert (taken.json()["agent"], taken.json()["status"]) == ("ada", "in_progress")
    assert held(folder, "one") == taken.json()
    assert held(folder, "one")["updated_at"] > DAY
    again = step(agents, "one", "in_progress", ada)
    assert again.json() == taken.json()
    done = step(agents, "one", "done", ada)
    assert (done.json()["agent"], done.json()["status"]) == (None, "done")
    assert step(agents, "one", "in_progress", ada).status_code == 200
    assert step(agents, "one", "planned", ada).status_code == 200
    assert changes() == [("token ada", "contract.change", "contract:one")] * 4
    with session_scope() as db:
        details = [one.detail for one in db.query(AuditEntry).filter_by(act="contract.change").order_by(AuditEntry.id)]
    assert [one["to"] for one in details] == ["in_progress", "done", "in_progress", "planned"]
    assert list(held(folder, "one")) == list(contract("one")), "the order of its properties stays"
    assert [path.name for path in folder.iterdir()] == ["one.json"], "nothing else is left there"


@pytest.mark.parametrize(
    ("before", "to", "told"),
    [
        ({}, "done", "it goes to in_progress, not to done"),
        ({"status": "done"}, "planned", "it goes to in_progress, not to planned"),
        ({"depends_on": ["two"]}, "in_progress", "stands on two"),
        ({"depends_on": ["nowhere"]}, "in_progress", "stands on nowhere"),
        ({"status": "in_progress", "agent": "bob"}, "in_progress", "bob took one"),
        ({"status": "in_progress", "agent": "bob"}, "done", "bob took one"),
        ({"status": "in_progress", "agent": "bob"}, "planned", "bob took one"),
        ({"status": "in_progress", "agent": "ada", "required_endpoints": ["GET /x"]}, "done", "GET /x"),
        ({"status": "in_progress", "agent": "ada", "allowed_files": ["app/x.py"]}, "done", "app/x.py"),
        ({"status": "in_progress", "agent": "ada", "tests": ["tests/x.py"]}, "done", "tests/x.py"),
    ],
)
def test_a_step_that_is_not_open(agents: Doors, folder: Path, before: dict[str, Any], to: str, told: str) -> None:
    put(folder, contract("one", **before), contract("two"))
    was = held(folder, "one")
    answer = step(agents, "one", to, token(*AGENT, name="ada"))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_now")
    assert told in answer.json()["detail"]
    assert held(folder, "one") == was
    assert changes() == []


def test_what_others_stand_on_is_not_given_back(agents: Doors, folder: Path) -> None:
    taken = contract("one", status="in_progress", agent="ada")
    put(folder, taken, contract("two", status="done", depends_on=["one"]))
    answer = step(agents, "one", "planned", token(*AGENT, name="ada"))
    assert answer.status_code == 409
    assert "two is done and stands on one" in answer.json()["detail"]


def test_only_admins_act_for_others(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    answer = step(agents, "one", "in_progress", token(*AGENT, name="ada"), agent="bob")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert step(agents, "one", "in_progress", agents.admin, agent="bob").json()["agent"] == "bob"
    assert step(agents, "one", "in_progress", agents.admin, agent="eve").status_code == 409
    assert step(agents, "one", "done", agents.admin).json()["status"] == "done"


@pytest.mark.parametrize(
    "body", [{}, {"status": "finished"}, {"status": "done", "x": 1}, {"status": "done", "agent": "a\x00"}, [], 7]
)
def test_a_body_that_is_none(agents: Doors, folder: Path, body: Any) -> None:
    put(folder, contract("one"))
    answer = agents.client.patch("/api/contracts/one", json=body, headers=agents.admin)
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"]


@pytest.mark.parametrize("module", ["nothing", "contract_schema", "..%2Fone", "%00", "One", "x" * 61])
def test_a_module_that_there_is_not(agents: Doors, folder: Path, module: str) -> None:
    put(folder, contract("one"))
    assert step(agents, module, "in_progress", agents.admin).status_code in (400, 404)
    assert agents.client.get(f"/api/contracts/{module}", headers=agents.admin).status_code in (400, 404)


def test_of_many_who_take_it_at_once_one_gets_it(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    who = {f"agent {number}": token(*AGENT, name=f"agent {number}") for number in range(8)}
    answers: dict[str, int] = {}
    start = threading.Barrier(len(who))

    def take(name: str) -> None:
        start.wait()
        answers[name] = step(agents, "one", "in_progress", who[name]).status_code

    threads = [threading.Thread(target=take, args=(name,)) for name in who]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == [200] + [409] * 7
    (winner,) = [name for name, status in answers.items() if status == 200]
    assert held(folder, "one")["agent"] == winner
    assert changes() == [(f"token {winner}", "contract.change", "contract:one")]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the right to write, which root would have anywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_where_the_files_are_read_only_it_is_said(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    ada = token(*AGENT, name="ada")
    folder.chmod(0o555)
    with as_nobody():
        answer = step(agents, "one", "in_progress", ada)
    folder.chmod(0o755)
    assert (answer.status_code, answer.json()["code"]) == (409, "read_only")
    assert "CONTRACTS_DIR" in answer.json()["detail"]
    assert held(folder, "one")["status"] == "planned"
    assert changes() == [], "what was not done is not written down"


def test_what_cannot_be_written_down_is_not_done(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    with pytest.raises(ValueError, match="NUL"):
        update_contract_status("one", "in_progress", agent="ada", actor="a\x00b")
    assert held(folder, "one")["status"] == "planned"


def test_the_functions_do_without_a_door(agents: Doors, folder: Path) -> None:
    put(folder, contract("one", required_endpoints=["GET /nobody-can-say"]), contract("two", depends_on=["one"]))
    assert update_contract_status("one", "in_progress").agent == "command line"
    with pytest.raises(NotNow):
        update_contract_status("two", "in_progress")
    assert update_contract_status("one", "done").status == "done"
    assert [one.status for one in read_contracts().contracts] == ["done", "planned"]


def test_a_file_that_is_no_contract_hinders_no_other(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    (folder / "two.json").write_text("{")
    (folder / "three.json").write_text(json.dumps(contract("four")))
    (folder / "five.json").write_text(json.dumps(contract("five", status="finished")))
    answer = agents.client.get("/api/contracts", headers=token("progress:read")).json()
    assert [one["module"] for one in answer["contracts"]] == ["one"]
    told = {one["file"]: one["problem"] for one in answer["unreadable"]}
    assert set(told) == {"two.json", "three.json", "five.json"}
    assert "status" in told["five.json"]
    assert "'four'" in told["three.json"]
    assert agents.client.get("/api/debug/progress", headers=agents.admin).json()["unreadable"] == answer["unreadable"]
    (folder / "one.json").unlink()
    for path in folder.iterdir():
        path.unlink()
    empty = agents.client.get("/api/debug/progress", headers=agents.admin).json()
    assert (empty["percent"], empty["modules"]) == (0, [])


def leave(code: str, *, failed: int = 0, file: str = "tests/unit/test_keys.py", commit: str | None = None) -> None:
    """What a test run would leave."""
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    run = runs.TestRun(
        started_at=at,
        finished_at=at,
        seconds=1.5,
        commit=commit,
        changed=False,
        code=code,
        selection=[],
        whole=True,
        processes=2,
        exit_status=int(failed > 0),
        counts=runs.TestCounts(passed=3, failed=failed),
        slowest=[runs.SlowTest(test=f"{file}::test_slow", seconds=1.2)],
        failures=[runs.FailedTest(test=f"{file}::test_bad", phase="call", message="assert 1 == 2")] * failed,
        more_failures=0,
    )
    result = runs.FileResult(finished_at=at, code=code, passed=3, failed=failed, skipped=0)
    runs.write(Path(os.environ["TEST_REPORT_FILE"]), run, {file: result}, whole_files=True, root=ROOT)


def progress(doors: Doors) -> dict[str, Any]:
    answer = doors.client.get("/api/debug/progress", headers=token("progress:read", name=os.urandom(4).hex()))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_progress_is_what_is_really_there(agents: Doors, folder: Path) -> None:
    gone = {"allowed_files": ["app/main.py", "app/x.py"], "required_endpoints": [SERVED, "GET /x"]}
    put(folder, contract("whole", status="done"), contract("wrong", status="done", depends_on=["whole"], **gone))
    put(folder, contract("yet", depends_on=["wrong", "yet"], allowed_files=["app/y.py"], required_endpoints=[]))
    found = progress(agents)
    whole, wrong, yet = found["modules"]
    assert whole["files"] == {"named": 1, "there": 1, "missing": [], "unknown": []}
    assert (whole["tests"]["state"], whole["pieces"], whole["pieces_held"]) == ("not_run", 4, 3)
    assert whole["holds"]
    assert wrong["files"]["missing"] == ["app/x.py"]
    assert wrong["endpoints"]["missing"] == ["GET /x"]
    assert not wrong["holds"]
    assert (yet["pieces"], yet["pieces_held"], yet["waits_for"], yet["holds"]) == (3, 0, ["yet"], True)
    assert (found["pieces"], found["pieces_held"], found["percent"]) == (13, 6, 46)


def test_progress_knows_of_tests_only_what_a_run_left(agents: Doors, folder: Path) -> None:
    put(folder, contract("one", status="done"))
    assert progress(agents)["modules"][0]["tests"]["state"] == "not_run"
    code = code_version(ROOT).fingerprint
    leave("another code")
    assert progress(agents)["modules"][0]["tests"]["state"] == "outdated"
    leave(code, failed=1)
    (one,) = progress(agents)["modules"]
    assert (one["tests"]["state"], one["tests"]["failing"], one["holds"]) == (
        "failed",
        ["tests/unit/test_keys.py"],
        False,
    )
    leave(code)
    found = progress(agents)
    assert found["modules"][0]["tests"] == {
        **{"state": "passed", "files": 1, "passed": 3, "failed": 0, "skipped": 0, "not_run": [], "failing": []},
        "finished_at": "2026-11-21T10:00:00Z",
    }
    assert (found["percent"], found["share"]) == (100, 1.0)


def test_the_test_report_is_never_made_up(agents: Doors, folder: Path) -> None:
    def report() -> Any:
        return agents.client.get("/api/debug/test-report", headers=agents.admin).json()

    none = report()
    assert (none["ran"], none["run"], none["of_this_code"]) == (False, None, None)
    assert none["says"].startswith("No test run is known here")
    leave("another code", commit="a" * 40)
    other = report()
    assert (other["ran"], other["of_this_code"]) == (True, False)
    assert "other code than runs here" in other["says"]
    assert other["running_commit"] is None or "aaaaaaaaaaaa" in other["says"]
    leave(code_version(ROOT).fingerprint, failed=1)
    this = report()
    assert this["of_this_code"]
    assert this["run"]["counts"]["failed"] == 1
    assert this["run"]["failures"] == [
        {"test": "tests/unit/test_keys.py::test_bad", "phase": "call", "message": "assert 1 == 2"}
    ]
    assert this["run"]["slowest"] == [{"test": "tests/unit/test_keys.py::test_slow", "seconds": 1.2}]
    Path(os.environ["TEST_REPORT_FILE"]).write_text("{}")
    broken = report()
    assert (broken["ran"], broken["run"]) == (False, None)
    assert "cannot be read" in broken["says"]


def test_active_agents_are_those_at_work_and_those_seen(agents: Doors, folder: Path) -> None:
    put(folder, contract("one", status="in_progress", agent="bob"), contract("two"))
    ada = token(*AGENT, name="ada")
    assert step(agents, "two", "in_progress", ada).status_code == 200
    token("progress:read", name="never used")
    agents.client.get("/api/cohorts", headers=token("reports:read", name="no agent"))
    answer = agents.client.get("/api/debug/active-agents", headers=ada).json()
    assert [(one["name"], [c["module"] for c in one["contracts"]]) for one in answer["agents"]] == [
        ("ada", ["two"]),
        ("bob", ["one"]),
    ]
    assert answer["agents"][0]["last_seen_at"]
    assert answer["agents"][1]["last_seen_at"] is None
