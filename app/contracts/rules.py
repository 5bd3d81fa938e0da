"""Which steps a contract may take. Pure: no files, no database."""

from collections.abc import Collection, Mapping

from app.contracts.schemas import Contract, Status

STEPS: Mapping[Status, tuple[Status, ...]] = {
    "planned": ("in_progress",),
    "in_progress": ("planned", "done"),
    "done": ("in_progress",),
}
"""Take, give back, finish, take up again. Nothing is finished that nobody took, and nothing done becomes a plan."""

_SHOWN = 5


def is_there(contract: Contract, status: Status, agent: str) -> bool:
    """Whether the step was taken already, by the same agent: then there is nothing to do and nothing wrong."""
    return contract.status == status and (status != "in_progress" or contract.agent == agent)


def refusal(
    contract: Contract,
    status: Status,
    agent: str,
    others: Mapping[str, Contract],
    *,
    missing: Collection[str] = (),
    for_anybody: bool = False,
) -> str:
    """Why this step is not open, in words; empty when it is.

    others: every contract by name. missing: files and endpoints that are not there. for_anybody: whether the caller may
    also finish or give back what somebody else took.
    """
    taken = contract.agent if contract.status == "in_progress" else None
    if taken not in (None, agent) and (status == "in_progress" or not for_anybody):
        return f"{taken} took {contract.module} on {contract.updated_at}. Agree with them, or take another one."
    if status not in STEPS[contract.status]:
        ways = " or ".join(STEPS[contract.status])
        return f"{contract.module} is {contract.status}; from there it goes to {ways}, not to {status}."
    if status == "planned":
        on_it = sorted(one.module for one in others.values() if one.status == "done" and _needs(one, contract))
        if on_it:
            return f"{_list(on_it)} is done and stands on {contract.module}; finish it instead of giving it back."
        return ""
    waits = sorted(name for name in contract.depends_on if not _may_stand_on(others.get(name)))
    if waits:
        return f"{contract.module} stands on {_list(waits)}, which has to be done first."
    if status == "done" and missing:
        return f"{contract.module} promises what is not there: {_list(sorted(missing))}."
    return ""


def _may_stand_on(other: Contract | None) -> bool:
    return other is not None and other.status == "done"


def _needs(one: Contract, other: Contract) -> bool:
    return other.module in one.depends_on


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
