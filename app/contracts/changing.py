"""A step of a contract: looked up, allowed, written and audited as one, whoever else tries at the same time."""

import json
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import audit
from app.contracts import rules
from app.contracts.files import ROOT, one_writer, read_all, replace
from app.contracts.progress import missing
from app.contracts.schemas import Contract, Status
from app.database import session_scope
from app.errors import NotFound, NotNow
from app.platform import clock


@dataclass(frozen=True, slots=True)
class Step:
    """Who takes it. actor: as the audit log names them. agent: in whose name. for_anybody: may act for others too."""

    status: Status
    agent: str
    actor: str
    for_anybody: bool = False


def change_status(
    folder: Path, module: str, step: Step, *, served: Collection[str] | None, root: Path = ROOT
) -> Contract:
    """Take the step, and return the contract as it is then. The same step again changes nothing.

    NotFound when there is no such contract; NotNow says why the step is not open; Fixed when the file cannot be
    written; Unavailable when others are writing all the time. The file and the audit log change both or neither.
    served: the endpoints of the running system, None where nobody can say.
    """
    with one_writer(folder):
        others = {one.module: one for one in read_all(folder).contracts}
        contract = others.get(module)
        if contract is None:
            raise NotFound(f"There is no contract {module!r}.")
        if rules.is_there(contract, step.status, step.agent):
            return contract
        gone = missing(contract, root, served) if step.status == "done" else ()
        if told := rules.refusal(contract, step.status, step.agent, others, missing=gone, for_anybody=step.for_anybody):
            raise NotNow(told)
        changed = {
            "agent": step.agent if step.status == "in_progress" else None,
            "status": step.status,
            "updated_at": clock.iso(clock.now()),
        }
        _write(folder / f"{module}.json", contract, changed, step.actor)
        return contract.model_copy(update=changed)


def _write(path: Path, contract: Contract, changed: dict[str, Any], actor: str) -> None:
    before = path.read_text(encoding="utf-8")
    after = json.dumps({**json.loads(before), **changed}, indent=2, ensure_ascii=False) + "\n"
    with ExitStack() as unless_committed:
        with session_scope() as db:
            detail = {"from": contract.status, "to": changed["status"], "agent": changed["agent"] or contract.agent}
            audit.note(db, actor, "contract.change", f"contract:{contract.module}", detail)
            db.flush()
            replace(path, after)
            # An act that is not written down was not done.
            unless_committed.callback(replace, path, before)
        unless_committed.pop_all()
