"""Alive and ready: what the doors for monitoring say, against what the doors for statements really do."""

import socket
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.api import readiness, watching
from app.config import get_settings
from app.database import get_engine, session_scope
from app.ingest.dead_letters import Letter, bury
from app.jobs.models import JobRun
from app.jobs.reconcile import JOB
from app.platform import clock
from tests.conftest import Doors
from tests.doors.elsewhere import elsewhere
from tests.doors.watching import SECRET, failing, figures, looked_at_each_time, name, nobody, ready, store  # noqa: F401
from tests.statements import completed

NO_POSTGRESQL, NO_REDIS = {"DATABASE_URL": nobody("postgresql")}, {"REDIS_URL": nobody("redis")}


def test_everything_is_right_and_anybody_may_know(doors: Doors) -> None:
    status, told, checks = ready(doors)
    assert (status, told["degraded"], failing(checks)) == (200, False, set())
    assert checks["accepting"]["limit"] == get_settings().stream_max_entries


@pytest.mark.parametrize(
    ("away", "status", "stays_ready"),
    [
        (NO_POSTGRESQL, 200, True),
        (NO_REDIS, 200, True),
        ({**NO_POSTGRESQL, **NO_REDIS}, 503, False),
        ({**NO_POSTGRESQL, "ETL_MODE": "incremental"}, 503, False),
        ({**NO_REDIS, "ETL_MODE": "incremental"}, 200, True),
    ],
    ids=["no PostgreSQL", "no Redis", "neither", "incremental, no PostgreSQL", "incremental, no Redis"],
)
@pytest.mark.usefixtures("clean")
def test_ready_says_what_the_door_for_statements_does(
    monkeypatch: pytest.MonkeyPatch, away: dict[str, str], status: int, stays_ready: bool
) -> None:
    with elsewhere(monkeypatch, **away) as doors:
        assert doors.client.get("/health").json()["status"] == "ok"
        found, told, checks = ready(doors)
        assert (found, told["degraded"]) == (status, True)
        assert checks["accepting"]["ok"] == stays_ready
        assert checks["postgresql"]["ok"] == ("DATABASE_URL" not in away)
        assert checks["redis"]["ok"] == ("REDIS_URL" not in away)
        statement = completed()
        sent = doors.put(statement, statement["id"])
        assert sent.status_code == (204 if stays_ready else 503), sent.text
        if not stays_ready:
            assert (told["code"], told["status"]) == ("not_ready", 503)
            refusal = doors.client.get("/health/ready")
            assert refusal.headers["content-type"] == "application/problem+json"
            assert refusal.headers["retry-after"]
        for answer in (doors.client.get("/health/ready").text, doors.client.get("/metrics", headers=doors.admin).text):
            assert SECRET not in answer
            assert "127.0.0.1" not in answer
            assert "a-user" not in answer


@pytest.mark.usefixtures("clean")
def test_a_full_stream_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    with elsewhere(monkeypatch, STREAM_MAX_ENTRIES="2") as doors:
        for status in (200, 200, 503):
            assert ready(doors)[0] == status
            assert doors.post(completed()).status_code == status
        assert ready(doors)[2]["accepting"]["value"] == 2


@pytest.mark.parametrize(
    ("change", "status", "value"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", 503, "behind"),
        ("UPDATE alembic_version SET version_num = 'of the next release'", 200, "ahead"),
        ("ALTER TABLE alembic_version RENAME TO no_version", 503, "behind"),
    ],
)
def test_a_database_that_lacks_migrations_is_not_ready(doors: Doors, change: str, status: int, value: str) -> None:
    with get_engine().begin() as connection:
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        if "'0001'" in change:
            change = change.replace("0001", min(watching._revisions()[1]))
        connection.execute(text(change))
    try:
        found, _, checks = ready(doors)
    finally:
        with get_engine().begin() as connection:
            if "RENAME" in change:
                connection.execute(text("ALTER TABLE no_version RENAME TO alembic_version"))
            connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
    assert (found, checks["migrations"]["value"], failing(checks)) == (status, value, {"migrations"})
    assert ready(doors)[2]["migrations"]["ok"]


@pytest.mark.parametrize(("setting", "weaker"), [("appendfsync", "everysec"), ("appendonly", "no")])
def test_a_redis_that_may_lose_entries_is_a_warning(doors: Doors, setting: str, weaker: str) -> None:
    before = store().config_get(setting)[setting]
    store().config_set(setting, weaker)
    try:
        status, told, checks = ready(doors)
    finally:
        store().config_set(setting, before)
    assert (status, told["degraded"], failing(checks)) == (200, True, {"redis_durable"})
    assert "power cut" in checks["redis_durable"]["message"]


