"""What this process counts about itself. Counting is local and costs about a microsecond; see platform.totals."""

import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from app.platform import clock

Door = Literal["plain", "standard", "other"]
Source = Literal["door", "stream", "retries", "sweep"]

REGISTRY = CollectorRegistry()
"""What this process has counted by itself since it started."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LONG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0)
_ENTRIES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"seventaps_{name}", what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, buckets: Sequence[float]) -> Histogram:
    return Histogram(f"seventaps_{name}", what, buckets=buckets, registry=REGISTRY)


_refused = _counter(
    "requests_refused", "Requests answered 4xx or 5xx, by door and by code of the error.", "door", "code"
)
_queued = _counter("requests_queued", "Requests made durable, by where: stream, or bronze without it.", "store")
_append_seconds = _histogram("append_seconds", "One durable write to the stream, which serves a group.", _SECONDS)
_append_entries = _histogram("append_entries", "Entries that one durable write appended.", _ENTRIES)
_loaded = _counter("statements_loaded", "Statements off the stream: new, repeated or buried.", "outcome")
_load_entries = _histogram("load_batch_entries", "Stream entries that one transaction loaded.", _ENTRIES)
_load_seconds = _histogram("load_seconds", "One load of a batch, its commit included.", _SECONDS)
_lag_seconds = _histogram(
    "lag_seconds", "From accepted to committed, of the oldest entry of each batch.", _LONG_SECONDS
)
_swept = _counter("statements_swept", "Statements that the sweep flattened (new) or buried.", "outcome")
_buried = _counter("dead_letters", "What went to the dead letters, repeats included, by who turned it away.", "source")
_job_runs = _counter("job_runs", "Tries of background jobs, by job and outcome: done or failed.", "job", "outcome")

# Bound once, so that counting needs no look-ups.
_QUEUED_IN_STREAM, _QUEUED_IN_BRONZE = _queued.labels("stream"), _queued.labels("bronze")
_LOADED = {outcome: _loaded.labels(outcome) for outcome in ("new", "repeated", "buried")}
_SWEPT = {outcome: _swept.labels(outcome) for outcome in ("new", "buried")}
_BURIED = {source: _buried.labels(source) for source in ("door", "stream", "retries", "sweep")}


class _Accepted(Collector):
    """What was taken, by door. It is on the way of every request, so these are plain numbers without a lock."""

    def __init__(self) -> None:
        self.tallies = [0, 0], [0, 0]

    def collect(self) -> Iterator[Metric]:
        """What was counted up to now."""
        requests = "requests_accepted", "Requests with statements that were answered 2xx, by door."
        statements = "statements_accepted", "Statements in these requests, repeats included."
        for place, (name, what) in enumerate((requests, statements)):
            metric = CounterMetricFamily(f"seventaps_{name}", what, labels=["door"])
            for door, tally in zip(("plain", "standard"), self.tallies, strict=True):
                metric.add_metric([door], tally[place])
            yield metric


_accepted = _Accepted()
REGISTRY.register(_accepted)


def accepted(standard: bool, statements: int) -> None:
    """A request with so many statements was taken, at /xapi/statements (standard) or /api/xapi/statements.

    To be called from the event loop only.
    """
    tally = _accepted.tallies[standard]
    tally[0] += 1
    tally[1] += statements


def refused(door: Door, code: str) -> None:
    """A request was answered with an error of this code."""
    _refused.labels(door, code).inc()


_CODE = re.compile(rb'\{"type": ?"urn:7taps-analytics:error:([a-z0-9_]{1,64})"')


def code_in(problem: bytes, gzipped: bool) -> str | None:
    """The code of an error as it was sent out; None when this is no problem (RFC 9457) of ours."""
    try:
        found = _CODE.match(zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(problem, 256) if gzipped else problem)
    except zlib.error:
        return None
    return found[1].decode() if found else None


def appended(entries: int, seconds: float) -> None:
    """One write to the stream made so many entries durable."""
    _QUEUED_IN_STREAM.inc(entries)
    _append_entries.observe(entries)
    _append_seconds.observe(seconds)


def stored_in_bronze() -> None:
    """A door has put a request into bronze itself."""
    _QUEUED_IN_BRONZE.inc()


def swept(new: int, buried: int) -> None:
    """The sweep has committed one of its transactions."""
    _SWEPT["new"].inc(new)
    _SWEPT["buried"].inc(buried)
    _BURIED["sweep"].inc(buried)


def letters_buried(source: Source, letters: int = 1) -> None:
    """So many bodies were put into quarantine, or were there and came again."""
    _BURIED[source].inc(letters)


def job_ran(job: str, failed: bool) -> None:
    """A background job was tried."""
    _job_runs.labels(job, "failed" if failed else "done").inc()


class _Loaded(Protocol):
    new: int
    repeated: int
    buried: int


_L = TypeVar("_L", bound=_Loaded)
_Rest = ParamSpec("_Rest")
_Messages = Sequence[tuple[str, Mapping[bytes, bytes]]]


def measured_load(load: Callable[Concatenate[_Messages, _Rest], _L]) -> Callable[Concatenate[_Messages, _Rest], _L]:
    """Decorator of what loads (message id, fields) pairs and returns once that is committed."""

    @wraps(load)
    def measuring(messages: _Messages, /, *rest: _Rest.args, **named: _Rest.kwargs) -> _L:
        started = time.perf_counter()
        loaded = load(messages, *rest, **named)
        _load_seconds.observe(time.perf_counter() - started)
        _load_entries.observe(len(messages))
        for outcome, count in _LOADED.items():
            count.inc(getattr(loaded, outcome))
        _BURIED["stream"].inc(loaded.buried)
        appended_ms = min((int(first) for i, _ in messages if (first := i.partition("-")[0]).isdecimal()), default=None)
        if appended_ms is not None:
            _lag_seconds.observe(max(0.0, clock.now().timestamp() - appended_ms / 1000))
        return loaded

    return measuring
