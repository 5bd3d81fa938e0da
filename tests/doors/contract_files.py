"""Contracts and reports of test runs on files of the test's own, and agents who take steps with them."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.contracts import test_runs as runs
from app.contracts.files import ROOT
from tests.conftest import Doors
from tests.doors.people import acts
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
