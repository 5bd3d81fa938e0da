"""Questions to the data: prebuilt queries at the page and at the API, SQL in own words for analysts."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app.audit import AuditEntry
from app.config import get_settings
from app.database import get_engine, session_scope
from app.ui.db_terminal import execute_safe_query, get_prebuilt_queries
from app.warehouse.readonly import Reader
from app.warehouse.schema_browser import readable_tables
from app.warehouse.sql_history import SqlHistoryEntry
from tests.conftest import Doors
from tests.doors.people import account, token, visitor
from tests.doors.test_reports import put_plan
from tests.sql_reader import forget, reader, role
from tests.statements import answered, completed, lesson

__all__ = ["reader", "role"]

SQL = "/ui/db-terminal/sql"
PAGE = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def course(role: str, doors: Doors, drain: Callable[[], int]) -> dict[str, Any]:
    """A cohort of three: Ann completed both lessons, Ben the first, =Cy nothing."""
    cohort = put_plan(doors)
    for statement in (
        completed("ann@example.org", 1, at="2026-03-02T09:30:00Z"),
        completed("ann@example.org", 2, at="2026-03-03T09:30:00Z"),
        completed(number=1, actor={"account": {"homePage": "https://app.7taps.com", "name": "+15550100123"}}),
        answered("ann@example.org", 2),
    ):
        assert doors.put(statement, statement["id"]).status_code == 204
    drain()
    return cohort


def ask(doors: Doors, path: str, **parameters: str) -> Any:
    return doors.client.get(path, params=parameters, headers={**doors.admin, **PAGE})


def run(doors: Doors, sql: str, act: str = "run", accept: dict[str, str] = PAGE, **headers: str) -> Any:
    return doors.client.post(SQL, data={"sql": sql, "act": act}, headers={**doors.admin, **accept, **headers})


def test_without_credentials_there_is_nothing(role: str, doors: Doors) -> None:
    for method, path in (("GET", "/api/debug/query"), ("POST", "/api/debug/query"), ("GET", SQL), ("POST", SQL)):
        assert doors.client.request(method, path, headers=JSON).status_code == 401


def test_every_prebuilt_query_runs_and_says_what_it_gives(course: dict[str, Any], doors: Doors) -> None:
    lesson_id = _lesson_id()
    for query in get_prebuilt_queries():
        given = {
            one.name: {"cohort": course["id"], "lesson": lesson_id}[one.kind] for one in query.parameters if one.needed
        }
        result = execute_safe_query(query.name, given)
        assert result.columns, query.name
        page = ask(doors, f"/ui/db-terminal/queries/{query.name}", **given)
        assert page.status_code == 200, page.text
        assert query.title in page.text
        through = ask(doors, "/api/debug/query", name=query.name, **given).json()
        assert [one["name"] for one in through["columns"]] == [one.name for one in result.columns]
        assert through["rows"] == result.rows
        shared = doors.client.get(through["address"], headers={**doors.admin, **JSON}).json()
        assert shared["result"]["rows"] == result.rows


def _lesson_id() -> str:
    with session_scope() as db:
        found = db.scalar(text("SELECT id FROM lessons WHERE activity_id = :iri"), {"iri": lesson(2)["id"]})
    return str(found)


def test_what_they_say_is_so(course: dict[str, Any], doors: Doors) -> None:
    assert execute_safe_query("completion-by-cohort", {}).rows == [["Spring", 3, 2, 3, 50.0]]
    by_lesson = execute_safe_query("completion-by-lesson", {"cohort": course["id"]}).rows
    assert [row[3:] for row in by_lesson] == [[2, 2, 66.7], [1, 1, 33.3]]
    assert [row[2:] for row in execute_safe_query("drop-off", {"cohort": course["id"]}).rows] == [[2, 1], [1, 1]]
    assert [row[1] for row in execute_safe_query("never-started", {}).rows] == ["=Cy"]
    verbs = execute_safe_query("statements-by-verb-and-day", {"since": "2026-03-02", "until": "2026-03-02"})
    assert [row[:3] for row in verbs.rows if row[1] == "completed"] == [["2026-03-02", "completed", 2]]


def test_a_result_is_a_table_a_chart_and_a_file(course: dict[str, Any], doors: Doors) -> None:
    page = ask(doors, "/ui/db-terminal/queries/drop-off", cohort=course["id"])
    assert "<svg" in page.text
    assert "First steps" in page.text
    (chart,) = re.findall(r'data-chart="([^"]+)"', page.text)
    drawn = doors.client.get(chart.replace("&amp;", "&") + "&as=csv", headers=doors.admin)
    assert (drawn.status_code, drawn.text.splitlines()[1]) == (200, "1,First steps,2,1")
    file = ask(doors, "/ui/db-terminal/queries/never-started", **{"as": "csv"})
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "'=Cy" in file.text
    assert ask(doors, "/api/debug/query", name="never-started", format="csv").text == file.text
    seen = ask(doors, "/ui/db-terminal/queries/never-started").text
    assert ">Days since joined</th>" in seen
    assert re.search(r'<td class="tight">\d{4}-\d\d-\d\d \d\d:\d\d</td>', seen)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("never-started", {"cohort": "x"}, "The id of a cohort"),
        ("slow-learners", {"times": "0"}, "from 1 to 1000"),
        ("slow-learners", {"times": "nan"}, "from 1 to 1000"),
        ("slow-learners", {"times": "1e9"}, "from 1 to 1000"),
        ("duplicates", {"seconds": "1.5"}, "whole number"),
        ("duplicates", {"since": "2026-02-30"}, "A day such as"),
        ("duplicates", {"since": "today'; DROP TABLE users"}, "A day such as"),
        ("question-difficulty", {"least": "9" * 5000}, "whole number"),
        ("drop-off", {"cohort": str(uuid4()), "sql": "SELECT 1"}, "One of: cohort"),
    ],
)
def test_wrong_parameters_are_told_by_name(
    role: str, doors: Doors, name: str, given: dict[str, str], told: str
) -> None:
    page = ask(doors, f"/ui/db-terminal/queries/{name}", **given)
    assert (page.status_code, told in page.text) == (400, True)
    program = doors.client.post("/api/debug/query", json={"name": name, "parameters": given}, headers=doors.admin)
    assert program.status_code == 400
    assert told in program.json()["problems"][0]["expected"]


@pytest.mark.parametrize("name", ["SELECT 1", "pg_sleep", "", "drop-off;--", "../sql"])
def test_nothing_but_prebuilt_queries_runs_by_name(role: str, doors: Doors, name: str) -> None:
    for answer in (
        ask(doors, "/api/debug/query", name=name),
        doors.client.post("/api/debug/query", json={"name": name}, headers=doors.admin),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    extra = doors.client.post("/api/debug/query", json={"name": "drop-off", "sql": "SELECT 1"}, headers=doors.admin)
    assert extra.status_code == 400


def test_viewers_get_reports_and_neither_dead_letters_nor_sql(course: dict[str, Any], doors: Doors) -> None:
    viewer = visitor(doors.client, account("Vi", "viewer"))
    page = viewer.ask("GET", "/ui/db-terminal", headers=PAGE)
    assert "Completion by cohort" in page.text
    assert "Dead letters by reason" not in page.text
    assert SQL not in page.text
    assert viewer.ask("GET", "/api/debug/query?name=completion-by-cohort").status_code == 200
    assert viewer.ask("GET", "/api/debug/query?name=dead-letters-by-reason").status_code == 403
    assert viewer.ask("GET", "/ui/charts/prebuilt?query=dead-letters-by-reason").status_code == 404
    assert "dead-letters-by-reason" not in [one["name"] for one in viewer.ask("GET", "/api/debug/queries").json()]


def test_sql_in_own_words_is_run_remembered_and_audited(course: dict[str, Any], doors: Doors) -> None:
    sql = "SELECT name FROM users ORDER BY name -- <script>alert(1)</script> it's mine"
    page = run(doors, sql)
    assert page.status_code == 200, page.text
    assert "<script>alert" not in page.text
    assert ">Ann<" in page.text
    assert [row[0] for row in run(doors, sql, accept=JSON).json()["result"]["rows"]] == ["=Cy", "Ann", "Ben"]
    file = run(doors, "SELECT name FROM users ORDER BY name", "csv")
    assert file.text.splitlines() == ["name", "'=Cy", "Ann", "Ben"]
    wrong = run(doors, "SELECT nothing FROM users")
    assert wrong.status_code == 400
    assert "does not exist (line 1, character 8)" in wrong.text
    with session_scope() as db:
        acts = db.scalars(select(AuditEntry).where(AuditEntry.act == "sql.query").order_by(AuditEntry.id)).all()
        known = db.scalars(select(SqlHistoryEntry.outcome).order_by(SqlHistoryEntry.id)).all()
    assert acts[0].detail["begins"] == sql
    assert "Ann" not in str(acts[0].detail)
    assert acts[0].target.startswith("sql:")
    assert known == ["done", "done", "done", "query_refused"]
    again = ask(doors, SQL, format="json").json()["history"]
    assert [one["outcome"] for one in again] == list(reversed(known))


def test_opening_an_address_runs_nothing(course: dict[str, Any], doors: Doors) -> None:
    page = ask(doors, SQL, q="SELECT name FROM users")
    assert "SELECT name FROM users" in page.text
    assert ">Ann<" not in page.text
    with session_scope() as db:
        assert db.scalars(select(AuditEntry).where(AuditEntry.act == "sql.query")).all() == []


def test_history_is_bounded_and_ones_own(course: dict[str, Any], doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "sql_history_entries", 3)
    for number in range(5):
        run(doors, f"SELECT {number}")
    assert [one["query"] for one in ask(doors, SQL, format="json").json()["history"]] == [
        f"SELECT {n}" for n in (4, 3, 2)
    ]
    other = doors.client.get(SQL, headers={**token("sql:read", name="another"), **JSON}).json()
    assert other["history"] == []


def test_explain_tells_the_plan_and_runs_nothing(course: dict[str, Any], doors: Doors) -> None:
    told = run(doors, "SELECT * FROM users ORDER BY name", "explain", JSON).json()
    assert told["result"] is None
    assert told["plan"]["lines"][0].startswith("Sort")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT pg_sleep(30)", 400, "query_too_slow"),
        ("SELECT * FROM accounts", 400, "query_refused"),
        ("DELETE FROM users", 400, "query_refused"),
        ("SELECT 1; SELECT 2", 400, "query_refused"),
        ("SELECT 1/0", 400, "query_refused"),
        ("x" * 20_001, 400, "query_refused"),
        ("", 400, "query_refused"),
    ],
)
def test_what_is_refused_comes_with_advice(role: str, doors: Doors, sql: str, status: int, code: str) -> None:
    told = run(doors, sql, accept=JSON)
    assert (told.status_code, told.json()["code"]) == (status, code)
    page = run(doors, sql)
    assert page.status_code == status
    assert 'role="alert"' in page.text
    assert "<textarea" in page.text


def test_more_rows_are_told(role: str, doors: Doors) -> None:
    told = run(doors, "SELECT generate_series(1, 1001)", accept=JSON).json()["result"]
    assert (len(told["rows"]), told["more"]) == (1000, True)
    assert "More rows exist" in run(doors, "SELECT generate_series(1, 1001)").text
    assert len(run(doors, "SELECT generate_series(1, 1001)", "csv").text.splitlines()) == 1002


def test_under_pseudonyms_sql_is_for_admins_and_prebuilt_queries_name_nobody(
    course: dict[str, Any], doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNER_DISPLAY", "pseudonyms")
    forget()
    assert run(doors, "SELECT name FROM users", accept=JSON).status_code == 200
    program = token("sql:read", name="a notebook")
    page = doors.client.get(SQL, headers={**program, **PAGE})
    assert "only admins write SQL" in page.text
    refused = doors.client.post(SQL, data={"sql": "SELECT name FROM users"}, headers={**program, **JSON})
    assert refused.status_code == 403
    named = ask(doors, "/ui/db-terminal/queries/never-started").text
    assert "=Cy" not in named
    assert re.search(r"Learner \w{4}-\w{4}", named)
    monkeypatch.delenv("LEARNER_DISPLAY")
    forget()


def test_without_a_locked_role_own_words_are_off_and_say_what_to_do(
    role: str, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    with get_engine().begin() as db:
        db.execute(text(f'GRANT SELECT ON accounts TO "{role}"'))
    forget()
    assert "may read accounts" in ask(doors, SQL).text
    assert run(doors, "SELECT 1", accept=JSON).json()["code"] == "not_allowed"
    monkeypatch.delenv("READER_PASSWORD")
    forget()
    assert "Set READER_PASSWORD" in ask(doors, SQL).text
    assert ask(doors, "/api/debug/query", name="completion-by-cohort").json()["code"] == "no_sql_role"
    assert ask(doors, "/ui/db-terminal").status_code == 200


def test_every_table_and_column_that_analysts_see_is_described(reader: Reader) -> None:
    tables = readable_tables()
    assert {"statements_flat", "lesson_progress", "users", "dead_letters"} <= {one.name for one in tables}
    assert [f"{one.schema}.{one.name}" for one in tables if not one.meaning] == []
    unknown = [f"{one.name}.{column.name}" for one in tables for column in one.columns if not column.meaning]
    assert unknown == []
    assert "body" not in {column.name for one in tables if one.name == "dead_letters" for column in one.columns}
