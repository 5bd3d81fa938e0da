"""The pages of reminders as a person and a program ask for them, with an outbox of the test's own."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.config import get_settings
from app.database import session_scope
from app.models import Notification
from tests.conftest import Doors

PATH = "/ui/test-reminders"
HOSTILE = "<script>alert(1)</script>\u202e\"'"


@pytest.fixture(autouse=True)
def outbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path / "outbox"
    monkeypatch.undo()
    get_settings.cache_clear()


def page(doors: Doors, path: str = PATH, **params: Any) -> str:
    answer = doors.client.get(path, params=params, headers={**doors.admin, "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def twin(doors: Doors, path: str = PATH, **params: Any) -> Any:
    answer = doors.client.get(path, params={**params, "format": "json"}, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(doors: Doors, path: str, **fields: Any) -> Any:
    return doors.client.post(path, data=fields or {"x": ""}, headers=doors.admin, follow_redirects=False)


def files(outbox: Path) -> list[Path]:
    return sorted(outbox.glob("*.eml")) if outbox.exists() else []


def reminders() -> list[Notification]:
    with session_scope() as db:
        return list(db.scalars(select(Notification)))
