"""Ten thousand learners in one run: in bounded memory, with a figure of how far it is."""

from datetime import date, timedelta
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import insert

from app.accounts.models import CohortMember
from app.database import session_scope
from app.jobs import reminder
from app.models import TaskStatus, User
from app.notifications import service
from tests.conftest import Doors
from tests.flow.reminding import MORNING, course, send


@pytest.mark.flow
def test_ten_thousand_learners_in_one_run(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting:
        """Stands where the mail server is; what is measured is the run."""

        def __init__(self) -> None:
            self.seen: set[str] = set()
            self.figures: list[tuple[int, int]] = []
            self.memory: list[int] = []

        def open(self) -> None: ...
        def close(self) -> None: ...
        def send(self, _message: object, _sender: str, recipient: str) -> str:
            assert recipient not in self.seen
            self.seen.add(recipient)
            if len(self.seen) % 2_500 == 0:
                self.memory.append(psutil.Process().memory_info().rss)
                with session_scope() as db:
                    detail = db.get_one(TaskStatus, reminder.TASK).detail
                    self.figures.append((int(str(detail["looked_at"])), int(str(detail["candidates"]))))
            return "250 OK"

    cohort = course()
    with session_scope() as db:
        ids = [uuid4() for _ in range(10_000)]
        db.execute(insert(User), [{"id": i, "email": f"{i}@example.org", "source": "roster"} for i in ids])
        db.execute(insert(CohortMember), [{"cohort_id": cohort, "user_id": i} for i in ids])
    with session_scope() as db:
        behind, most = 0, 0
        for _ in reminder.get_incomplete_users(db, date(2026, 3, 10)):
            behind += 1
            most = max(most, len(db.identity_map))
    assert behind == 10_000
    assert most <= 2 * reminder.PAGE_LEARNERS
    mailer = Counting()
    monkeypatch.setattr(service, "mailer_of", lambda settings: mailer)
    run = send()
    assert (run.sent, run.candidates, run.looked_at, len(mailer.seen)) == (10_000, 10_000, 10_000, 10_000)
    assert [of for _, of in mailer.figures] == [10_000] * 4
    done = [done for done, _ in mailer.figures]
    assert done == sorted(set(done))
    assert done[0] > 0
    # What it holds does not grow with the number of learners: a batch is 200 of them.
    assert max(mailer.memory) - mailer.memory[0] < 20 * 2**20
    assert send(MORNING + timedelta(minutes=5)).candidates == 0
