"""`python -m app accounts|tokens`: the same as the doors, by hand."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.access_models import Account, AgentToken
from app.cli.main import main
from app.database import session_scope
from app.platform import clock
from tests.conftest import Doors
from tests.doors.people import PASSWORD, acts, visitor


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard input, with a good password on its first line."""
    given = io.StringIO(f"{PASSWORD}\n")
    monkeypatch.setattr("sys.stdin", given)
    return given


def test_an_account_is_made_listed_and_disabled(
    doors: Doors, typed: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["accounts", "create", "Ann", "--role", "admin"]) == 0
    with session_scope() as db:
        ann = db.scalars(select(Account)).one()
    assert PASSWORD not in ann.password_hash
    assert ann.password_hash.startswith("$argon2id$")
    logged_in = visitor(doors.client, ann)
    assert logged_in.ask("GET", "/ui/account").status_code == 200
    assert main(["accounts", "disable", "ANN"]) == 0
    assert logged_in.ask("GET", "/ui/account").status_code == 401
    capsys.readouterr()
    assert main(["accounts", "list"]) == 0
    assert "Ann  admin  since" in (told := capsys.readouterr().out)
    assert "disabled" in told
    assert acts() == [
        ("command line", "account.create", f"account:{ann.id}"),
        ("command line", "account.disable", f"account:{ann.id}"),
    ]
    assert main(["accounts", "disable", "ann", "--undo"]) == 0
    assert main(["accounts", "disable", "nobody"]) == 2


def test_a_password_is_read_whole_and_checked(
    clean: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, why in (("short\n", "fewer than 12"), ("x" * 2_000, "more than 128"), ("password1234\n", "guessed")):
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        assert main(["accounts", "create", "Ann"]) == 2
        assert why in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["accounts", "create", "Ann", "a password as an argument"])


def test_a_token_is_shown_once_and_ends_at_once(doors: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "create", "bot", "--scope", "reports:read", "--expires-days", "7"]) == 0
    token = capsys.readouterr().out.rsplit("Bearer ", 1)[1].strip()
    assert token.startswith("7t_")
    assert len(token) > 40
    header = {"Authorization": f"Bearer {token}"}
    assert doors.client.get("/api/cohorts", headers=header).status_code == 200
    with session_scope() as db:
        row = db.scalars(select(AgentToken)).one()
    assert token not in str(vars(row))
    assert abs(row.expires_at - clock.now() - timedelta(days=7)) < timedelta(minutes=5)
    assert main(["tokens", "list"]) == 0
    assert f"{token[:7]}…  bot  reports:read" in (told := capsys.readouterr().out)
    assert token not in told
    assert main(["tokens", "create", "BOT", "--scope", "reports:read"]) == 2
    assert main(["tokens", "revoke", "Bot"]) == 0
    assert doors.client.get("/api/cohorts", headers=header).status_code == 401
    assert [act for _, act, _ in acts()] == ["token.create", "token.revoke"]
