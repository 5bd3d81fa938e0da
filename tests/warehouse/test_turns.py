"""Loads take turns; one that hangs with the turn in its hands is ended, and the others go on."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import database
from app.config import get_settings
from app.database import is_passing, make_engine, session_scope
from app.etl_incremental import load_statements
from app.linking import take_turn
from tests.statements import completed
from tests.warehouse.record import incoming


def test_a_load_that_hangs_does_not_hold_up_the_others(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_SECONDS", 0.2)
    engine = make_engine(get_settings())
    monkeypatch.undo()
    with Session(engine) as hanging:
        take_turn(hanging, alone=True)
        with session_scope() as db:
            assert load_statements(db, [incoming(completed())]).new == 1
        with pytest.raises(DBAPIError) as ended:
            hanging.execute(text("SELECT 1"))
        assert is_passing(ended.value)
        hanging.rollback()
    engine.dispose()
