"""Reports at the door: as JSON, CSV and XLSX the same, and refusals that name the parameter."""

import csv
import io
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from app.analytics import tables
from tests.conftest import Doors
from tests.doors.report_files import (  # noqa: F401
    LISTS,
    NAMES,
    SOMEBODY,
    XLSX,
    as_csv,
    course,
    csv_rows,
    get,
    paths,
    sheet_rows,
)
from tests.rooms.analytics.course import Course


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/api/reports/cohorts/{SOMEBODY}/{x}"
            for x in ("completions", "overview", "at-risk", "drop-off", "answers")
        ),
        *(f"/api/reports/lessons/{SOMEBODY}/{x}" for x in ("incomplete", "answers", f"answers/{SOMEBODY}/texts")),
        f"/api/reports/learners/{SOMEBODY}/timeline",
    ],
)
def test_strangers_see_nothing_and_what_is_not_there_is_a_404(doors: Doors, path: str) -> None:
    assert doors.client.get(path).status_code == 401
    assert doors.client.get(path, auth=doors.sender).status_code == 401
    for format in ("json", "csv", "xlsx"):
        answer = get(doors, path, format=format)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", NAMES)
def test_csv_and_xlsx_say_the_same(doors: Doors, course: Course, name: str) -> None:
    path = paths(course)[name]
    plain = csv_rows(doors, path)
    sheet, typed = sheet_rows(doors, path)
    assert plain
    assert sheet.freeze_panes == "A2"
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    days = {"due_on"}
    for row, cells in zip(plain, typed, strict=True):
        for column, cell in cells.items():
            value = cell.date() if column in days and isinstance(cell, datetime) else cell
            shown = row[column].removeprefix("'") if isinstance(value, str) else row[column]
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(shown) == value, column
            else:
                assert shown == as_csv(value), column
            if column.endswith("_at") and value is not None:
                assert isinstance(value, datetime), column
            if column in days and value is not None:
                assert isinstance(value, date), column
        assert not [cell for cell in row.values() if cell.startswith(("=", "@")) or cell[:2] in ("+c", "-c")]


def test_the_files_hold_what_the_json_says(doors: Doors, course: Course) -> None:
    body = get(doors, paths(course)["completions"]).json()
    done = {(x["name"], y["lesson_id"]): y["completed_at"] for x in body["learners"] for y in x["lessons"]}
    titles = {x["id"]: x["title"] for x in body["lessons"]}
    _, rows = sheet_rows(doors, paths(course)["completions"])
    assert len(rows) == 5 * 4
    told = {(row["learner"], row["lesson"]): row["completed_at"] for row in rows}
    assert {key: value and value.isoformat() + "Z" for key, value in told.items() if value} == {
        (name, titles[lesson]): at for (name, lesson), at in done.items() if at
    }
    body = get(doors, paths(course)["incomplete"]).json()
    assert [(x["name"], x["overdue_days"]) for x in body["learners"]] == [
        (row["learner"], row["overdue_days"]) for row in sheet_rows(doors, paths(course)["incomplete"])[1]
    ]
    body = get(doors, paths(course)["overview"]).json()
    _, rows = sheet_rows(doors, paths(course)["overview"])
    assert [(row["lesson"], row["rate"], row["median_seconds_since_due"]) for row in rows] == [
        (x["title"], x["rate"], x["median_seconds_since_due"]) for x in body["lessons"]
    ]


def test_files_hold_every_page(doors: Doors, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: csv_rows(doors, path) for name, path in paths(course).items()}
    from app.api import reporting

    kinds = {name: one for name, one in vars(reporting).items() if isinstance(one, reporting.Kind)}
    assert len(kinds) == 8
    for name, kind in kinds.items():
        monkeypatch.setattr(reporting, name, replace(kind, page_max_rows=1))
    assert {name: csv_rows(doors, path) for name, path in paths(course).items()} == whole


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        (XLSX, XLSX),
        (f"text/csv;q=0.5, {XLSX}", XLSX),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("text/csv;q=nonsense", "application/json"),
    ],
)
def test_accept_chooses_the_format(doors: Doors, course: Course, accept: str, media_type: str) -> None:
    answer = doors.client.get(paths(course)["drop-off"], headers={**doors.admin, "Accept": accept})
    assert answer.headers["Content-Type"] == media_type
    assert ("attachment" in answer.headers.get("Content-Disposition", "")) == (media_type != "application/json")


