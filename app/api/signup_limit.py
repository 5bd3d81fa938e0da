"""How often may one address sign up? Counted in Redis; while it is away, nobody is turned away."""

from hashlib import sha256

import redis

from app.errors import AppError
from app.platform.logs import get_logger

log = get_logger(__name__)

WINDOW_SECONDS = 3_600
REPEAT_SECONDS = 600
"""For how long the same form posted twice, by a second click, gets the same answer and does nothing."""
_PATIENCE_SECONDS = 1.0

# One step, so that no counter is ever left without its end.
_COUNT = """
redis.call('SET', KEYS[1], 0, 'EX', ARGV[1], 'NX')
return {redis.call('INCR', KEYS[1]), redis.call('TTL', KEYS[1])}
"""


class TooManySignups(AppError):
    """This address has signed up too often within the hour."""

    status = 429
    code = "too_many_signups"
    title = "Too many sign-ups from this address"

    def __init__(self, retry_after_seconds: int):
        minutes = -(-retry_after_seconds // 60)
        super().__init__(f"There were too many sign-ups from this address. Try again in {minutes} minutes.")
        self.retry_after_seconds = retry_after_seconds


class SignupLimit:
    """The counters of one API process. Blocking; to be asked from a thread."""

    def __init__(self, redis_url: str, most_per_hour: int):
        """most_per_hour: sign-ups per address; 0: any number."""
        self._client = redis.Redis.from_url(
            redis_url, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
        )
        self._most = most_per_hour

    def count(self, address: str) -> None:
        """Count one sign-up. TooManySignups when the address has had its share."""
        if not self._most:
            return
        try:
            made, left_seconds = self._client.eval(_COUNT, 1, _key("address", address), WINDOW_SECONDS)
        except redis.RedisError as error:
            log.warning("sign-ups are not counted: Redis does not answer", error=str(error)[:300])
            return
        if made > self._most:
            raise TooManySignups(max(1, left_seconds))

    def is_repeat(self, address: str, body: str) -> bool:
        """Whether the same sign-up came from the same address, and was accepted, a moment ago."""
        try:
            return bool(self._client.exists(_key("accepted", f"{address}\n{body}")))
        except redis.RedisError:
            return False

    def accepted(self, address: str, body: str) -> None:
        """Remember a sign-up for `is_repeat`; as a hash, which says nothing to anybody."""
        try:
            self._client.set(_key("accepted", f"{address}\n{body}"), b"1", ex=REPEAT_SECONDS)
        except redis.RedisError as error:
            log.info("a second click will be taken for a second sign-up", error=str(error)[:300])

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


def _key(kind: str, text: str) -> str:
    return f"signup:{kind}:{sha256(text.encode('utf-8', 'replace')).hexdigest()}"
