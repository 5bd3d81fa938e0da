"""Counts: what is counted, and how the counts of several processes are added up without ever counting twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from app.config import get_settings
from app.platform import clock, metrics
from app.platform import totals as totals_of
from app.platform.totals import SILENT_SECONDS, Totals, families
from app.platform.totals import page as page_of

ROOT = Path(__file__).parents[2]
ACCEPTED = "seventaps_statements_accepted_total"
PLAIN, STANDARD = {"door": "plain"}, {"door": "standard"}

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def client() -> redis.Redis:
    return redis.Redis.from_url(get_settings().required_redis_url)


@pytest.fixture
def process() -> Iterator[Callable[[], Totals]]:
    """Makes shares in the counts that tell when they are told to, not in the background; all leave at the end."""
    made: list[Totals] = []

    def make() -> Totals:
        if not made:
            totals_of._not_handed_out()  # What other tests have counted is theirs.
        made.append(Totals(get_settings().required_redis_url, "s", "api"))
        return made[-1]

    yield make
    for totals in made:
        totals.stop()


def told(counts: dict[bytes, int], name: str, labels: dict[str, str]) -> float:
    """One value of the page that is made of these counts."""
    page = page_of(list(families(counts))).decode()
    found = [
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if (sample.name, sample.labels) == (name, labels)
    ]
    assert len(found) == 1, f"{name} {labels} stands {len(found)} times on the page"
    return found[0]


def plain(totals: Totals) -> float:
    return told(dict(totals.together().counts), ACCEPTED, PLAIN)


def test_what_nobody_has_counted_is_zero_and_what_nobody_knows_is_left_out() -> None:
    unknown = orjson.dumps(["seventaps_of_an_older_release_total", {}])
    assert told({unknown: 5_000_000}, ACCEPTED, STANDARD) == 0
    job = {"job": "of.another.process", "outcome": "done"}
    assert told({totals_of._field("seventaps_job_runs_total", job): 2_000_000}, "seventaps_job_runs_total", job) == 2
    assert b"older_release" not in page_of(list(families({unknown: 5_000_000})))


def test_each_count_is_told_once_by_whoever_asks_first(process: Callable[[], Totals]) -> None:
    one, other = process(), process()
    metrics.accepted(False, 3)
    assert [plain(one), plain(other), plain(one), plain(other)] == [3] * 4
    metrics.accepted(False, 4)
    assert [plain(other), plain(one)] == [7] * 2


def test_a_process_that_ended_stays_counted_and_counts_no_more_than_once(process: Callable[[], Totals]) -> None:
    one, other = process(), process()
    metrics.accepted(False, 3)
    one.tell()
    metrics.accepted(False, 2)
    assert other.together().processes["api"] == 2
    one.stop()
    assert (plain(other), other.together().processes["api"]) == (5, 1)
    one.stop()
    assert plain(other) == 5


def test_a_process_that_was_taken_for_dead_goes_on_without_doubling(
    process: Callable[[], Totals], client: redis.Redis
) -> None:
    one, other = process(), process()
    metrics.accepted(False, 3)
    one.tell()
    [name] = client.zrange("s:metrics:last-words", 0, -1)
    client.zadd("s:metrics:last-words", {name: time.time() - SILENT_SECONDS - 1})
    metrics.accepted(False, 2)
    with other._telling:
        past, *living = other._ask()
    assert (living, dict(totals_of._pairs(past)) != {}) == ([], True), "the silent one belongs to the past now"
    one.tell()
    assert plain(other) == 5
    assert plain(one) == 5


def test_an_emptied_redis_begins_anew_with_what_is_new(process: Callable[[], Totals], client: redis.Redis) -> None:
    one = process()
    metrics.accepted(False, 3)
    assert plain(one) == 3
    client.flushall()
    metrics.accepted(False, 2)
    assert plain(one) == 2
    metrics.accepted(False, 1)
    assert plain(one) == 3


def test_counts_are_kept_while_redis_is_away(process: Callable[[], Totals], client: redis.Redis) -> None:
    one = process()
    metrics.accepted(False, 3)
    one.tell()
    there, one._client = one._client, redis.Redis(port=1, socket_connect_timeout=0.2)
    metrics.accepted(False, 4)
    with pytest.raises(redis.ConnectionError):
        one.tell()
    one._client = there
    assert plain(one) == 7


def test_fractions_are_added_up_in_any_order_to_the_same_sum(process: Callable[[], Totals]) -> None:
    """A sum that falls by its last digit would look to Prometheus like a process that began anew."""
    one = process()
    sums = []
    for seconds in (0.1, 0.2, 0.3, 1e-7, 0.7, 5.3) * 30:
        metrics.appended(1, seconds)
        sums.append(told(dict(one.together().counts), "seventaps_append_seconds_sum", {}))
        if len(sums) % 7 == 0:
            one.stop()
    assert sums == sorted(sums)
    assert sums[-1] == pytest.approx(6.6 * 30, abs=1e-3)


COUNTING = """
import sys, time
from app.platform import metrics
from app.platform.totals import Totals
totals = Totals(sys.argv[1], "s", "worker")
metrics.accepted(False, 10)
totals.start()
while True:
    time.sleep(0.1)
