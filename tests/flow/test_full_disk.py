"""The disk under Redis is full: what cannot be kept there goes into PostgreSQL, and nobody has to help afterwards."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.system import System, free_port, start, stop, wait_for
from tests.statements import completed

pytestmark = pytest.mark.flow

DISK_MIB = 24
SWEEP_S = 150.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for the system, with a small disk of its own where Redis keeps its data."""
    made = Path(tempfile.mkdtemp(prefix="seventaps-disk-"))
    made.chmod(0o755)
    disk = made / "data" / "redis"
    disk.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0700", "none", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(made)
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield made
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        shutil.rmtree(made, ignore_errors=True)


def fill(disk: Path) -> Path:
    """Leave no byte on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return ballast


def put(system: System, statement: dict[str, Any]) -> bool:
    """As a sender would: again and again with the same id until it was taken; anything but 2xx and 503 is wrong."""

    def taken() -> bool:
        try:
            answer = system.put(statement)
        except httpx.TransportError:
            return False
        assert answer.status_code in (204, 503), answer.text
        return answer.status_code == 204

    return bool(wait_for(taken))


def test_a_full_disk_under_redis_loses_nothing_and_heals(folder: Path) -> None:
    system = start(folder, free_port())
    disk = folder / "data" / "redis"
    sent = []
    try:

        def send(number: int) -> None:
            for _ in range(number):
                statement = completed()
                sent.append(statement["id"])
                put(system, statement)

        send(20)
        wait_for(lambda: system.sql("SELECT count(*) FROM silver.statements_flat") == [(20,)])
        ballast = fill(disk)
        # The first ones may still fit into the last page of the append-only file; then the doors go to PostgreSQL.
        send(60)
        [(in_bronze,)] = system.sql("SELECT count(*) FROM bronze.statements_raw WHERE flattened_at IS NULL")
        assert in_bronze > 30
        # With appendfsync always Redis ends rather than answer for what it could not write.
        assert "Redis ended with" in system.log.read_text()
        ballast.unlink()
        wait_for(lambda: "Redis is running again" in system.log.read_text())

        def healed() -> bool:
            answer = system.client.get("/health/ready").json()
            return all(one["ok"] for one in answer["checks"] if one["name"] in ("redis", "redis_durable", "accepting"))

        wait_for(healed)
        before = len(sent)
        send(20)
        wait_for(lambda: system.sql("SELECT count(*) FROM silver.statements_flat") == [(before + 20,)], SWEEP_S)
        raw = [str(row[0]) for row in system.sql("SELECT id FROM bronze.statements_raw")]
        assert sorted(raw) == sorted(sent)
        assert system.sql("SELECT reason FROM ops.dead_letters") == []
    finally:
        assert stop(system) == 0
