"""How often may somebody try? Counters in Redis that end by themselves, shared by sign-ups and logins."""

from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

import redis

from app.errors import AppError
from app.platform import clock
from app.platform.logs import get_logger

log = get_logger(__name__)

_PATIENCE_SECONDS = 1.0
_MOST_REMEMBERED = 10_000

# One step, so that no counter is ever left without its end.
_COUNT = """
redis.call('SET', KEYS[1], 0, 'EX', ARGV[1], 'NX')
return {redis.call('INCR', KEYS[1]), redis.call('TTL', KEYS[1])}
"""


class TooMany(AppError):
    """The same was tried too often within its window."""

    status = 429
    code = "too_many"
    title = "This was tried too often"

    def __init__(self, what: str, retry_after_seconds: int):
        """what: the sentence that says what there was too much of."""
        minutes = -(-retry_after_seconds // 60)
        super().__init__(f"{what} Try again in {minutes} minute{'' if minutes == 1 else 's'}.")
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Counted:
    """made: how often within the window, this time included. left_seconds: until the window ends."""

    made: int
    left_seconds: int


class Counters:
    """The counters of one API process. Blocking; to be asked from a thread."""

    def __init__(self, redis_url: str):
        self.client = redis.Redis.from_url(
            redis_url, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
        )
        self._own: dict[str, tuple[int, float]] = {}
        self._lock = Lock()

    def count(self, kind: str, text: str, window_seconds: int) -> Counted | None:
        """Count one more of this; None while Redis does not answer. The text is kept as a hash only."""
        try:
            made, left = self.client.eval(_COUNT, 1, key(kind, text), window_seconds)
        except redis.RedisError as error:
            log.warning("Redis does not answer, so it does not count", kind=kind, error=str(error)[:300])
            return None
        return Counted(int(made), max(1, int(left)))

    def count_surely(self, kind: str, text: str, window_seconds: int) -> Counted:
        """As `count`; while Redis does not answer, this process counts for itself, over a bounded number of texts."""
        counted = self.count(kind, text, window_seconds)
        if counted is not None:
            return counted
        now = clock.now().timestamp()
        with self._lock:
            if len(self._own) >= _MOST_REMEMBERED:
                self._own.clear()
            made, ends = self._own.get(key(kind, text), (0, now + window_seconds))
            if ends <= now:
                made, ends = 0, now + window_seconds
            self._own[key(kind, text)] = (made + 1, ends)
        return Counted(made + 1, max(1, int(ends - now)))

    def forget(self, kind: str, text: str) -> None:
        """Begin to count anew."""
        with self._lock:
            self._own.pop(key(kind, text), None)
        try:
            self.client.delete(key(kind, text))
        except redis.RedisError as error:
            log.info("a counter stays as it is: Redis does not answer", kind=kind, error=str(error)[:300])

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()


def key(kind: str, text: str) -> str:
    """The name in Redis: kind, and a hash that says nothing to anybody."""
    return f"{kind}:{sha256(text.encode('utf-8', 'replace')).hexdigest()}"
