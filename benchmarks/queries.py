"""GET /xapi/statements at the door, filter by filter, on a large record: pages of 100, one reader after the other."""

import base64
import math
import time
from http.client import HTTPConnection
from urllib.parse import urlencode

import orjson

from app.stack.ports import remembered_port
from benchmarks import archive
from benchmarks.servers import Bench, server
from benchmarks.telling import tell

PAGE = 100
ROUNDS = 60
BOUND_MS = 20


def measure(bench: Bench, count: int) -> None:
    """One line per filter: median and 95th percentile at the door; the last line says which was slowest."""
    started = time.perf_counter()
    archive.fill(bench, count)
    tell("record filled", statements=count, seconds=round(time.perf_counter() - started))
    times, found = _read(bench, count)
    base = _percentile(times["statementId"], 50)
    for name, taken in times.items():
        p50, p95 = _percentile(taken, 50), _percentile(taken, 95)
        tell(
            f"GET statements, {name}",
            on_page=found[name],
            p50_ms=round(p50, 1),
            p95_ms=round(p95, 1),
            ratio_to_one_by_id=round(p50 / base, 1),
        )
    slowest = max(_percentile(taken, 95) for taken in times.values())
    tell("GET statements, slowest filter", p95_ms=round(slowest, 1), bound_ms=BOUND_MS, within=slowest < BOUND_MS)


def medians(bench: Bench, count: int) -> dict[str, float]:
    """The median of each filter in milliseconds. count: statements of the archive that are asked for."""
    return {name: _percentile(taken, 50) for name, taken in _read(bench, count)[0].items()}


def _read(bench: Bench, count: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds of each reading, and how many statements came, by filter."""
    port = remembered_port(bench.folder / "queries")
    with server("app.main:create_app", port, "--factory"):
        reader = _Reader(port, bench)
        wanted = list(archive.filters(count))
        found = {name: reader.get(parameters)[0] for name, parameters in wanted}
        times: dict[str, list[float]] = {name: [] for name, _ in wanted}
        # Filter after filter in each round, so that a noisy second does not fall on one of them alone.
        for _ in range(ROUNDS):
            for name, parameters in wanted:
                times[name].append(reader.get(parameters)[1])
    return times, found


class _Reader:
    """One connection that is kept open."""

    def __init__(self, port: int, bench: Bench):
        self._connection = HTTPConnection("127.0.0.1", port)
        basic = base64.b64encode(f"{bench.user}:{bench.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "X-Experience-API-Version": "1.0.3"}

    def get(self, parameters: dict[str, str]) -> tuple[int, float]:
        """How many statements came, and after how many milliseconds."""
        if "statementId" not in parameters:
            parameters = {**parameters, "limit": str(PAGE)}
        started = time.perf_counter()
        self._connection.request("GET", f"/xapi/statements?{urlencode(parameters)}", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - started) * 1000
        if answer.status != 200:
            raise RuntimeError(body.decode())
        return len(orjson.loads(body).get("statements", [None])), taken


def _percentile(values: list[float], percent: int) -> float:
    """The smallest value that at least so many percent of all do not exceed (nearest rank)."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
