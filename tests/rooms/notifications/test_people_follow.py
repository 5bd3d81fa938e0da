"""Reminders follow people: who becomes one learner with somebody, and who is erased."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.config import get_settings
from app.database import session_scope
from app.models import Notification, User
from app.notifications.models import ReminderStop
from app.notifications.outbox import mail_in_outbox
from tests.conftest import Doors
from tests.statements import completed
from tests.warehouse.record import load

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def two(clean: None) -> tuple[UUID, UUID]:
    """Ann, and another learner who turns out to be Ann."""
    with session_scope() as db:
        load(db, completed("ann@example.org"), completed("ann@work.example"))
        by_mail = {user.email: user.id for user in db.scalars(select(User))}
    return by_mail["ann@example.org"], by_mail["ann@work.example"]


def reminder(learner_id: UUID, day: int) -> UUID:
    """A reminder that was sent to the outbox."""
    row: dict[str, Any] = {"time_zone": "UTC", "lessons": 1, "status": "sent", "claimed_at": NOW, "sent_at": NOW}
    with session_scope() as db:
        found = Notification(id=uuid4(), learner_id=learner_id, local_day=date(2026, 3, day), **row)
        db.add(found)
    path = mail_in_outbox(get_settings(), found.id)
    path.parent.mkdir(exist_ok=True)
    path.write_text("To: ann@example.org")
    return found.id


def test_an_erased_learner_leaves_no_mail_behind(doors: Doors, two: tuple[UUID, UUID]) -> None:
    theirs, anothers = reminder(two[0], 2), reminder(two[1], 2)
    doors.client.delete(f"/api/learners/{two[0]}", params={"dry_run": "true"}, headers=doors.admin)
    assert mail_in_outbox(get_settings(), theirs).exists()
    assert doors.client.delete(f"/api/learners/{two[0]}", headers=doors.admin).status_code == 200
    assert not mail_in_outbox(get_settings(), theirs).exists()
    assert mail_in_outbox(get_settings(), anothers).exists()
    with session_scope() as db:
        assert [row.id for row in db.scalars(select(Notification))] == [anothers]


def test_who_unsubscribed_as_one_of_two_learners_stays_so(doors: Doors, two: tuple[UUID, UUID]) -> None:
    kept, gone = two
    with session_scope() as db:
        db.add(ReminderStop(learner_id=gone, unsubscribed_at=NOW))
        db.add(ReminderStop(learner_id=kept, resumed_at=NOW))
    first, second, same_day = reminder(kept, 2), reminder(gone, 3), reminder(gone, 2)
    answer = doors.client.post(f"/api/learners/{kept}/merge", json={"other": str(gone)}, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    with session_scope() as db:
        (stop,) = db.scalars(select(ReminderStop)).all()
        assert (stop.learner_id, stop.unsubscribed_at) == (kept, NOW)
        rows = {row.id: row.learner_id for row in db.scalars(select(Notification))}
    assert rows == {first: kept, second: kept}, f"{same_day} was of a day that is claimed already"
