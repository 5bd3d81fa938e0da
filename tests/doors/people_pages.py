"""The small course on its Tuesday, and how the pages of its learners are read and pressed."""

import html
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.database import session_scope
from app.models import User
from app.platform import clock
from tests.conftest import Doors
from tests.rooms.analytics.course import NOW, Course

HOSTILE = "<script>alert('x')</script>\u202egro.elpmaxe"
NOBODY = "7d0b5a52-7c4e-4f0e-9a53-1f0d1f6c2b11"


@pytest.fixture
def course(doors: Doors) -> Iterator[Course]:
    """The small course, on its Tuesday."""
    with clock.set_now(NOW), session_scope() as db:
        made = Course(db)
        # Whoever took a statement back is nobody of the course.
        db.execute(text("DELETE FROM users WHERE name IS NULL"))
    with clock.set_now(NOW):
        yield made


def page(doors: Doors, path: str, status: int = 200, **query: Any) -> str:
    """The page as a person reads it: entities undone, spaces joined."""
    headers = {**doors.admin, "Accept": "text/html"}
    got = doors.client.get(path, params=query, headers=headers)
    assert got.status_code == status, got.text[:2_000]
    assert got.headers["content-type"].startswith("text/html")
    return re.sub(r"\s+", " ", html.unescape(got.text))


def twin(doors: Doors, path: str, **query: Any) -> Any:
    got = doors.client.get(path, params={**query, "format": "json"}, headers=doors.admin)
    assert got.status_code == 200, got.text
    return got.json()


def names(doors: Doors, **query: Any) -> list[str | None]:
    return [one["name"] for one in twin(doors, "/ui/learners", **query)["list"]["learners"]]


def press(doors: Doors, path: str, **fields: Any) -> Any:
    """Send a form, and stay where it leads."""
    return doors.client.post(path, data=fields, headers=doors.admin, follow_redirects=False)


def course_id(name: str) -> UUID:
    with session_scope() as db:
        return db.execute(select(User.id).where(User.name == name)).scalar_one()


def refused(doors: Doors, path: str, **fields: Any) -> str:
    got = doors.client.post(path, data=fields, headers={**doors.admin, "Accept": "text/html"})
    assert got.status_code == 400
    return re.sub(r"\s+", " ", html.unescape(got.text))
