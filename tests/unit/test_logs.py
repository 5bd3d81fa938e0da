"""Log lines: what they hold, and what they must never hold."""

import json
import logging
from collections.abc import Iterator

import pytest

from app.platform.logs import configure_logs, get_logger


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was before when the test is done."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_tells_no_local_variables(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """They hold settings and headers, and so passwords: secrets are never logged."""

    def fail(password: str) -> None:
        raise RuntimeError(f"a mistake after {len(password)} letters")

    configure_logs("INFO", form, "api")
    try:
        fail("".join(["hun", "ter", "2"]))
    except RuntimeError as error:
        get_logger("tests").error("unexpected error", exc_info=error)
    line = capsys.readouterr().out
    assert "a mistake after 7 letters" in line
    assert "in fail" in line or '"fail"' in line
    assert "hunter2" not in line


def test_a_json_line_names_process_event_and_facts(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json", "worker")
    get_logger("tests").info("loaded", statements=12)
    told = json.loads(capsys.readouterr().out)
    assert (told["process"], told["event"], told["statements"], told["level"]) == ("worker", "loaded", 12, "info")
