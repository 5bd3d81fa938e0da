"""Settings: each is described, empty means unset, and the embedded stack never overrules the operator."""

import itertools
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import RUNNING_STACK_FILE, Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_the_example_names_every_setting_with_a_sentence_and_its_default() -> None:
    lines = EXAMPLE.read_text().splitlines()
    found = {}
    for above, line in itertools.pairwise(lines):
        if match := re.fullmatch(r"([A-Z_]+)=(.*)", line):
            assert re.fullmatch(r"# .{15,}\.", above), f"{match[1]} has no sentence above it"
            found[match[1].lower()] = match[2]
    assert set(found) == set(Settings.model_fields)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert found == {name: "" if value is None else str(value) for name, value in defaults.items()}


def test_empty_means_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "  ")
    assert load_settings().database_url is None


def test_the_environment_wins_over_dotenv_and_dotenv_over_the_running_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "ADMIN_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / RUNNING_STACK_FILE).write_text(
        "DATABASE_URL=postgresql://stack/x\nREDIS_URL=stack\nADMIN_TOKEN=stack\n"
    )
    (tmp_path / ".env").write_text("REDIS_URL=dotenv\nADMIN_TOKEN=dotenv\n")
    monkeypatch.setenv("ADMIN_TOKEN", "environment")
    settings = load_settings()
    assert (settings.database_url, settings.redis_url, settings.admin_token) == (
        "postgresql://stack/x",
        "dotenv",
        "environment",
    )
    assert load_settings(running_stack=False).database_url is None


@pytest.mark.parametrize("given", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg2://u:p@h/d"])
def test_every_form_of_database_url_names_the_driver(given: str) -> None:
    assert Settings(database_url=given).sqlalchemy_url == "postgresql+psycopg2://u:p@h/d"


def test_a_wrong_value_names_its_setting() -> None:
    with pytest.raises(ValidationError, match="etl_mode"):
        Settings(etl_mode="sometimes")  # type: ignore[arg-type]


def test_a_missing_store_says_how_to_get_one() -> None:
    with pytest.raises(LookupError, match="make run"):
        _ = Settings(database_url=None).sqlalchemy_url
