"""Parts of the launcher: the banner, the pauses, the credentials of the first start."""

import logging
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.config import Settings
from app.platform import keys
from app.stack.banner import banner
from app.stack.children import Child, ChildSpec, Pause
from app.stack.first_start import Credentials, credentials_for
from app.stack.launcher import _escaped
from app.stack.problems import StackError


def test_the_banner_has_each_thing_to_paste_on_a_line_of_its_own() -> None:
    lines = banner("https://a.example", Credentials("USER", "PASS", "TOKEN"), Path("/data")).splitlines()
    rows = {tuple(line.split(maxsplit=2)[:2]): line.split()[-1] for line in lines if line.strip()}
    assert rows["Statement", "URL"] == "https://a.example/api/xapi/statements"
    assert rows["User", "name"] == "USER"
    assert rows["Password", "PASS"] == "PASS"
    assert rows["Admin", "token"] == "TOKEN"


def test_the_banner_says_so_when_the_secret_is_elsewhere() -> None:
    assert "not on this machine" in banner("http://h", Credentials("U", None, "T"), Path("/d"))


def test_pauses_double_up_to_a_limit_and_are_short_again_after_health() -> None:
    pause = Pause()
    assert [pause.after(1) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert pause.after(61) == 0.5


def test_the_first_start_makes_credentials_and_the_second_finds_them(tmp_path: Path) -> None:
    settings = Settings(public_pem=None, secret_pem=None, admin_token=None)
    first = credentials_for(settings, tmp_path)
    assert keys.proves(first.password or "", first.user)
    assert len(first.admin_token) >= 32
    assert credentials_for(settings, tmp_path) == first
    assert {p.stat().st_mode & 0o077 for p in (tmp_path / "credentials").iterdir()} == {0}


def test_credentials_of_the_settings_are_taken_and_checked(tmp_path: Path) -> None:
    one, other = keys.new_key_pair(), keys.new_key_pair()
    given = Settings(public_pem=one.public_pem, secret_pem=one.secret_pem, admin_token="t")
    assert credentials_for(given, tmp_path).user == keys.one_line(one.public_pem)
    public_only = Settings(public_pem=one.public_pem, secret_pem=None, admin_token="t")
    assert credentials_for(public_only, tmp_path).password is None
    for wrong, word in (
        ({"public_pem": one.public_pem, "secret_pem": other.secret_pem}, "belongs to PUBLIC_PEM"),
        ({"public_pem": "nonsense", "secret_pem": None}, "PUBLIC_PEM is neither"),
        ({"public_pem": None, "secret_pem": one.secret_pem}, "Set both"),
    ):
        with pytest.raises(StackError, match=word):
            credentials_for(Settings(admin_token="t", **wrong), tmp_path)  # type: ignore[arg-type]


def test_a_crashed_child_is_started_again_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spec = ChildSpec("thing", (sys.executable, "-c", "import time; time.sleep(60)"), stop_limit_s=5)
    child = Child(spec, {}, tmp_path)
    child.start()
    first = child.pid
    assert first is not None
    with caplog.at_level(logging.WARNING):

        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while child.pid in (None, first) and time.monotonic() < deadline:
            child.watch()
            time.sleep(0.02)
    assert child.pid not in (None, first)
    assert "The thing ended with signal SIGKILL; starting it again in 0.5 s" in caplog.text
    child.stop()
    assert child.pid is None


def test_any_token_survives_the_file_of_the_running_stack(tmp_path: Path) -> None:
    value = """it's "quoted" \\ and $HOME # not a comment"""
    (tmp_path / "running.env").write_text(f"ADMIN_TOKEN='{_escaped(value)}'\n")
    assert dotenv_values(tmp_path / "running.env")["ADMIN_TOKEN"] == value
