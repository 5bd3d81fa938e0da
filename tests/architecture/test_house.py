"""The house stands as it is drawn: the spine's names, the size of files, the signs on the doors, the migrations."""

import importlib
import inspect
import re
import subprocess
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from app.cli.migrate import ALEMBIC_INI
from app.config import Settings, get_settings
from tests.stores import Stores

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for path in (ROOT / "app").rglob("*.py"))
MOST_LINES = 400

SPINE = {
    "app.main": ["create_app"],
    "app.database": ["get_db"],
    "app.models": ["User", "Lesson", "StatementRaw", "StatementFlat", "Notification", "TaskStatus"],
    "app.schemas": ["StatementFlatRead", "TaskStatusRead"],
    "app.jobs.reminder": ["get_incomplete_users", "send_daily_reminders", "log_task_status"],
    "app.jobs.scheduler": ["schedule_daily_reminders"],
    "app.security": ["verify_basic_credentials"],
    "app.streaming": ["publish_statement"],
    "app.etl_streaming": ["process_statement", "get_last_processed"],
    "app.etl_incremental": ["flatten_statement", "run_incremental_etl"],
    "app.api.xapi": ["post_statement"],
    "app.api.orchestrator": ["read_contracts", "update_contract_status"],
    "app.api.reporting": ["get_cohort_completions", "get_lesson_incomplete"],
}


@pytest.mark.parametrize(("module", "names"), SPINE.items())
def test_the_spine_has_its_names(module: str, names: list[str]) -> None:
    found = importlib.import_module(module)
    assert [name for name in names if not hasattr(found, name)] == []


def test_the_spine_has_its_parameters() -> None:
    def parameters(path: str) -> list[str]:
        module, _, name = path.rpartition(".")
        found = getattr(importlib.import_module(module), name)
        return list(inspect.signature(getattr(found, "fn", found)).parameters)

    assert parameters("app.streaming.publish_statement")[:2] == ["stream", "statement_json"]
    assert parameters("app.etl_streaming.process_statement") == ["message_id", "data"]
    assert parameters("app.etl_streaming.get_last_processed") == ["db"]
    assert parameters("app.etl_incremental.flatten_statement") == ["raw_json"]
    assert parameters("app.etl_incremental.run_incremental_etl")[0] == "db"
    assert parameters("app.jobs.reminder.get_incomplete_users") == ["db", "lesson_date"]
    assert parameters("app.api.orchestrator.read_contracts") == []
    assert parameters("app.api.orchestrator.update_contract_status")[:2] == ["module", "status"]
    assert parameters("app.jobs.reminder.send_daily_reminders") == []
    assert parameters("app.jobs.reminder.log_task_status")[:3] == ["db", "name", "status"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_has_one_subject(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines, "an empty module has no sign on its door"
    assert lines[0].startswith('"""'), "the first line says what lives here"
    assert len(lines) <= MOST_LINES, "look for the second subject in it"


def test_gold_tables_carry_their_grain_in_words() -> None:
    files = list((ROOT / "app" / "warehouse" / "sql" / "gold").glob("*.sql"))
    assert files
    for file in files:
        assert file.read_text().startswith("-- Grain: one row per "), file.name


def test_documents_name_only_files_and_targets_that_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "AGENTS.md", "plan.md", ".cursorrules"):
        words = (ROOT / name).read_text()
        assert set(re.findall(r"\bmake ([a-z-]+)\b(?! can)", words)) - targets <= {"sure"}, name
        for path in re.findall(r"`((?:app|tests|docs|migrations|orchestrator_contracts)/[\w./-]+)`", words):
            assert (ROOT / path).exists(), f"{name} names {path}"


def test_nothing_of_one_machine_is_committed() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    # Put together here, so that this file does not hold what it looks for.
    words = (b" --index" + b"-url", b"--extra-index" + b"-url", b"PRIVATE KEY-----" + rb"\n[A-Za-z0-9+/]{20}")
    pattern = re.compile(b"|".join(words))
    for name in filter(None, tracked.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file():
            assert not pattern.search(path.read_bytes()), name


def test_migrations_go_up_from_nothing_down_again_and_match_the_models(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = stores.create_database("seventaps_migrations")
    monkeypatch.setenv("DATABASE_URL", url)
    get_settings.cache_clear()
    try:
        config = Config(str(ALEMBIC_INI))
        command.upgrade(config, "head")
        command.check(config)
        engine = create_engine(Settings(database_url=url).sqlalchemy_url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM statements_flat")).scalar() == 0
        engine.dispose()
        command.downgrade(config, "base")
        command.upgrade(config, "head")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
        stores.drop_database("seventaps_migrations")
