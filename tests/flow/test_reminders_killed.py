"""A worker that is killed while it reminds: at most one mail for everybody, and the rest catch up."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text

from app.config import get_settings
from app.database import session_scope
from app.jobs import scheduler
from app.jobs.models import JobRun
from app.platform import clock
from tests.conftest import Doors
from tests.flow.post_office import PostOffice
from tests.flow.reminding import course, rows
from tests.flow.system import ROOT, wait_for

pytestmark = pytest.mark.flow
LEARNERS = 60


class Worker:
    """A worker process as the launcher starts it, on the stores of the tests."""

    def __init__(self, log: Path):
        with log.open("a") as output:
            command = [sys.executable, "-m", "dramatiq", "app.worker", "--processes", "1", "--threads", "2"]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=dict(os.environ), stdout=output, stderr=output, start_new_session=True
            )

    def kill(self) -> None:
        """kill -9, of the process that works and of the one that looks after it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []
    log = tmp_path / "worker.txt"

    def start() -> Worker:
        started.append(Worker(log))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()
    logging.getLogger(__name__).warning("the worker said:\n%s", log.read_text())  # told where the test failed


def noon_somewhere() -> str:
    """A time zone in which it is around noon now, so that no quiet hours and no midnight come into the way."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def let_time_pass(minutes: int) -> None:
    """What is written down was so many minutes ago."""
    with session_scope() as db:
        db.execute(text(f"UPDATE notifications SET claimed_at = claimed_at - interval '{minutes} minutes'"))
        db.execute(text(f"UPDATE ops.job_runs SET period = period - interval '{minutes} minutes'"))


def statuses() -> dict[str, str]:
    return {email: status for email, status, _ in rows()}


def test_a_worker_that_is_killed_in_the_middle_of_a_run_mails_nobody_twice(
    office: PostOffice, doors: Doors, start_worker: Callable[[], Worker]
) -> None:
    zone = noon_somewhere()
    yesterday = (clock.now().astimezone(ZoneInfo(zone)) - timedelta(days=1)).date()
    everybody = {f"l{n:02}@example.org" for n in range(LEARNERS)}
    course(*everybody, lessons=1, due=yesterday, zone=zone)
    get_settings.cache_clear()
    deadly: dict[str, str] = {}  # the learner at whose mail the worker dies: in which of its steps
    running: list[Worker] = []

    def die_at(step: str, most: int) -> Callable[[str], Any]:
        def look(recipient: str) -> None:
            if running and len(office.letters) >= most and step not in deadly.values():
                deadly[recipient] = step
                running.pop().kill()
                time.sleep(0.05)  # nobody is there to hear the answer

        return look

    # First while the mail is on its way in: the server has all of it and nobody hears the answer.
    office.on_arrival = die_at("taken", 15)
    running.append(start_worker())
    scheduler.schedule_daily_reminders.send()
    wait_for(lambda: "taken" in deadly.values())
    (taken,) = deadly
    assert wait_for(lambda: statuses().get(taken)) == "sending"
    # Then before it: the learner's day is claimed, and the server was only told for whom.
    office.on_arrival = lambda recipient: None
    office.at_recipient = die_at("claimed", 30)
    let_time_pass(scheduler.EVERY_MINUTES)
    running.append(start_worker())
    scheduler.schedule_daily_reminders.send()
    wait_for(lambda: "claimed" in deadly.values())
    (claimed,) = {one for one, step in deadly.items() if step == "claimed"}
    assert wait_for(lambda: statuses().get(claimed)) == "sending"
    assert len(office.letters) < LEARNERS - 5
    # The next run gives everybody else theirs, and says of these two that nobody knows.
    office.at_recipient = lambda recipient: None
    let_time_pass(20)
    worker = start_worker()
    scheduler.schedule_daily_reminders.send()
    wait_for(lambda: len(office.letters) >= LEARNERS - 1)
    wait_for(lambda: list(statuses().values()).count("sent") == LEARNERS - 2)
    assert {one for one, status in statuses().items() if status == "unknown"} == {taken, claimed}
    wait_for(lambda: _runs_done() == 1)
    let_time_pass(scheduler.EVERY_MINUTES)
    scheduler.schedule_daily_reminders.send()
    wait_for(lambda: _runs_done() == 2)
    worker.kill()
    assert sorted(office.recipients()) == sorted(everybody - {claimed})
    page = doors.client.get("/api/reminders?status=unknown", headers=doors.admin).json()
    assert {row["email"] for row in page["reminders"]} == {taken, claimed}
    assert page["totals"] == {"sent": LEARNERS - 2, "unknown": 2}


def _runs_done() -> int:
    runs = select(func.count()).where(JobRun.job == scheduler.JOB, JobRun.outcome == "done")
    with session_scope() as db:
        return db.scalar(runs) or 0
