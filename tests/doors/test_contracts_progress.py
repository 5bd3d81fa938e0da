"""What the project says of itself at the doors: progress, the last test run, who is at work."""

import os
from pathlib import Path
from typing import Any

from app.contracts.code import code_version
from app.contracts.files import ROOT
from tests.conftest import Doors
from tests.doors.contract_files import AGENT, SERVED, agents, contract, folder, leave, put, step  # noqa: F401
from tests.doors.people import token


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
