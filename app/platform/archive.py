"""The file of a backup: a tar with a manifest at its end, and the hash of everything else in the manifest.

A file that was cut off has no manifest, and a file that was damaged has other hashes; both are told before anything is
restored from them.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from app.errors import Unreadable

FORMAT = 1
"""Of the file. A release reads those up to its own."""
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 4 * 2**20
_BLOCK_BYTES = 2**20


def write_archive(target: IO[bytes], members: Sequence[Path], told: Mapping[str, Any]) -> dict[str, Any]:
    """Write the files under their names, then the manifest: what is told, with format and hashes. Returns it."""
    manifest = {**told, "format": FORMAT, "sha256": {path.name: _hash_of(path) for path in members}}
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in members:
            archive.add(path, arcname=path.name, filter=_nobody)
        content = json.dumps(manifest, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(content), 0o600
        archive.addfile(entry, io.BytesIO(content))
    return manifest


def read_archive(source: IO[bytes], folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Unpack the files of these names into the folder; returns the manifest. Unreadable when anything is not right."""
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if content is None or entry.name not in (*names, MANIFEST):
                    raise Unreadable(f"This is no backup of ours: it holds {entry.name[:100]!r}.")
                if entry.name == MANIFEST:
                    manifest = json.loads(content.read(MAX_MANIFEST_BYTES))
                    continue
                with (folder / entry.name).open("wb") as file:
                    while block := content.read(_BLOCK_BYTES):
                        file.write(block)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise Unreadable(f"The backup cannot be read: {error}.") from error
    if manifest is None:
        raise Unreadable("The backup is not whole: its manifest, which comes last, is missing.")
    if not isinstance(manifest.get("format"), int) or manifest["format"] > FORMAT:
        raise Unreadable(f"The backup has format {manifest.get('format')}; this release reads up to {FORMAT}.")
    for name in names:
        path = folder / name
        if not path.is_file() or _hash_of(path) != manifest.get("sha256", {}).get(name):
            raise Unreadable(f"The backup is damaged: {name} is not what was written.")
    return manifest


def _nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Who made the backup on which machine is nobody's business."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
