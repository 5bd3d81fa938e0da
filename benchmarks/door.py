"""The door alone, its worker paused, against limits that are measured in turn with it in the same run."""

import base64
from pathlib import Path
from uuid import UUID

import orjson
import redis

from app.stack.ports import remembered_port
from app.streaming import StreamEntry
from benchmarks import bare_xadd
from benchmarks.load import Result, Wrk
from benchmarks.servers import Bench, server
from benchmarks.telling import tell

ROUNDS = 3
SECONDS = 4
AT_ONCE = 50
PATH = "/api/xapi/statements"


def measure(bench: Bench, bodies: list[bytes]) -> None:
    """Single PUTs against an empty FastAPI endpoint, and arrays of 50 against parsing them in bare ASGI."""
    basic = base64.b64encode(f"{bench.user}:{bench.password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    bodies = [without_id(body) for body in bodies]  # Each PUT says its own, a POST has them made.
    arrays = [b"[" + b",".join(bodies[n : n + AT_ONCE]) + b"]" for n in range(0, len(bodies), AT_ONCE)]
    door, empty, bare = (remembered_port(bench.folder / name) for name in ("door", "empty", "bare"))
    with (
        server("app.main:create_app", door, "--factory"),
        server("benchmarks.empty:app", empty),
        server("benchmarks.bare:app", bare),
    ):
        single, many = Wrk(made(bench.folder / "single"), bodies), Wrk(made(bench.folder / "many"), arrays)
        got: list[Result] = []
        limit: list[Result] = []
        for number in range(ROUNDS):
            limit.append(single.run(empty, "/empty", seconds=SECONDS))
            got.append(single.run(door, PATH, seconds=SECONDS, headers=headers, prefix=number + 1))
            _forget(bench)
        best = max(got, key=lambda result: result.per_second)
        entries = [StreamEntry(body, (UUID(int=n),), None, "1.0.3", "f" * 64) for n, body in enumerate(bodies)]
        xadd = max(bare_xadd.per_second(bench, entries, seconds=SECONDS) for _ in range(ROUNDS))
        _forget(bench)
        tell(
            "door, single PUT, one process",
            per_second=round(best.per_second),
            p50_ms=round(best.p50_ms, 1),
            p99_ms=round(best.p99_ms, 1),
            empty_fastapi_per_second=round(max(result.per_second for result in limit)),
            ratio=round(best.per_second / max(result.per_second for result in limit), 2),
            bare_xadd_per_second=round(xadd),
            ratio_to_bare_xadd=round(best.per_second / xadd, 2),
        )
        got, limit = [], []
        for _ in range(ROUNDS):
            limit.append(many.run(bare, "/", method="POST", seconds=SECONDS))
            got.append(many.run(door, PATH, method="POST", seconds=SECONDS, headers=headers))
            _forget(bench)
        best = max(got, key=lambda result: result.per_second)
        tell(
            f"door, POST of {AT_ONCE}, one process",
            statements_per_second=round(best.per_second * AT_ONCE),
            p99_ms=round(best.p99_ms, 1),
            parsing_in_bare_asgi_per_second=round(max(result.per_second for result in limit) * AT_ONCE),
            ratio=round(best.per_second / max(result.per_second for result in limit), 2),
        )


def without_id(body: bytes) -> bytes:
    """The statement for a PUT that says its id."""
    statement = orjson.loads(body)
    del statement["id"]
    return orjson.dumps(statement)


def made(folder: Path) -> Path:
    """The folder, now there."""
    folder.mkdir()
    return folder


def _forget(bench: Bench) -> None:
    redis.Redis.from_url(bench.redis_url).flushall()
