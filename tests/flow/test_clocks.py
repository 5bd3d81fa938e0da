"""Clocks that step back, of the application and of Redis: nothing lost, nothing twice, nothing held up for long."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
import redis
from sqlalchemy import select

from app import etl_incremental
from app.config import get_settings
from app.database import session_scope
from app.jobs.models import JobRun
from app.jobs.reconcile import JOB, reconcile, sweep
from app.platform import clock
from app.streaming import StreamEntry
from tests.conftest import Doors
from tests.flow.loading import record
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")


def test_a_clock_that_steps_back_loses_nothing_and_doubles_nothing(
    doors: Doors, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.xapi_consistency.REFRESH_SECONDS", 0)
    client, name = redis.Redis.from_url(get_settings().required_redis_url), get_settings().stream_name
    told: list[str] = []
    sent: list[str] = []

    def send() -> None:
        answer = doors.post([completed(), completed()])
        assert answer.status_code == 200
        sent.extend(answer.json())
        told.append(answer.headers["X-Experience-API-Consistent-Through"])

    start = clock.now()
    # The clock of Redis was two hours ahead when the last entry came.
    ahead = f"{int((start + timedelta(hours=2)).timestamp() * 1000)}-0"
    statement = completed()
    entry = StreamEntry(orjson.dumps(statement), (UUID(statement["id"]),), None, "1.0.3", "f" * 64)
    client.xadd(name, entry.fields(), id=ahead)  # type: ignore[arg-type]
    sent.append(statement["id"])
    for hours in (0, 1, 0, -1, 0):
        with clock.set_now(start + timedelta(hours=hours)):
            send()
            ids = [message_id for message_id, _ in client.xrange(name)]
            assert ids == sorted(ids, key=lambda one: tuple(map(int, one.split(b"-"))))
            assert ids[-1] >= ahead.encode()
            drain()
            send()
            sweep(100)
    drain()
    # Redis lost everything, and its clock is an hour behind what it was.
    client.delete(name)
    statement = completed()
    entry = StreamEntry(orjson.dumps(statement), (UUID(statement["id"]),), None, "1.0.3", "f" * 64)
    behind = f"{int((start - timedelta(hours=1)).timestamp() * 1000)}-0"
    client.xadd(name, entry.fields(), id=behind)  # type: ignore[arg-type]
    sent.append(statement["id"])
    send()
    drain()
    assert told == sorted(told)
    assert record() == (sorted(sent), sorted(sent))


def test_a_sweep_that_a_wrong_clock_ran_ahead_of_time_is_not_missed_later() -> None:
    start = clock.now().replace(second=5, microsecond=0)

    def tick(minutes: int) -> None:
        with clock.set_now(start + timedelta(minutes=minutes)):
            reconcile.fn()

    for minutes in (*range(5), 60):
        tick(minutes)
    # The clock is right again, an hour earlier; what the door stores now must not wait for that hour.
    with session_scope() as db:
        statement = completed()
        payload = orjson.dumps(statement)
        one = etl_incremental.Incoming(UUID(statement["id"]), payload, start, "1.0.3", "f" * 64)
        etl_incremental.store_statements(db, [one])
    tick(0)
    tick(1)
    assert record() == ([statement["id"]], [statement["id"]])
    with session_scope() as db:
        periods = db.scalars(select(JobRun.period).where(JobRun.job == JOB)).all()
    assert max(periods) <= start + timedelta(minutes=1)


def test_two_schedulers_on_one_period_still_sweep_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = []
    monkeypatch.setattr("app.jobs.reconcile.sweep", lambda most: sweeps.append(most) or etl_incremental.Loaded())
    start = clock.now().replace(second=50, microsecond=0)
    for seconds in (
        0,
        20,
        0,
        20,
    ):  # The second scheduler's clock is 20 seconds ahead: it is in the next minute already.
        with clock.set_now(start + timedelta(seconds=seconds)):
            reconcile.fn()
    assert len(sweeps) == 2
