"""How far each contract holds: what is there, what is served, what was tested. Looked at, never taken on trust."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from app.contracts.code import CodeVersion
from app.contracts.schemas import Contract, ContractsRead, Status, Unreadable
from app.contracts.test_runs import FileResult, TestRecord
from app.platform import clock

NOT_SHIPPED = ("tests", "docs")
"""Folders that an installation may leave out; then nobody can say whether what is in them is there."""
METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})

TestsState = Literal["passed", "failed", "outdated", "not_run", "not_here", "none"]


class Pieces(BaseModel):
    """What a contract names, and what of it is there. unknown: in folders that are not part of this installation."""

    named: int
    there: int
    missing: list[str]
    unknown: list[str]


class ModuleTests(BaseModel):
    """What is known of a module's tests: the files that hold them, and what came of these when they were last run.

    passed: all, of the code that runs; failed: at least one did; outdated: all passed, of other code; not_run: some
    were never run whole; not_here: tests are not part of this installation; none: the contract names none. Skipped
    ones are not passed, and hinder nothing.
    """

    state: TestsState
    files: int
    passed: int
    failed: int
    skipped: int
    not_run: list[str]
    failing: list[str]
    finished_at: datetime | None


class ModuleProgress(BaseModel):
    """One module. share: of its pieces that are shown to hold, 0 to 1. holds: nothing that it claims is contradicted.

    Its pieces are its status being done, each file, each endpoint, and its tests; what cannot be known in this
    installation is left out. waits_for: modules that have to be done first and are not.
    """

    module: str
    purpose: str
    agent: str | None
    status: Status
    updated_at: str
    waits_for: list[str]
    files: Pieces
    endpoints: Pieces
    tests: ModuleTests
    pieces: int
    pieces_held: int
    share: float
    holds: bool


class ProgressRead(BaseModel):
    """How far the project is. percent: the pieces of all modules that are shown to hold, of all; never rounded up."""

    generated_at: datetime
    percent: int
    share: float
    pieces: int
    pieces_held: int
    modules: list[ModuleProgress]
    unreadable: list[Unreadable]
    commit: str | None
    code: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What contracts are held against: the files, what is served, and what test runs left."""

    root: Path
    served: Collection[str]
    running: CodeVersion
    record: TestRecord | None


def endpoints_of(document: Mapping[str, Any]) -> frozenset[str]:
    """Every endpoint that an OpenAPI document describes, as contracts name them: `GET /api/contracts`."""
    paths: Mapping[str, Mapping[str, Any]] = document["paths"]
    return frozenset(
        f"{method.upper()} {path}" for path, doors in paths.items() for method in doors if method.upper() in METHODS
    )


def progress(reading: ContractsRead, around: Surroundings) -> ProgressRead:
    """Every module, in the order of names."""
    status = {one.module: one.status for one in reading.contracts}
    modules = [_module(one, status, around) for one in reading.contracts]
    pieces, held = sum(one.pieces for one in modules), sum(one.pieces_held for one in modules)
    return ProgressRead(
        generated_at=clock.now(),
        percent=held * 100 // pieces if pieces else 0,
        share=round(held / pieces, 4) if pieces else 0.0,
        pieces=pieces,
        pieces_held=held,
        modules=modules,
        unreadable=reading.unreadable,
        commit=around.running.commit,
        code=around.running.fingerprint,
    )


def missing(contract: Contract, root: Path, served: Collection[str] | None) -> list[str]:
    """What a contract promises and is not there: files, tests, endpoints. served: None where nobody can say."""
    found = [*files_of(root, contract.allowed_files).missing, *files_of(root, contract.tests).missing]
    return found + (endpoints(contract, served).missing if served is not None else [])


def files_of(root: Path, patterns: Collection[str]) -> Pieces:
    """Which of these paths and globs stand for something below the root."""
    unknown = [one for one in patterns if _is_not_shipped(root, one)]
    gone = [one for one in patterns if one not in unknown and next(root.glob(one), None) is None]
    return Pieces(named=len(patterns), there=len(patterns) - len(unknown) - len(gone), missing=gone, unknown=unknown)


def endpoints(contract: Contract, served: Collection[str]) -> Pieces:
    """Which of a contract's endpoints are served."""
    gone = [one for one in contract.required_endpoints if one not in served]
    named = len(contract.required_endpoints)
    return Pieces(named=named, there=named - len(gone), missing=gone, unknown=[])


def tests_of(contract: Contract, around: Surroundings) -> ModuleTests:
    """What is known of a module's tests."""
    wanted = sorted({path for pattern in contract.tests for path in _test_files(around.root, pattern)})
    known = around.record.files if around.record else {}
    results = {name: known[name] for name in wanted if name in known}
    return ModuleTests(
        state=_state(contract, around, wanted, results),
        files=len(wanted),
        passed=sum(one.passed for one in results.values()),
        failed=sum(one.failed for one in results.values()),
        skipped=sum(one.skipped for one in results.values()),
        not_run=[name for name in wanted if name not in results],
        failing=[name for name, one in results.items() if one.failed],
        finished_at=min((one.finished_at for one in results.values()), default=None),
    )


def _state(
    contract: Contract, around: Surroundings, wanted: Collection[str], results: Mapping[str, FileResult]
) -> TestsState:
    if not contract.tests:
        return "none"
    if not wanted and all(_is_not_shipped(around.root, one) for one in contract.tests):
        return "not_here"
    if any(one.failed for one in results.values()):
        return "failed"
    if len(results) < len(wanted) or not wanted:
        return "not_run"
    return "passed" if all(one.code == around.running.fingerprint for one in results.values()) else "outdated"


def _module(contract: Contract, status: Mapping[str, Status], around: Surroundings) -> ModuleProgress:
    files, served = files_of(around.root, contract.allowed_files), endpoints(contract, around.served)
    tests = tests_of(contract, around)
    pieces, held = 1, int(contract.status == "done")
    for one in (files, served):
        pieces, held = pieces + one.named - len(one.unknown), held + one.there
    if tests.state not in ("none", "not_here"):
        pieces, held = pieces + 1, held + (tests.state == "passed")
    contradicted = bool(files.missing or served.missing or tests.state == "failed")
    return ModuleProgress(
        module=contract.module,
        purpose=contract.purpose,
        agent=contract.agent,
        status=contract.status,
        updated_at=contract.updated_at,
        waits_for=[name for name in contract.depends_on if status.get(name) != "done"],
        files=files,
        endpoints=served,
        tests=tests,
        pieces=pieces,
        pieces_held=held,
        share=round(held / pieces, 4),
        holds=not (contract.status == "done" and contradicted),
    )


def _test_files(root: Path, pattern: str) -> list[str]:
    found = [path for path in root.glob(pattern) if "__pycache__" not in path.parts]
    files = [file for path in found for file in (path.rglob("test_*.py") if path.is_dir() else [path])]
    return [one.relative_to(root).as_posix() for one in files if one.name.startswith("test_") and one.suffix == ".py"]


def _is_not_shipped(root: Path, pattern: str) -> bool:
    folder = pattern.split("/", 1)[0]
    return folder in NOT_SHIPPED and not (root / folder).is_dir()
