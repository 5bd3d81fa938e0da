"""`python -m app reminders`: what it prints, and that a dry run sends nothing."""

import pytest

from app.cli.main import main
from app.platform import clock
from tests.flow.reminding import MORNING, course, rows

pytestmark = pytest.mark.usefixtures("clean")


def test_a_dry_run_counts_and_a_run_sends(capsys: pytest.CaptureFixture[str]) -> None:
    course("ann@example.org", "ben@example.org", None)
    with clock.set_now(MORNING):
        assert main(["reminders", "send", "--dry-run"]) == 0
        told = capsys.readouterr().out.split()
        assert (told[0:2], "no_email" in told, rows()) == (["2", "due"], True, [])
        assert main(["reminders", "preview", "--reason", "due"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert sorted(line.split()[4] for line in lines) == ["ann@example.org", "ben@example.org"]
        assert main(["reminders", "send"]) == 0
        assert "sent 2, waiting 0" in capsys.readouterr().out
        assert main(["reminders", "send"]) == 0
    assert [row[1] for row in rows()] == ["sent", "sent"]
