"""How much memory Redis may fill before nothing more is given to it: looked at seldom, estimated in between."""

import time

import redis
import redis.asyncio

from app.platform.logs import get_logger

log = get_logger(__name__)

LOOK_SECONDS = 0.5
"""How long a look stands. In between, what this process has given to Redis is added to it."""


class MemoryLimit:
    """The memory of one Redis, as seen by one process. most_bytes: 0 means that there is no limit.

    What a process adds between two looks counts at once, so by itself it never goes over the limit, however large the
    bodies are. Several processes do not know of each other: together they may go over by what the others add between
    two looks.
    """

    def __init__(self, client: "redis.asyncio.Redis", most_bytes: int):
        self.most_bytes = most_bytes
        self._client = client
        self._used = 0
        self._added = 0
        self._next_look = 0.0

    async def look(self, wanted_bytes: int) -> None:
        """See how much is used, if the last look is old or its estimate has no room for so many bytes.

        Raises RedisError when Redis does not answer. A Redis that does not tell is taken to have room.
        """
        if not self.most_bytes:
            return
        guessed_full = self._added > 0 and self._used + self._added + wanted_bytes > self.most_bytes
        if time.monotonic() < self._next_look and not guessed_full:
            return
        try:
            self._used = int((await self._client.info("memory"))["used_memory"])
        except (redis.ResponseError, KeyError) as error:
            log.warning("Redis does not tell its memory, so STREAM_MAX_MEMORY_MIB does nothing", error=str(error)[:300])
            self.most_bytes = 0
        self._added = 0
        self._next_look = time.monotonic() + LOOK_SECONDS

    def takes(self, size_bytes: int) -> bool:
        """Whether there is room for so many bytes more; if so they count as taken until the next look."""
        if self.most_bytes and self._used + self._added + size_bytes > self.most_bytes:
            return False
        self._added += size_bytes
        return True
