"""Every report of a small course by name, and how it is asked for as JSON, CSV and XLSX."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from sqlalchemy import text

from app.database import session_scope
from app.platform import clock
from tests.conftest import Doors
from tests.rooms.analytics.course import NOW, Course, lesson_id
from tests.statements import lesson

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SOMEBODY = uuid4()
LISTS = {
    "completions": "learners",
    "at-risk": "at_risk",
    "answers": "questions",
    "lesson answers": "questions",
    "texts": "answers",
    "incomplete": "learners",
    "timeline": "entries",
}
"""Which list of a report comes in pages."""


@pytest.fixture
def course(doors: Doors) -> Iterator[Course]:
    """The small course; the clock stands. Everybody's names are dangerous to a spreadsheet."""
    with clock.set_now(NOW), session_scope() as db:
        made = Course(db)
        db.execute(text("UPDATE users SET name = '=cmd|' || name WHERE name IS NOT NULL"))
        db.commit()
        yield made


def paths(course: Course) -> dict[str, str]:
    """Every report by name."""
    from app.platform.ids import stable_id

    cohort, two = f"/api/reports/cohorts/{course.spring}", f"/api/reports/lessons/{lesson_id(2)}"
    form = stable_id("activity", f"{lesson(2)['id']}#card-10")
    return {
        **{name: f"{cohort}/{name}" for name in ("completions", "overview", "at-risk", "drop-off", "answers")},
        "lesson answers": f"{two}/answers",
        "texts": f"{two}/answers/{form}/texts",
        "incomplete": f"{two}/incomplete",
        "timeline": f"/api/reports/learners/{course.people['Ben']}/timeline",
    }


NAMES = [*LISTS, "overview", "drop-off"]


def get(doors: Doors, path: str, **query: Any) -> Any:
    return doors.client.get(path, params=query or None, headers=doors.admin)


def csv_rows(doors: Doors, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(get(doors, path, format="csv").text)))


def sheet_rows(doors: Doors, path: str) -> tuple[Any, list[dict[str, Any]]]:
    sheet = openpyxl.load_workbook(io.BytesIO(get(doors, path, format="xlsx").content)).active
    heading, *rows = sheet.iter_rows(values_only=True)
    return sheet, [dict(zip(heading, row, strict=True)) for row in rows]


def as_csv(value: object) -> str:
    """A cell of a sheet as it stands in the CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return clock.iso(value.replace(tzinfo=UTC))
    return str(value)
