"""How often may one address sign up? Counted in Redis; while it is away, nobody is turned away."""

import redis

from app.access.limits import Counters, TooMany, key
from app.platform.logs import get_logger

log = get_logger(__name__)

WINDOW_SECONDS = 3_600
REPEAT_SECONDS = 600
"""For how long the same form posted twice, by a second click, gets the same answer and does nothing."""


class TooManySignups(TooMany):
    """This address has signed up too often within the hour."""

    code = "too_many_signups"
    title = "Too many sign-ups from this address"


class SignupLimit:
    """The counters of one API process. Blocking; to be asked from a thread."""

    def __init__(self, redis_url: str, most_per_hour: int):
        """most_per_hour: sign-ups per address; 0: any number."""
        self._counters = Counters(redis_url)
        self._most = most_per_hour

    def count(self, address: str) -> None:
        """Count one sign-up. TooManySignups when the address has had its share."""
        if not self._most:
            return
        counted = self._counters.count("signup:address", address, WINDOW_SECONDS)
        if counted is not None and counted.made > self._most:
            raise TooManySignups("There were too many sign-ups from this address.", counted.left_seconds)

    def is_repeat(self, address: str, body: str) -> bool:
        """Whether the same sign-up came from the same address, and was accepted, a moment ago."""
        try:
            return bool(self._counters.client.exists(key("signup:accepted", f"{address}\n{body}")))
        except redis.RedisError:
            return False

    def accepted(self, address: str, body: str) -> None:
        """Remember a sign-up for `is_repeat`; as a hash, which says nothing to anybody."""
        try:
            self._counters.client.set(key("signup:accepted", f"{address}\n{body}"), b"1", ex=REPEAT_SECONDS)
        except redis.RedisError as error:
            log.info("a second click will be taken for a second sign-up", error=str(error)[:300])

    def close(self) -> None:
        """Give the connections back."""
        self._counters.close()
