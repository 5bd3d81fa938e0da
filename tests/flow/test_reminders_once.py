"""At most one reminder a day: runs at the same time, processes that are killed, ten thousand learners."""

import multiprocessing
import os
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.config import get_settings
from app.database import session_scope
from app.jobs import reminder, scheduler
from app.jobs.models import JobRun
from app.notifications import service
from app.platform import clock
from tests.flow.post_office import PostOffice
from tests.flow.reminding import MORNING, course, rows, send


def test_two_schedulers_at_once_send_once(office: PostOffice) -> None:
    course(*(f"l{n:02}@example.org" for n in range(20)))
    with clock.set_now(MORNING):
        threads = [threading.Thread(target=scheduler.schedule_daily_reminders.fn) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(office.recipients()) == [f"l{n:02}@example.org" for n in range(20)]
    with session_scope() as db:
        assert db.scalars(select(JobRun.outcome).where(JobRun.job == scheduler.JOB)).all() == ["done"]
    # The period is done: who joins now is found by the next one.
    course("late@example.org", slug="summer")
    for minutes, sent in ((4, 20), (5, 21)):
        with clock.set_now(MORNING + timedelta(minutes=minutes)):
            scheduler.schedule_daily_reminders.fn()
        assert len(office.letters) == sent


def test_even_two_runs_that_do_not_know_of_each_other_send_once(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    course(*(f"l{n:02}@example.org" for n in range(40)))
    monkeypatch.setattr(service, "_alone", lambda: nullcontext(True))
    with clock.set_now(MORNING):
        threads = [threading.Thread(target=reminder.send_daily_reminders) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(office.recipients()) == [f"l{n:02}@example.org" for n in range(40)]


def _claim_and_die(settings_environment: dict[str, str], at: datetime) -> None:
    os.environ.update(settings_environment)
    from app.database import forget_engine

    get_settings.cache_clear()
    forget_engine()
    service.compose = lambda *_, **__: os._exit(9)  # type: ignore[assignment]
    with clock.set_now(at):
        reminder.send_daily_reminders()


def test_killed_between_the_claim_and_the_note_is_unknown_and_not_sent_again(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    process = multiprocessing.get_context("spawn").Process(target=_claim_and_die, args=(dict(os.environ), MORNING))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    ((email, status, _),) = rows()
    assert status == "sending"
    run = send(MORNING + timedelta(minutes=5))
    assert (run.sent, office.recipients()) == (1, [{"ann@example.org", "ben@example.org"}.difference({email}).pop()])
    run = send(MORNING + timedelta(minutes=20))
    assert (run.sent, run.found_unknown) == (0, 1)
    assert dict(row[:2] for row in rows())[email] == "unknown"


def test_no_transaction_is_open_while_the_mail_server_is_spoken_to(office: PostOffice) -> None:
    course("ann@example.org", "ben@example.org")
    open_ones: list[Any] = []

    def look(_address: str) -> None:
        with session_scope() as db:
            idle = "state LIKE 'idle in transaction%' AND datname = current_database()"
            open_ones.append(db.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {idle}")))

    office.on_arrival = look
    assert send().sent == 2
    assert open_ones == [0, 0]
