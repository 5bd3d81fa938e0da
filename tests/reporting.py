"""A pytest plugin: what a run leaves for /api/debug/test-report, among however many processes it was shared.

Only the process that hands out the work writes; it hears of every test. Where a run has nothing to tell (it only listed
tests, or nothing ran), what an earlier one left stays.
"""

import os
import subprocess
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NARROWING = ("keyword", "markexpr", "deselect", "lf", "stepwise")


class TestReporting:
    """One run, from its first test to its end."""

    __test__ = False

    def __init__(self, config: pytest.Config, root: Path = ROOT) -> None:
        self.config, self.root = config, root
        self.path = Path(os.environ.get("TEST_REPORT_FILE") or root / ".reports" / "tests.json")
        self.started_at = _now()
        self.outcomes: dict[str, str] = {}
        self.seconds: dict[str, float] = defaultdict(float)
        self.failures: list[tuple[str, str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test is over: setup, call or teardown."""
        self.seconds[report.nodeid] += report.duration
        before = self.outcomes.get(report.nodeid)
        if report.failed:
            self.outcomes[report.nodeid] = "failed" if report.when == "call" or before == "failed" else "errors"
            self.failures.append((report.nodeid, report.when or "", _last_words(report)))
        elif before not in ("failed", "errors") and (report.when == "call" or report.skipped):
            expected = hasattr(report, "wasxfail")
            self.outcomes[report.nodeid] = (
                ("xfailed" if report.skipped else "xpassed") if expected else "skipped" if report.skipped else "passed"
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests that cannot be read is a failure of that file."""
        if report.failed:
            self.outcomes[report.nodeid] = "errors"
            self.failures.append((report.nodeid, "collect", _last_words(report)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """All is over; what cannot be written is told, and fails no test."""
        if not self.outcomes or self.config.option.collectonly:
            return
        try:
            self._write(int(exitstatus))
        except Exception as error:  # noqa: BLE001
            self.config.issue_config_time_warning(
                pytest.PytestWarning(f"the test report was not written: {error}"), stacklevel=1
            )

    def _write(self, exit_status: int) -> None:
        # Not before: modules of the application read their address when they are imported.
        from app.contracts import test_runs
        from app.contracts.code import code_version

        ended, code = _now(), code_version(self.root)
        counts = test_runs.TestCounts(**dict.fromkeys(test_runs.TestCounts.model_fields, 0))
        for outcome in self.outcomes.values():
            setattr(counts, outcome, getattr(counts, outcome) + 1)
        narrowed = any(getattr(self.config.option, name, None) for name in NARROWING)
        arguments = list(self.config.invocation_params.args)
        to_the_end = exit_status in (0, 1) and not (self.config.option.maxfail and exit_status)
        whole_files = to_the_end and not narrowed and not any("::" in str(one) for one in arguments)
        failures = self.failures[: test_runs.MOST_FAILURES]
        slowest = sorted(self.seconds.items(), key=lambda one: -one[1])[: test_runs.MOST_SLOWEST]
        run = test_runs.TestRun(
            started_at=self.started_at,
            finished_at=ended,
            seconds=round((ended - self.started_at).total_seconds(), 3),
            commit=code.commit,
            changed=_changed(self.root),
            code=code.fingerprint,
            selection=self._selection(arguments),
            whole=whole_files and not self._selection(arguments),
            processes=int(getattr(self.config.option, "numprocesses", None) or 1),
            exit_status=exit_status,
            counts=counts,
            slowest=[test_runs.SlowTest(test=name, seconds=round(seconds, 3)) for name, seconds in slowest],
            failures=[test_runs.FailedTest(test=name, phase=phase, message=told) for name, phase, told in failures],
            more_failures=len(self.failures) - len(failures),
        )
        test_runs.write(self.path, run, self._files(ended, code.fingerprint), whole_files=whole_files, root=self.root)

    def _selection(self, arguments: list[str]) -> list[str]:
        """The arguments that say which tests; not those that say how."""
        options = vars(self.config.option)
        told = [str(one) for one in self.config.args if self.config.args_source is pytest.Config.ArgsSource.ARGS]
        for name, flag in (("keyword", "-k"), ("markexpr", "-m")):
            told += [flag, options[name]] if options.get(name) else []
        return told + [
            one for one in arguments if one.startswith(("--deselect", "--lf", "--last-failed", "--ff", "--sw"))
        ]

    def _files(self, ended: datetime, code: str) -> dict[str, Any]:
        from app.contracts.test_runs import FileResult

        counted: dict[str, dict[str, int]] = defaultdict(lambda: {"passed": 0, "failed": 0, "skipped": 0})
        kinds = {"errors": "failed", "xpassed": "failed", "xfailed": "passed"}
        for test, outcome in self.outcomes.items():
            counted[test.split("::", 1)[0]][kinds.get(outcome, outcome)] += 1
        return {name: FileResult(finished_at=ended, code=code, **one) for name, one in counted.items()}


def _now() -> datetime:
    from app.platform import clock

    return clock.now()


def _last_words(report: Any) -> str:
    from app.contracts.test_runs import MOST_CHARACTERS

    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr)[:MOST_CHARACTERS]


def _changed(root: Path) -> bool | None:
    asked = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"], cwd=root, capture_output=True, check=False
    )
    return bool(asked.stdout.strip()) if asked.returncode == 0 else None
