"""Load from a native tool: wrk, so that what is measured is the server and not the one that asks."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local bodies, number, prefix = {{}}, 0, "{prefix}"
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
wrk.headers["Content-Type"] = "application/json"
{headers}
request = function()
    number = number + 1
    local path = "{path}"
    if "{method}" == "PUT" then
        path = string.format("%s?statementId=%s-0000-4000-8000-%012x", path, prefix, number)
    end
    return wrk.format("{method}", path, nil, bodies[number % #bodies + 1])
end
{pause}
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("\\nRESULT %d %d %d %d %f %f\\n", summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. Latencies as the sender saw them."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


class Wrk:
    """Sends bodies as fast as they are answered. folder: for its script and the bodies, one per line."""

    def __init__(self, folder: Path, bodies: list[bytes]):
        self._folder = folder
        self._bodies = folder / "bodies.txt"
        self._bodies.write_bytes(b"\n".join(bodies) + b"\n")
        found = shutil.which("wrk")
        if found is None:
            raise RuntimeError("wrk is not there; on Debian: apt-get install wrk")
        self._wrk = found

    def run(
        self,
        port: int,
        path: str,
        *,
        method: str = "PUT",
        seconds: int = 8,
        connections: int = 16,
        headers: dict[str, str] | None = None,
        prefix: int = 1,
        pause_seconds: float = 0,
    ) -> Result:
        """Send for so many seconds. Each PUT has an id of its own that begins with `prefix`; all answers are 2xx.

        pause_seconds: how long each connection waits between an answer and its next request.
        """
        script = self._folder / "load.lua"
        script.write_text(
            _SCRIPT.format(
                prefix=f"{prefix:08x}",
                pause=f"delay = function() return {round(pause_seconds * 1000)} end" if pause_seconds else "",
                bodies=self._bodies,
                path=path,
                method=method,
                headers="\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in (headers or {}).items()),
            )
        )
        command = [self._wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
        done = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
        found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\S+) (\S+)$", done.stdout, re.MULTILINE)
        if found is None:
            raise RuntimeError(done.stdout + done.stderr)
        requests, microseconds, refused, broken = (int(text) for text in found.groups()[:4])
        if refused or broken:
            raise RuntimeError(f"of {requests} requests {refused} were refused and {broken} broke off")
        p50, p99 = (float(text) / 1000 for text in found.groups()[4:])
        return Result(requests, requests / microseconds * 1e6, p50, p99)
