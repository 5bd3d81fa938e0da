"""The files of contracts: read all of them, and replace one as a whole, one writer at a time."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import ValidationError

import app
from app.config import Settings
from app.contracts.schemas import Contract, ContractsRead, Unreadable
from app.errors import Fixed, Unavailable

ROOT = Path(app.__file__).resolve().parents[1]
"""The root of the project, or of what is installed of it."""
FOLDER = "orchestrator_contracts"
SCHEMA_FILE = "contract_schema.json"
MOST_FILES = 500
MOST_BYTES = 256 * 1024
LOCK_WAIT_SECONDS = 5.0
_LOCK_EVERY_SECONDS = 0.02


def folder_of(settings: Settings) -> Path:
    """Where the contracts are: CONTRACTS_DIR, else beside the code."""
    return settings.contracts_dir or ROOT / FOLDER


def read_all(folder: Path) -> ContractsRead:
    """Every contract by name. What cannot be read as one is told, and hinders no other."""
    contracts: list[Contract] = []
    unreadable: list[Unreadable] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".json" and path.name != SCHEMA_FILE)
    except OSError as error:
        return ContractsRead(contracts=[], unreadable=[Unreadable(file=folder.name, problem=_why(error))])
    for path in paths[:MOST_FILES]:
        try:
            contracts.append(read_one(path))
        except (ValueError, OSError) as error:
            unreadable.append(Unreadable(file=path.name, problem=_why(error)))
    if len(paths) > MOST_FILES:
        unreadable.append(Unreadable(file=folder.name, problem=f"More than {MOST_FILES} files; the rest is not read."))
    return ContractsRead(contracts=contracts, unreadable=unreadable)


def read_one(path: Path) -> Contract:
    """The contract in a file. ValueError (pydantic's among them) or OSError say why it is none."""
    with path.open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(f"The file has more than {MOST_BYTES} bytes.")
    contract = Contract.model_validate_json(text)
    if contract.module != path.stem:
        raise ValueError(f"module is {contract.module!r}, and the file is named {path.name!r}.")
    return contract


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Let nobody else, in this process or another one, write into the folder. Unavailable after five seconds.

    The lock is on the folder itself, so that no file of its own lies among the contracts; the kernel lets go of it when
    the process ends, however it ends.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Fixed(f"The contracts cannot be changed here: {_why(error)}") from None
    try:
        until = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Unavailable("Somebody else is changing contracts right now.", 1) from None
                time.sleep(_LOCK_EVERY_SECONDS)
        yield
    finally:
        os.close(handle)


def replace(path: Path, text: str) -> None:
    """Write a file anew: whoever reads sees the old one or the new one, and after a crash one of them is there.

    Fixed when the folder does not take it, as in a container whose files are read-only.
    """
    try:
        with ExitStack() as unfinished:
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            unfinished.callback(Path(temporary).unlink, missing_ok=True)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777 if path.exists() else 0o644)
                os.fsync(file.fileno())
            os.replace(temporary, path)
            _sync(path.parent)
    except OSError as error:
        raise Fixed(
            f"{path.name} cannot be written here: {error.strerror or error}. Change it in the repository, or set "
            "CONTRACTS_DIR to a folder that this system may write into."
        ) from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or '$'}: {first['msg'].removeprefix('Value error, ')}."
    if isinstance(error, OSError):
        return f"{error.strerror or error}."
    return str(error)
