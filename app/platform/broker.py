"""The job broker of this process: Dramatiq on Redis, with the schedule of periodiq."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from periodiq import PeriodiqMiddleware

from app.config import get_settings

SCHEDULE_PATIENCE_SECONDS = 55
"""A scheduled message older than this is skipped: the next minute's tick does the same work and finds it undone."""

_NOWHERE = "redis://redis-url-is-not-set.invalid:6379/0"
"""Commands that never enqueue anything may run without REDIS_URL; whoever enqueues all the same reads why it fails."""


def _make_broker() -> RedisBroker:
    made: RedisBroker = RedisBroker(url=get_settings().redis_url or _NOWHERE)  # type: ignore[no-untyped-call]
    made.add_middleware(PeriodiqMiddleware(skip_delay=SCHEDULE_PATIENCE_SECONDS))
    dramatiq.set_broker(made)
    return made


broker = _make_broker()
"""Made at the first import, because actors are declared at import and belong to a broker from then on."""
