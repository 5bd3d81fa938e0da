"""Retention that is cut off anywhere leaves nothing behind that the next run does not find."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import retention
from app.database import session_scope
from tests.statements import completed
from tests.warehouse.record import load

OLD, SHARED = "a" * 64, "b" * 64
DAYS = 100


class CutOff(Exception):
    """The process ends."""


def attaching(email: str, *hashes: str) -> dict[str, object]:
    """A statement that names these attachments."""
    usage = {"usageType": "https://example.org/usage", "display": {"en": "A file"}}
    attachments = [{**usage, "contentType": "text/plain", "length": 1, "sha2": one} for one in hashes]
    return completed(email, attachments=attachments)


@pytest.fixture
def two_ages(clean: None) -> None:
    """An old statement with two attachments, and a new one that shares one of them."""
    with session_scope() as db:
        load(db, attaching("ann@example.org", OLD, SHARED))
        db.execute(text("UPDATE bronze.statements_raw SET stored_at = now() - interval '400 days'"))
        load(db, attaching("ben@example.org", SHARED))
        db.execute(text("UPDATE bronze.statements_raw SET stored_at = now() WHERE payload::text LIKE '%ben@%'"))
        for one in (OLD, SHARED):
            db.execute(text("INSERT INTO bronze.attachments VALUES (:sha2, 'x', now())"), {"sha2": one})


@pytest.mark.parametrize("steps", range(4))
def test_cut_off_and_run_again_it_takes_all_that_is_old(two_ages: None, steps: int) -> None:
    made = 0

    @contextmanager
    def units() -> Iterator[Session]:
        nonlocal made
        if made == steps:
            raise CutOff
        made += 1
        with session_scope() as db:
            yield db

    with pytest.raises(CutOff):
        retention.expire(units, DAYS, "tests")
    retention.expire(session_scope, DAYS, "tests")
    with session_scope() as db:
        assert db.scalar(text("SELECT count(*) FROM bronze.statements_raw")) == 1
        assert list(db.scalars(text("SELECT sha2 FROM bronze.attachments"))) == [SHARED]
