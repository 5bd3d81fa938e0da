"""The doors of the contracts, for agents that take one, work, and report. docs/contracts.md tells how."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.params import Path

from app.access.callers import Caller, needs
from app.api.problems import errors
from app.config import get_settings
from app.contracts import files
from app.contracts.changing import Step, change_status
from app.contracts.progress import endpoints_of
from app.contracts.schemas import Contract, ContractChange, ContractsRead, Status
from app.errors import NotAllowed, NotFound
from app.schemas import ErrorRead

NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

router = APIRouter(prefix="/api/contracts", tags=["Contracts"], responses=errors(400, 401, 403))
Writer = Annotated[Caller, needs("contracts:write")]
Module = Annotated[str, Path(max_length=60, description="the name of a contract, such as debug")]


def read_contracts() -> ContractsRead:
    """Every contract by name, and which files could not be read as one."""
    return files.read_all(files.folder_of(get_settings()))


def update_contract_status(
    module: str,
    status: Status,
    *,
    agent: str = "command line",
    actor: str = "command line",
    for_anybody: bool = False,
    served: Collection[str] | None = None,
) -> Contract:
    """Take a step of a contract (docs/contracts.md says which there are); the file and the audit log change as one.

    agent: in whose name. actor: as the audit log names who did it. for_anybody: may finish what others took.
    served: the endpoints of the running system, held against what a contract promises to be done; None: not.
    NotFound, NotNow, Fixed and Unavailable say why it cannot be.
    """
    step = Step(status, agent, actor, for_anybody)
    return change_status(files.folder_of(get_settings()), module, step, served=served)


@router.get("", dependencies=[needs("progress:read")])
def get_contracts(response: Response) -> ContractsRead:
    """Every contract: which files a module owns, what it has to serve, how far it is, what it stands on."""
    response.headers.update(NO_STORE)
    return read_contracts()


@router.get("/{module}", dependencies=[needs("progress:read")], responses=errors(404))
def get_contract(module: Module, response: Response) -> Contract:
    """One contract."""
    response.headers.update(NO_STORE)
    found = next((one for one in read_contracts().contracts if one.module == module), None)
    if found is None:
        raise NotFound(f"There is no contract {module[:60]!r}.")
    return found


@router.patch(
    "/{module}",
    responses={
        **errors(404, 503),
        409: {"model": ErrorRead, "description": "The step is not open from here, or the file cannot be written here."},
    },
)
def patch_contract(module: Module, change: ContractChange, request: Request, caller: Writer) -> Contract:
    """Take a contract (`in_progress`), give it back (`planned`), finish it (`done`), or take it up again.

    It is taken in the name of the token; only admins may name another agent, or finish what somebody else took. Done is
    only what is there and served. The same step again changes nothing.
    """
    is_admin = caller.role == "admin"
    if change.agent not in (None, caller.name) and not is_admin:
        raise NotAllowed(f"{caller.actor} takes contracts as {caller.name}, not in the name of {change.agent}.")
    return update_contract_status(
        module,
        change.status,
        agent=change.agent or caller.name,
        actor=caller.actor,
        for_anybody=is_admin,
        served=endpoints_of(request.app.openapi()),
    )
