"""The page of contracts: what is told of modules, test runs and agents, to people and as JSON."""

from pathlib import Path

import pytest

from app.contracts.code import code_version
from app.contracts.files import ROOT
from tests.conftest import Doors
from tests.doors.contract_files import AGENT, agents, contract, folder, leave, put, step  # noqa: F401
from tests.doors.people import account, token, visitor

How = dict[str, dict[str, str]]
PAGE = {"Accept": "text/html"}


def shown(doors: Doors) -> str:
    answer = doors.client.get("/ui/contracts", headers={**doors.admin, **PAGE})
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_who_may_see_it(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    assert agents.client.get("/ui/contracts").status_code == 401
    assert agents.client.get("/ui/contracts", headers=token("reports:read", name="no")).status_code == 403
    ann = visitor(agents.client, account("Ann"))
    page = ann.ask("GET", "/ui/contracts", headers=PAGE)
    assert page.status_code == 200
    assert '<a href="/ui/contracts" aria-current="page">' in page.text


def test_it_says_what_holds_and_what_does_not(agents: Doors, folder: Path) -> None:
    put(
        folder,
        contract("one", status="done", depends_on=["two"]),
        contract("two", status="done", allowed_files=["app/<script>.py"], required_endpoints=["GET /x"]),
        contract("three", depends_on=["four"]),
    )
    (folder / "bad.json").write_text("{")
    text = shown(agents)
    assert "2 of 3 modules are done" in text
    assert "No file: <code>app/&lt;script&gt;.py</code>" in text
    assert "Not served: <code>GET /x</code>" in text
    assert "Not true" in text
    assert 'Waits for <a href="#module-four">four</a>' in text
    assert "bad.json cannot be read as a contract" in text
    assert "No test run is known here" in text
    assert "`" not in text
    assert 'href="/ui/definitions#Modules-done"' in text
    assert "<script>.py" not in text


def test_the_last_test_run(agents: Doors, folder: Path) -> None:
    put(folder, contract("one", status="done"))
    leave("another code", failed=1)
    text = shown(agents)
    assert "3 passed, 1 failed, 0 skipped" in text
    assert "other code than runs here" in text
    assert "assert 1 == 2" in text
    assert "test_slow" in text
    leave(code_version(ROOT).fingerprint)
    text = shown(agents)
    assert "was of the code that runs" in text
    assert "100 %" in text


def test_agents_at_work(agents: Doors, folder: Path) -> None:
    put(folder, contract("one"))
    assert "Nobody has taken a contract" in shown(agents)
    step(agents, "one", "in_progress", token(*AGENT, name="<b>ada</b>"))
    text = shown(agents)
    assert "&lt;b&gt;ada&lt;/b&gt;" in text
    assert "In progress" in text


def test_without_contracts_it_says_where_they_would_be(agents: Doors, folder: Path) -> None:
    assert "No contracts here" in shown(agents)
    folder.rmdir()
    text = shown(agents)
    assert "No such file or directory" in text
    folder.mkdir()


@pytest.mark.parametrize("how", [{"params": {"format": "json"}}, {"headers": {"Accept": "application/json"}}])
def test_its_twin_is_what_the_doors_say(agents: Doors, folder: Path, how: How) -> None:
    put(folder, contract("one", status="done"), contract("two", status="in_progress", agent="bob"))
    leave("another code")
    headers = {**agents.admin, **how.get("headers", {})}
    twin = agents.client.get("/ui/contracts", params=how.get("params"), headers=headers).json()
    doors = {
        name: agents.client.get(f"/api/debug/{path}", headers=agents.admin).json()
        for name, path in (("progress", "progress"), ("tests", "test-report"), ("agents", "active-agents"))
    }
    for told in (twin, doors):
        for name in ("progress", "agents"):
            assert told[name].pop("generated_at")
    assert twin == doors
