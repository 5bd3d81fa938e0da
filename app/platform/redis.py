"""Clients of the Redis that holds the stream and the job queues. Values are bytes; nobody decodes behind our back."""

from functools import lru_cache

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff

CONNECT_TIMEOUT_SECONDS = 3.0
ANSWER_TIMEOUT_SECONDS = 10.0
"""Longer than any BLOCK that the consumers ask for, short enough that a hung server becomes a 503 and not a hang."""


@lru_cache(maxsize=4)
def redis_client(url: str) -> redis.Redis:
    """The client of this process for threads: worker, scheduler, commands."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=ANSWER_TIMEOUT_SECONDS,
        health_check_interval=30,
    )


def async_redis_client(url: str, connections: int = 64) -> "redis.asyncio.Redis":
    """A client for the event loop that makes it; the API process holds one for its lifetime.

    Never retries by itself: a write whose answer was lost may have happened, and only the caller knows what a second
    write would mean.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=ANSWER_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=ANSWER_TIMEOUT_SECONDS,
        retry=AsyncRetry(NoBackoff(), 0),
    )
    return redis.asyncio.Redis.from_pool(pool)