def test_an_entry_that_waits_too_long_is_a_lag(doors: Doors) -> None:
    limit = get_settings().ready_max_lag_seconds
    for age, late in ((limit - 60, False), (limit + 60, True)):
        store().delete("statements")
        store().xadd("statements", {"x": "y"}, id=f"{int((time.time() - age) * 1000)}-0")
        store().xadd("statements", {"x": "y"})
        status, _, checks = ready(doors)
        assert (status, failing(checks)) == (200, {"lag"} if late else set())
        assert age <= checks["lag"]["value"] <= age + 59
        assert figures(doors)["seventaps_oldest_entry_age_seconds"] == pytest.approx(age, abs=59)


def test_a_loader_that_stopped_itself_is_told_and_the_reason_to_admins(doors: Doors) -> None:
    store().set("statements:halted", "8 of 10 entries died: connection to 10.0.0.7 lost")
    status, _, checks = ready(doors)
    assert (status, failing(checks)) == (200, {"loader"})
    assert "10.0.0.7" not in str(checks)
    assert "10.0.0.7" not in str(ready(doors, Authorization="Bearer guessed")[2])
    assert "10.0.0.7" in ready(doors, **doors.admin)[2]["loader"]["value"]
    assert figures(doors)[name("check_ok", check="loader")] == 0


def buried(letters: int, db: Session, minutes_ago: float = 0) -> None:
    with clock.set_now(clock.now() - timedelta(minutes=minutes_ago)):
        for number in range(letters):
            bury(db, Letter(source="door", code="unreadable", reason="No.", body=b"%d %f" % (number, minutes_ago)))


def test_many_dead_letters_are_too_many_only_among_few_statements(doors: Doors, drain: Callable[[], int]) -> None:
    with session_scope() as db:
        buried(readiness.FEW_LETTERS - 1, db)
        buried(50, db, minutes_ago=get_settings().ready_dead_letter_minutes + 1)
    assert failing(ready(doors)[2]) == set()
    with session_scope() as db:
        buried(readiness.FEW_LETTERS, db)
    status, _, checks = ready(doors)
    assert (status, failing(checks), checks["dead_letters"]["value"]) == (200, {"dead_letters"}, 1)
    assert doors.post([completed() for _ in range(readiness.FEW_LETTERS * 30)]).status_code == 200
    drain()
    checks = ready(doors)[2]
    assert (failing(checks), checks["dead_letters"]["value"]) == (set(), pytest.approx(1 / 31, abs=1e-4))
    assert figures(doors)[name("dead_letters_open", code="unreadable")] == readiness.FEW_LETTERS + 50


@pytest.mark.parametrize(
    ("minutes", "finished", "right"), [(4, True, True), (6, True, False), (0, False, False)], ids=str
)
def test_a_sweep_that_has_not_finished_for_long_is_told(
    doors: Doors, minutes: int, finished: bool, right: bool
) -> None:
    at = clock.now() - timedelta(minutes=minutes)
    doors.client.app.state.watch.since = clock.now() - timedelta(hours=1)  # type: ignore[attr-defined]
    with session_scope() as db:
        db.add(JobRun(job=JOB, period=clock.now(), started_at=at))
        db.add(JobRun(job="another.job", period=at, started_at=at, finished_at=clock.now()))
        if finished:
            db.add(JobRun(job=JOB, period=at, started_at=at, finished_at=at))
    status, _, checks = ready(doors)
    assert (status, failing(checks)) == (200, set() if right else {"reconcile"})
    if finished:
        assert figures(doors)["seventaps_reconcile_finished_timestamp_seconds"] == pytest.approx(at.timestamp())


def test_a_slow_question_is_given_up_on_and_the_rest_is_told(doors: Doors) -> None:
    with get_engine().connect() as busy:
        busy.execute(text("LOCK TABLE ops.dead_letters IN ACCESS EXCLUSIVE MODE"))
        status, _, checks = ready(doors)
    assert (status, failing(checks)) == (200, {"dead_letters", "reconcile"})


@pytest.mark.parametrize(
    ("store_name", "scheme", "unknown"),
    [
        ("REDIS_URL", "redis", {"redis", "redis_durable", "lag", "loader"}),
        ("DATABASE_URL", "postgresql", {"postgresql", "migrations", "dead_letters", "reconcile"}),
    ],
)
@pytest.mark.usefixtures("clean")
def test_a_store_that_hangs_is_given_up_on(
    monkeypatch: pytest.MonkeyPatch, store_name: str, scheme: str, unknown: set[str]
) -> None:
    """It takes connections and never says a word; those who wait for it elsewhere wait for five seconds and more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://a-user:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/0"
        with elsewhere(monkeypatch, **{store_name: address}) as doors:
            for _ in range(3):
                started = time.monotonic()
                status, _, checks = ready(doors)
                assert time.monotonic() - started < 4
                assert (status, failing(checks)) == (200, unknown)


def test_however_often_somebody_asks_the_stores_are_looked_at_once(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SEEN_SECONDS", 3_600.0)
    before = store().info("commandstats")["cmdstat_xlen"]["calls"] if ready(doors) else 0
    for _ in range(20):
        assert ready(doors)[0] == 200
    assert store().info("commandstats")["cmdstat_xlen"]["calls"] == before
