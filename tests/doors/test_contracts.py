"""Contracts at the doors: who takes them, which steps are open, how far they hold, on files of the test's own."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.api.orchestrator import read_contracts, update_contract_status
from app.audit import AuditEntry
from app.database import session_scope
from app.errors import NotNow
from tests.conftest import Doors
from tests.doors.contract_files import AGENT, DAY, agents, changes, contract, folder, held, put, step  # noqa: F401
from tests.doors.people import token


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