"""


def test_a_killed_process_stays_counted_and_its_heir_adds_to_it(
    process: Callable[[], Totals], client: redis.Redis
) -> None:
    reader = process()
    for total in (10, 20):
        child = subprocess.Popen(
            [sys.executable, "-c", COUNTING, get_settings().required_redis_url], cwd=ROOT, env=dict(os.environ)
        )
        try:
            deadline = time.monotonic() + 60
            while (found := plain(reader)) < total:
                assert time.monotonic() < deadline, f"only {found} was told"
                time.sleep(0.05)
            assert reader.together().processes["worker"] == total / 10
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        assert plain(reader) == total
    for name in client.zrange("s:metrics:last-words", 0, -1):
        if name.startswith(b"worker"):
            client.zadd("s:metrics:last-words", {name: 0})
    assert [plain(reader), plain(reader)] == [20, 20]
    assert "worker" not in reader.together().processes


@dataclass
class Came:
    new: int = 0
    repeated: int = 0
    buried: int = 0


def test_a_load_is_measured_with_its_lag_and_its_outcome(process: Callable[[], Totals]) -> None:
    totals = process()

    @metrics.measured_load
    def load(messages: metrics._Messages) -> Came:
        return Came(new=5, repeated=2, buried=1)

    five_seconds_ago = int(clock.now().timestamp() * 1000) - 5_000
    load([(f"{five_seconds_ago + 4_000}-0", {}), (f"{five_seconds_ago}-1", {}), ("not an id", {})])
    counts = dict(totals.together().counts)
    for outcome, statements in (("new", 5), ("repeated", 2), ("buried", 1)):
        assert told(counts, "seventaps_statements_loaded_total", {"outcome": outcome}) == statements
    assert told(counts, "seventaps_dead_letters_total", {"source": "stream"}) == 1
    assert told(counts, "seventaps_load_batch_entries_sum", {}) == 3
    assert told(counts, "seventaps_load_seconds_count", {}) == 1
    assert told(counts, "seventaps_lag_seconds_bucket", {"le": "2.5"}) == 0
    assert told(counts, "seventaps_lag_seconds_count", {}) == 1


def test_a_load_that_fails_counts_nothing(process: Callable[[], Totals]) -> None:
    totals = process()

    @metrics.measured_load
    def load(messages: metrics._Messages) -> Came:
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        load([("1-1", {})])
    assert told(dict(totals.together().counts), "seventaps_load_seconds_count", {}) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"type":"urn:7taps-analytics:error:too_large","title":"..."}', "too_large"),
        (b'{"type": "urn:7taps-analytics:error:conflict", "title": ""}', "conflict"),
        (b'{"detail":"{\\"type\\":\\"urn:7taps-analytics:error:mine\\"}"}', None),
        (b'{"type":"urn:7taps-analytics:error:' + b"x" * 65 + b'"}', None),
        (b"", None),
    ],
)
def test_the_code_of_an_error_is_read_from_its_first_bytes(body: bytes, code: str | None) -> None:
    import gzip

    assert metrics.code_in(body, gzipped=False) == code
    assert metrics.code_in(gzip.compress(body + b" " * 100_000), gzipped=True) == code
    assert metrics.code_in(b"\x1f\x8bbroken", gzipped=True) is None
