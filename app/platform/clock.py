"""Time comes from here: aware, UTC. Tests put another clock in place with `set_now`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


def _system_now() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _now()


@contextmanager
def set_now(moment: datetime) -> Iterator[None]:
    """Stop the clock of this process at `moment` (aware) for the length of a `with` block."""
    global _now  # noqa: PLW0603  (one clock per process is the point)
    if moment.tzinfo is None:
        raise ValueError("the clock only shows aware times; give the moment a time zone")
    before, _now = _now, lambda: moment.astimezone(UTC)
    try:
        yield
    finally:
        _now = before


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`, the form in which the system writes every time it sends out."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def http_date(moment: datetime) -> str:
    """The form of Last-Modified and Date (RFC 9110 5.6.7), whole seconds."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@cache
def time_zones() -> frozenset[str]:
    """The names of the IANA time zones. Read from the disk once: that takes ten milliseconds."""
    return frozenset(available_timezones())


def zone_of(name: str | None) -> ZoneInfo | None:
    """The time zone of this IANA name; None when there is none."""
    return ZoneInfo(name) if name in time_zones() else None
