"""Which code this is: the commit, where there is one, and a fingerprint of the files themselves."""

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from app.contracts.files import ROOT

CODE = ("app", "migrations")
_LEFT_OUT = frozenset({"__pycache__"})
_COMMIT = re.compile(r"[0-9a-f]{40,64}").fullmatch
FINGERPRINT_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """commit: full, None without a repository. fingerprint: of what is installed, changes not committed included."""

    commit: str | None
    fingerprint: str


def code_version(root: Path) -> CodeVersion:
    """The version of the code below this root, as its files are now."""
    return CodeVersion(commit_of(root), fingerprint_of(root))


@cache
def running_code() -> CodeVersion:
    """The version of the code that this process runs, as its files were when this was first asked."""
    return code_version(ROOT)


def fingerprint_of(root: Path) -> str:
    """A hash over names and contents of app/ and migrations/: equal exactly when the code is."""
    told = sha256()
    paths = (path for folder in CODE for path in (root / folder).rglob("*") if path.is_file())
    for path in sorted(path for path in paths if not _LEFT_OUT & set(path.parts)):
        told.update(f"{path.relative_to(root).as_posix()}\0".encode())
        told.update(sha256(path.read_bytes()).digest())
    return told.hexdigest()[:FINGERPRINT_CHARACTERS]


def commit_of(root: Path) -> str | None:
    """What HEAD stands for, read from the files of git, of a worktree too; None where there are none."""
    try:
        git = root / ".git"
        if git.is_file():
            git = (root / git.read_text().partition(":")[2].strip()).resolve()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head if _COMMIT(head) else None
        name = head.removeprefix("ref: ")
        shared = git / "commondir"
        common = (git / shared.read_text().strip()).resolve() if shared.is_file() else git
        for folder in (git, common):
            if (folder / name).is_file():
                found = (folder / name).read_text().strip()
                return found if _COMMIT(found) else None
        lines = (common / "packed-refs").read_text().splitlines()
        return next((line.split(" ", 1)[0] for line in lines if line.endswith(f" {name}")), None)
    except (OSError, UnicodeDecodeError):
        return None