@pytest.mark.parametrize(
    ("name", "query", "path"),
    [
        ("completions", {"time_zone": "Mars/Olympus"}, "?time_zone"),
        ("completions", {"time_zone": "../../etc/passwd"}, "?time_zone"),
        ("drop-off", {"from": "2026-02-30"}, "?from"),
        ("drop-off", {"from": "0001-01-01"}, "?from"),
        ("drop-off", {"to": "9999-12-31"}, "?to"),
        ("answers", {"from": "2026-03-02", "to": "2026-03-01"}, "?to"),
        ("incomplete", {"from": "2026-03-02", "to": "2026-03-01"}, "?to"),
        ("incomplete", {"cohort": str(SOMEBODY)}, "?cohort"),
        ("completions", {"lesson": str(SOMEBODY)}, "?lesson"),
        ("completions", {"lesson": "first"}, "?lesson"),
        ("completions", {"limit": "0"}, "?limit"),
        ("completions", {"limit": "501"}, "?limit"),
        ("lesson answers", {"limit": "51"}, "?limit"),
        ("completions", {"colour": "red"}, "?colour"),
        ("timeline", {"attr.Team": "Blue"}, "?attr.Team"),
        ("completions", {"attr.": "Blue"}, "?attr."),
        ("completions", {"attr.Team": "x" * 201}, "?attr.Team"),
        ("completions", {"attr.Team": "\x00"}, "?attr.Team"),
        ("completions", {f"attr.{n}": "x" for n in range(11)}, "?attr.9"),
        ("overview", {"behind_lessons": "0"}, "?behind_lessons"),
        ("at-risk", {"silent_days": "never"}, "?silent_days"),
        ("texts", {"search": "\x00"}, "?search"),
        ("timeline", {"format": "pdf"}, "?format"),
        ("timeline", {"format": "csv", "limit": "5"}, "?limit"),
        ("timeline", {"format": "xlsx", "cursor": "abc"}, "?cursor"),
        *((name, {"cursor": cursor}, "?cursor") for name in LISTS for cursor in ("abc", "W10", "WzEsMiwzXQ", "é")),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    doors: Doors, course: Course, name: str, query: dict[str, str], path: str
) -> None:
    answer = get(doors, paths(course)[name], **query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"][0]["path"] == path
    assert path in answer.json()["detail"]


def test_more_rows_than_a_sheet_holds_are_refused_and_csv_has_them(
    doors: Doors, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SHEET_MAX_ROWS", 20)
    answer = get(doors, paths(course)["completions"], format="xlsx")
    assert (answer.status_code, "CSV" in answer.json()["detail"]) == (400, True)
    assert len(csv_rows(doors, paths(course)["completions"])) == 20


def test_a_cell_keeps_what_can_be_kept(tmp_path: Any) -> None:
    """Control characters, very long text, and text that looks like a link, a number or a formula."""
    odd = ["=1+1", "+15550100123", "-5", "\x07bell", "http://x.example/" + "y" * 3_000, "z" * 40_000, "tab\tand\nline"]
    table = tables.Table("odd", ("text", "number"), [(text, 1.5) for text in odd])
    with tables.xlsx_file(table) as file:
        sheet = openpyxl.load_workbook(io.BytesIO(file.read())).active
    assert [unescape(cell.value) for cell in sheet["A"][1:]] == [text[:32_767] for text in odd]
    assert {cell.data_type for cell in sheet["A"][1:]} <= {"s", "inlineStr"}
    assert {cell.data_type for cell in sheet["B"][1:]} == {"n"}
    kept = [row[0] for row in csv.reader(io.StringIO("".join(tables.csv_chunks(table))))][1:]
    assert kept == ["'=1+1", *odd[1:]]


def test_attributes_are_described_and_the_example_works(doors: Doors, course: Course) -> None:
    """As the description says them: an object whose properties are parameters of their own."""
    told = doors.client.get("/openapi.json").json()["paths"]
    described = {
        path: parameter
        for path, methods in told.items()
        if path.startswith("/api/reports/")
        for parameter in methods["get"]["parameters"]
        if parameter["name"] == "attributes"
    }
    assert {path.rsplit("/", 1)[1] for path in described} == {*NAMES, "texts"} - {"lesson answers", "timeline"}
    for one in described.values():
        assert (one["in"], one["style"], one["explode"], one["schema"]["type"]) == ("query", "form", True, "object")
    example = described["/api/reports/cohorts/{cohort_id}/completions"]["examples"]["one team at one site"]["value"]
    body = get(doors, paths(course)["completions"], **example).json()
    assert [learner["name"] for learner in body["learners"]] == ["=cmd|Ann"]


def test_the_example_of_the_document_works(doors: Doors, course: Course) -> None:
    document = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    query = re.search(r"`GET /api/reports/cohorts/\{id\}/completions\?(attr[^`]+)`", document)
    assert query is not None
    body = get(doors, f"{paths(course)['completions']}?{query[1]}").json()
    assert [learner["name"] for learner in body["learners"]] == ["=cmd|Ann", "=cmd|Ben"]
    blank = get(doors, f"{paths(course)['completions']}?attr.Cost+centre=17")
    assert (blank.status_code, blank.json()["learner_count"]) == (200, 0)
