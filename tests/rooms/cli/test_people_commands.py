"""`python -m app roster|responses|retention`: the same as the doors, on files."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from sqlalchemy import func, select, text

from app.cli.main import main
from app.database import session_scope
from app.etl_incremental import Incoming, load_statements
from app.ingest.dead_letters import Letter, bury
from app.jobs.models import JobRun
from app.models import StatementRaw, User
from app.platform import clock
from tests.doors.test_learners import gold_is_what_a_rebuild_makes
from tests.doors.test_responses import EXPORT
from tests.statements import completed
from tests.warehouse.record import refers_to, voids


def statements() -> int:
    with session_scope() as db:
        return db.scalar(select(func.count()).select_from(StatementRaw)) or 0


def test_a_roster_is_looked_at_and_then_entered(
    clean: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("Email;Store\nann@example.org;Oslo\nnobody;Bergen\n")
    assert main(["roster", "import", str(file), "--dry-run"]) == 1
    told = capsys.readouterr().out
    assert "row 3: email 'nobody' is no e-mail address." in told
    assert "2 rows: 1 invalid, 1 new; 0 cohorts (dry run; nothing was changed)" in told
    with session_scope() as db:
        assert db.scalars(select(User)).all() == []
    assert main(["roster", "import", str(file), "--apply"]) == 1
    with session_scope() as db:
        assert [user.attributes for user in db.scalars(select(User))] == [{"Store": "Oslo"}]
    assert main(["roster", "import", str(tmp_path / "none.csv"), "--apply"]) == 2
    assert "none.csv" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["roster", "import", str(file)])


def test_responses_come_in(drain: Callable[[], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "responses.csv"
    file.write_text(EXPORT)
    assert main(["responses", "import", str(file), "--apply"]) == 1
    assert "5 new, 0 stored before, 1 repeated, 3 not right" in capsys.readouterr().out
    drain()
    assert statements() == 5


NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def store(*aged: tuple[int, dict[str, object]]) -> None:
    with session_scope() as db:
        for days, statement in aged:
            at = NOW - timedelta(days=days)
            payload = orjson.dumps(statement)
            load_statements(db, [Incoming(UUID(str(statement["id"])), payload, at, "1.0.3", "f" * 64)])


def world() -> None:
    old, kept, voided = completed(number=1), completed(number=2), completed(number=3)
    store((400, old), (10, kept), (401, voided), (400, voids(voided)), (5, refers_to(old)))
    with clock.set_now(NOW - timedelta(days=500)), session_scope() as db:
        bury(db, Letter(source="door", code="unreadable", reason="old", body=b"{"))
    with clock.set_now(NOW), session_scope() as db:
        bury(db, Letter(source="door", code="unreadable", reason="new", body=b"["))


def test_what_is_old_goes_and_the_rest_is_what_a_rebuild_makes(clean: None, capsys: pytest.CaptureFixture[str]) -> None:
    world()
    with clock.set_now(NOW):
        assert main(["retention", "--dry-run", "--days", "365"]) == 0
        assert "3 statements, 0 documents, 1 dead letters (dry run" in capsys.readouterr().out
        assert statements() == 5
        assert main(["retention", "--apply"]) == 2
        assert "RETENTION_DAYS" in capsys.readouterr().err
        assert main(["retention", "--apply", "--days", "365"]) == 0
        assert statements() == 2
        with session_scope() as db:
            assert db.scalar(text("SELECT count(*) FROM ops.dead_letters")) == 1
            links = set(db.execute(text("SELECT key, seq FROM silver.statement_links")).all())
        assert len(gold_is_what_a_rebuild_makes()) == 1
        with session_scope() as db:
            assert set(db.execute(text("SELECT key, seq FROM silver.statement_links")).all()) == links


def test_the_job_runs_once_a_day_and_only_where_days_are_set(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.config import get_settings
    from app.jobs.retention import retention

    world()
    with clock.set_now(NOW):
        retention.fn()
        assert statements() == 5
        monkeypatch.setattr(get_settings(), "retention_days", 365)
        retention.fn()
        assert statements() == 2
        store((400, completed(number=9)))
        retention.fn()
        assert statements() == 3, "the day had its run already"
    with clock.set_now(NOW + timedelta(days=1)):
        retention.fn()
        assert statements() == 2
    with session_scope() as db:
        runs = db.scalars(select(JobRun).where(JobRun.job == "retention.expire").order_by(JobRun.period)).all()
    assert [run.outcome for run in runs] == ["done", "done"]
    assert runs[0].detail is not None
    assert runs[0].detail["statements"] == 3
