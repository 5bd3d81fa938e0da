"""What a run of pytest leaves behind, by runs of pytest, in one process and shared among two."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
import pytest
from pathlib import Path
from tests.reporting import TestReporting

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(TestReporting(config, Path(__file__).parents[1]))
"""
ONE = """
import pytest

def test_good(): pass
def test_bad(): assert 1 == 2, "one is not two"
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail(strict=True)
def test_expected(): assert False
@pytest.fixture
def broken(): raise RuntimeError("no ground")
def test_on_it(broken): pass
"""
TWO = """
import time

def test_slow(): time.sleep(0.3)
def test_quick(): pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "code.py").write_text("x = 1\n")
    (tmp_path / "checks").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = checks\n")
    for name, told in (("conftest", CONFTEST), ("test_one", ONE), ("test_two", TWO)):
        (tmp_path / "checks" / f"{name}.py").write_text(told)
    return tmp_path


def run(project: Path, *arguments: str) -> Any:
    """Run the tests there; returns what they left, None when that is nothing."""
    file = project / "left" / "tests.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TEST_REPORT_FILE": str(file)}
    # The plugins of other tests take seconds to load.
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    return json.loads(file.read_text()) if file.exists() else None


@pytest.mark.parametrize("shared", [(), ("--numprocesses", "2", "--dist", "worksteal")])
def test_a_whole_run(project: Path, shared: tuple[str, ...]) -> None:
    left = run(project, *shared)
    told = left["run"]
    assert told["counts"] == {"passed": 3, "failed": 1, "errors": 1, "skipped": 1, "xfailed": 1, "xpassed": 0}
    assert (told["whole"], told["selection"], told["exit_status"]) == (True, [], 1)
    assert told["processes"] == (2 if shared else 1)
    assert told["slowest"][0]["test"] == "checks/test_two.py::test_slow"
    assert told["slowest"][0]["seconds"] >= 0.3
    failures = {one["test"].split("::")[1]: (one["phase"], one["message"]) for one in told["failures"]}
    assert failures["test_bad"][0] == "call"
    assert "one is not two" in failures["test_bad"][1]
    assert failures["test_on_it"][0] == "setup"
    assert "no ground" in failures["test_on_it"][1]
    files = {name: (one["passed"], one["failed"], one["skipped"]) for name, one in left["files"].items()}
    assert files == {"checks/test_one.py": (2, 2, 1), "checks/test_two.py": (2, 0, 0)}
    assert {one["code"] for one in left["files"].values()} == {told["code"]}


def test_a_part_says_nothing_of_the_rest_unless_it_fails(project: Path) -> None:
    run(project)
    part = run(project, "checks/test_one.py", "-k", "good")
    assert part["run"]["counts"]["passed"] == 1
    assert (part["run"]["whole"], part["run"]["selection"]) == (False, ["checks/test_one.py", "-k", "good"])
    assert part["files"]["checks/test_one.py"]["failed"] == 2, "one test that passes mends no file"
    assert part["files"]["checks/test_two.py"]["passed"] == 2
    (project / "checks" / "test_two.py").write_text("def test_quick(): assert False\n")
    named = run(project, "checks/test_two.py::test_quick")
    assert named["files"]["checks/test_two.py"]["failed"] == 1
    (project / "checks" / "test_two.py").unlink()
    assert list(run(project, "checks/test_one.py")["files"]) == ["checks/test_one.py"], "what is gone is forgotten"


def test_a_file_that_cannot_be_read_is_a_failure(project: Path) -> None:
    (project / "checks" / "test_two.py").write_text("import nothing_of_the_kind\n")
    left = run(project)
    assert left["run"]["counts"]["errors"] == 1
    assert left["run"]["failures"][0]["phase"] == "collect"
    assert not left["run"]["whole"]
    assert left["files"]["checks/test_two.py"]["failed"] == 1


def test_other_code_is_another_fingerprint(project: Path) -> None:
    before = run(project)["run"]["code"]
    assert run(project)["run"]["code"] == before
    (project / "app" / "code.py").write_text("x = 2\n")
    assert run(project)["run"]["code"] != before


def test_what_runs_nothing_leaves_what_there_was(project: Path) -> None:
    assert run(project, "--collect-only") is None
    before = run(project)
    run(project, "--collect-only")
    assert run(project, "-k", "nothing_of_the_kind") == before
