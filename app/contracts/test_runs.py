"""What test runs leave behind: the last one, and for each file of tests what came of it when it was last run whole.

Written by tests/reporting.py, read by the doors. Nothing here is ever made up: what nobody ran is not in it.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from app.config import Settings
from app.contracts.code import CodeVersion
from app.contracts.files import ROOT, one_writer, replace

FILE = Path(".reports") / "tests.json"
MOST_BYTES = 8 * 2**20
MOST_SLOWEST = 20
MOST_FAILURES = 50
MOST_CHARACTERS = 2_000

Outcome = Literal["passed", "failed", "errors", "skipped", "xfailed", "xpassed"]


class TestCounts(BaseModel):
    """How many tests ended how. errors: outside of the test itself, in what it needs or leaves behind."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    xfailed: int = 0
    xpassed: int = 0


class SlowTest(BaseModel):
    """One of the slowest tests, with what it needs before and after it."""

    test: str
    seconds: float


class FailedTest(BaseModel):
    """A test that failed. phase: setup, call or teardown. message: its last words, cut."""

    test: str
    phase: str
    message: str


class TestRun(BaseModel):
    """One run of pytest. whole: of everything under tests/, to the end. code: the fingerprint of what was tested.

    commit: what was checked out, null without git. changed: whether there were changes that were not committed, null
    without git. selection: the arguments that say what was run. processes: among how many the work was shared.
    """

    started_at: datetime
    finished_at: datetime
    seconds: float
    commit: str | None
    changed: bool | None
    code: str
    selection: list[str]
    whole: bool
    processes: int
    exit_status: int
    counts: TestCounts
    slowest: list[SlowTest]
    failures: list[FailedTest]
    more_failures: int = Field(description="failures beyond those listed")


class FileResult(BaseModel):
    """What came of a file of tests when all of it was run last, or of some of it when that failed since."""

    finished_at: datetime
    code: str
    passed: int
    failed: int
    skipped: int


class TestRecord(BaseModel):
    """The file that runs leave behind. files: by path from the root of the project."""

    run: TestRun
    files: dict[str, FileResult]


class TestReportRead(BaseModel):
    """The last test run. ran: whether there was one. says: that in a sentence, with what to make of it.

    of_this_code: whether exactly the running code was tested; null when nothing was.
    """

    ran: bool
    says: str
    of_this_code: bool | None
    running_commit: str | None
    running_code: str
    run: TestRun | None


def file_of(settings: Settings) -> Path:
    """Where the record is: TEST_REPORT_FILE, else .reports/tests.json beside the code."""
    return settings.test_report_file or ROOT / FILE


def read(path: Path) -> tuple[TestRecord | None, str]:
    """The record, None when there is none; and why it cannot be read, empty when it can."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            return None, f"{path.name} has more than {MOST_BYTES} bytes"
        return TestRecord.model_validate_json(text), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValidationError) as error:
        return None, f"{path.name}: {str(error).splitlines()[0]}"


def write(path: Path, run: TestRun, files: Mapping[str, FileResult], *, whole_files: bool, root: Path) -> None:
    """Keep a run as the last one, and what came of its files.

    whole_files: whether all of each file was run. Otherwise only what failed is noted: some tests that pass say
    nothing of the others. Files that are not there any more are forgotten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with one_writer(path.parent):
        before, _ = read(path)
        kept = {name: one for name, one in (before.files if before else {}).items() if (root / name).is_file()}
        kept |= {name: one for name, one in files.items() if whole_files or one.failed}
        replace(path, TestRecord(run=run, files=dict(sorted(kept.items()))).model_dump_json(indent=1) + os.linesep)


def told(path: Path, running: CodeVersion) -> TestReportRead:
    """The last run, beside the code that runs."""
    record, problem = read(path)
    run = record.run if record else None
    return TestReportRead(
        ran=run is not None,
        says=_says(run, problem, running),
        of_this_code=None if run is None else run.code == running.fingerprint,
        running_commit=running.commit,
        running_code=running.fingerprint,
        run=run,
    )


def _says(run: TestRun | None, problem: str, running: CodeVersion) -> str:
    if run is None:
        return (
            f"The record of test runs cannot be read ({problem}). Run the tests again."
            if problem
            else "No test run is known here. `make test` leaves one."
        )
    bad = run.counts.failed + run.counts.errors
    ended = f"{bad} failed" if bad else "none failed"
    of = "of all tests" if run.whole else "of some tests"
    if run.code == running.fingerprint:
        return f"The last run, {of}, was of the code that runs: {ended}."
    commits = ""
    if run.commit and running.commit and run.commit != running.commit:
        commits = f" (commit {run.commit[:12]}, and {running.commit[:12]} runs)"
    return f"The last run, {of}, was of other code than runs here{commits}: {ended}. Run the tests again."
