"""How the counts of all processes become one answer.

Every few seconds each process tells Redis how far it has counted, in whole totals and never in differences, so that
telling twice changes nothing. What a process had counted when it ended is added up once, in Redis. So the sum over all
processes only ever grows, whoever is asked for it.
"""

import os
import secrets
import socket
import threading
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.platform.logs import get_logger
from app.platform.metrics import REGISTRY

log = get_logger(__name__)

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4

TELL_SECONDS = 5.0
"""How often a process tells Redis; so much of its last counts may be missing after it was killed."""
SILENT_SECONDS = 900
"""After so long a silence a process is taken to be over, and its counts are added to those of the past."""
ANSWER_SECONDS = 2.0
_MILLIONTHS = 1_000_000
"""Everything is added up in whole millionths: sums of fractions depend on the order, and a counter that falls by the
last digit looks to Prometheus like one that began anew."""

# KEYS: times of the last words, counts of this process. ARGV: its name, '0' when it has told something before, then
# fields and values. Answers 0 when what it told before is not there any more.
_TELL = """
if ARGV[2] == '0' and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], '', 0, unpack(ARGV, 3))
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
return 1
"""
# KEYS: times of the last words, counts of the past. ARGV: start of the keys of processes, seconds of silence, the name
# of a process that ends. Answers the counts of the past, then name, age in seconds and counts of each living process.
_ADD_UP = """
local now, answer = tonumber(redis.call('TIME')[1]), {}
local function over(process)
    local counts = redis.call('HGETALL', ARGV[1] .. process)
    for n = 1, #counts, 2 do redis.call('HINCRBY', KEYS[2], counts[n], counts[n + 1]) end
    redis.call('DEL', ARGV[1] .. process)
    redis.call('ZREM', KEYS[1], process)
end
if ARGV[3] ~= '' then over(ARGV[3]) end
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])) do over(process) end
answer[1] = redis.call('HGETALL', KEYS[2])
local living = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for n = 1, #living, 2 do
    answer[#answer + 1] = {living[n], now - living[n + 1], redis.call('HGETALL', ARGV[1] .. living[n])}
end
return answer
"""

_handed_out: Tally[bytes] = Tally()
_handing_out = threading.Lock()


@dataclass(frozen=True, slots=True)
class Together:
    """What all processes have counted. counts: by field; processes: how many of each kind live."""

    counts: Mapping[bytes, int]
    processes: Mapping[str, int]


class Totals(threading.Thread):
    """The share of this process in the counts of all, told to Redis in the background from start() to stop()."""

    def __init__(self, redis_url: str, prefix: str, kind: str):
        super().__init__(name="metrics", daemon=True)
        self._client = redis.Redis.from_url(
            redis_url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._last_words, self._past = f"{prefix}:metrics:last-words", f"{prefix}:metrics:past"
        self._of = f"{prefix}:metrics:of:"
        self._kind = kind
        self._over = threading.Event()
        self._telling = threading.Lock()
        self._begin(Tally())

    def _begin(self, mine: "Tally[bytes]") -> None:
        self._name = f"{self._kind} {socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
        self._mine, self._told = mine, Tally[bytes]()
        self._spoke = False

    def run(self) -> None:
        """Until stopped: tell, wait. While Redis is away the counts are kept."""
        while not self._over.is_set():
            try:
                self.tell()
            except redis.RedisError as error:
                log.debug("counts are kept until Redis is back", error=str(error)[:300])
            except Exception:
                # Were this thread to end, the counts of this process would stand still for as long as it lives.
                log.exception("counts could not be told")
            self._over.wait(TELL_SECONDS)

    def stop(self) -> None:
        """Tell the last counts and leave; they are part of the past then."""
        self._over.set()
        if self.is_alive():
            self.join(ANSWER_SECONDS + 1)
        try:
            with self._telling:
                self._tell()
                self._ask(leaving=self._name)
                self._begin(Tally())
        except redis.RedisError as error:
            log.debug("the last counts could not be told", error=str(error)[:300])
        self._client.close()

    def tell(self) -> None:
        """Tell Redis how far this process has counted. Raises RedisError; then nothing is lost."""
        with self._telling:
            self._tell()

    def together(self) -> Together:
        """Everything that all processes have told, this one up to now."""
        with self._telling:
            self._tell()
            past, *living = self._ask()
        counts = Tally({field: int(value) for field, value in _pairs(past)})
        processes: Tally[str] = Tally()
        for name, age, told in living:
            counts.update({field: int(value) for field, value in _pairs(told)})
            if age <= 3 * TELL_SECONDS:
                processes[name.decode().partition(" ")[0]] += 1
        return Together(counts, processes)

    def _ask(self, leaving: str = "") -> Any:
        return self._client.eval(_ADD_UP, 2, self._last_words, self._past, self._of, SILENT_SECONDS, leaving)

    def _tell(self) -> None:
        self._mine.update(_not_handed_out())
        if not self._told_to_redis():
            # Redis lost it, or took us for dead and added it to the past: only what is new goes on, under a new name.
            self._begin(self._mine - self._told)
            self._told_to_redis()

    def _told_to_redis(self) -> bool:
        news = [part for item in self._mine.items() if self._told.get(item[0]) != item[1] for part in item]
        spoke = "0" if self._spoke else "1"
        if not self._client.eval(_TELL, 2, self._last_words, self._of + self._name, self._name, spoke, *news):
            return False
        self._told, self._spoke = self._mine.copy(), True
        return True


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return ((flat[n], flat[n + 1]) for n in range(0, len(flat), 2) if flat[n])


def _not_handed_out() -> dict[bytes, int]:
    """What this process has counted and nobody has told yet. Each count is handed out once, whoever asks."""
    with _handing_out:
        now = {
            _field(sample.name, sample.labels): round(sample.value * _MILLIONTHS)
            for metric in REGISTRY.collect()
            for sample in metric.samples
            if not sample.name.endswith("_created")
        }
        news = {field: count - _handed_out[field] for field, count in now.items() if count != _handed_out[field]}
        _handed_out.update(news)
    return news


def _field(name: str, labels: Mapping[str, str]) -> bytes:
    return orjson.dumps([name, labels], option=orjson.OPT_SORT_KEYS)


_SAMPLES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def families(counts: Mapping[bytes, int]) -> Iterable[Metric]:
    """The counts of all processes as Prometheus has them; what nobody has counted is 0, what is unknown left out."""
    for known in REGISTRY.collect():
        metric = Metric(known.name, known.documentation, known.type)
        own = [(s.name, s.labels) for s in known.samples if not s.name.endswith("_created")]
        seen = {_field(*sample) for sample in own}
        names = {known.name + suffix for suffix in _SAMPLES[known.type]}
        others = (orjson.loads(field) for field in sorted(counts) if field not in seen)
        for name, labels in (*own, *((name, labels) for name, labels in others if name in names)):
            metric.add_sample(name, labels, counts.get(_field(name, labels), 0) / _MILLIONTHS)
        yield metric


def gauge(name: str, what: str, *values: tuple[str, float], label: str = "") -> Metric:
    """How something is right now: one value, or one for each value of a label."""
    made = GaugeMetricFamily(f"seventaps_{name}", what, labels=[label] if label else [])
    for labelled, value in values:
        made.add_metric([labelled] if label else [], value)
    return made


def page(families: list[Metric]) -> bytes:
    """The text that Prometheus reads."""

    class Families(Collector):
        def collect(self) -> list[Metric]:
            """What is on the page."""
            return families

    return generate_latest(Families())
