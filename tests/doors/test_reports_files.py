"""Reports at the door: as JSON, CSV and XLSX the same, page by page the same, and refusals that name the parameter."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from openpyxl.utils.escape import unescape
from sqlalchemy import text

from app.analytics import tables
from app.analytics.answers import SORTED_QUESTIONS
from app.database import session_scope
from app.platform import clock
from tests.conftest import Doors
from tests.rooms.analytics.course import NOW, Course, answer, at, lesson_id
from tests.statements import lesson
from tests.warehouse.record import load

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


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_cover_everything_once(doors: Doors, course: Course, name: str, limit: int) -> None:
    path, key = paths(course)[name], LISTS[name]
    whole = get(doors, path, limit=50).json()
    assert whole["next"] is None
    assert len(whole[key]) > 2
    found: list[Any] = []
    more: str | None = f"{path}?limit={limit}"
    while more:
        assert more.startswith("/api/reports/")
        page = get(doors, more).json()
        assert 1 <= len(page[key]) <= limit
        found += page[key]
        assert len(found) <= len(whole[key]), "a page came again"
        more = page["next"]
        assert {k: v for k, v in page.items() if k.endswith("_count")} == {
            k: v for k, v in whole.items() if k.endswith("_count")
        }
    if name.endswith("answers"):
        for one in (*found, *whole[key]):
            one["texts"] = one["texts"] and one["texts"].split("?")[0]
    assert found == whole[key]


def test_the_overview_goes_on_at_the_report_of_those_at_risk(doors: Doors, course: Course) -> None:
    page = get(doors, paths(course)["overview"], **{"limit": 1, "silent_days": 6, "from": "2026-03-01"}).json()
    names = [one["name"] for one in page["at_risk"]]
    while page["next"]:
        assert "/at-risk?" in page["next"]
        page = get(doors, page["next"]).json()
        names += [one["name"] for one in page["at_risk"]]
    assert names == ["=cmd|Dee", "=cmd|Gus", "=cmd|Cyd", "=cmd|Ben"]


def test_the_link_to_answers_in_words_keeps_the_filters(doors: Doors, course: Course) -> None:
    query = {"attr.Team": "Red", "limit": 50, "time_zone": "Asia/Tokyo"}
    form = get(doors, paths(course)["answers"], **query).json()["questions"][3]
    found = get(doors, form["texts"]).json()
    assert (found["time_zone"], [one["response"][:8] for one in found["answers"]]) == (
        "Asia/Tokyo",
        ["Nothing ", "=HYPERLI"],
    )


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


def test_one_reports_cursor_is_not_anothers(doors: Doors, course: Course) -> None:
    more = get(doors, paths(course)["at-risk"], limit=1).json()["next"].partition("cursor=")[2]
    assert get(doors, paths(course)["completions"], cursor=more).status_code == 400


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


@pytest.mark.parametrize("name", ["answers", "lesson answers"])
def test_more_questions_than_can_be_sorted_are_all_there_once(doors: Doors, course: Course, name: str) -> None:
    """Of a sender that makes up a question for each answer; the other lessons keep their order."""
    with session_scope() as db:
        for number in (1, 3):
            load(db, answered_within(number, "the only one", 9))
        load(db, *(answered_within(2, f"made-up-{n}", n % 9 + 1) for n in range(SORTED_QUESTIONS + 7)))
    path, found = paths(course)[name], []
    more: str | None = f"{path}?limit=50"
    while more:
        page = get(doors, more).json()
        found += [(one["lesson"]["title"], one["object_id"], one["answer_count"]) for one in page["questions"]]
        assert len(set(found)) == len(found), "a page came again"
        more = page["next"]
    assert len([one for one in found if "made-up" in one[1]]) == SORTED_QUESTIONS + 7
    assert len([one for one in found if one[0] == "Lesson 2"]) == SORTED_QUESTIONS + 7 + 4
    titles = [title for title, _, _ in found]
    assert titles == sorted(titles)
    assert set(titles) == ({"Lesson 1", "Lesson 2", "Lesson 3"} if name == "answers" else {"Lesson 2"})
    assert {row["object_id"] for row in csv_rows(doors, path)} == {one[1] for one in found}


def answered_within(number: int, card: str, day: int) -> Any:
    made = answer("Ann", card, "poll", "a", at(day))
    made["object"]["id"] = f"{lesson(number)['id']}#{card}"
    made["context"]["contextActivities"]["parent"] = [lesson(number)]
    return made


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
