"""Lists of operators as CSV: all rows of the filters, whatever the page shows, and nothing that a spreadsheet runs."""

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest

from app.platform import clock
from app.ui import list_files
from tests.conftest import Doors
from tests.doors.test_pages_overview import page, send
from tests.doors.test_pages_reminders import outbox as outbox  # noqa: PLC0414  (the mails go to a folder of the test)
from tests.doors.test_reminder_doors import NOON
from tests.flow.test_reminders import course
from tests.flow.test_reminders import send as remind
from tests.rooms.ingest.quarantine import put_away
from tests.statements import ANSWERED, answered, completed

LETTERS, STATEMENTS, REMINDERS = "/ui/dead-letters", "/ui/statements", "/ui/test-reminders"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file takes several pages."""
    monkeypatch.setattr(list_files, "ROWS_AT_ONCE", 2)


def lines(doors: Doors, path: str, **params: Any) -> list[dict[str, str]]:
    answer = doors.client.get(f"{path}/file", params=params, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.DictReader(StringIO(answer.text)))


def test_statements_with_the_filters_of_the_page(doors: Doors, drain: Callable[[], int]) -> None:
    assert lines(doors, STATEMENTS) == []
    formula = completed() | {"actor": {"name": '=HYPERLINK("http://x")', "mbox": "mailto:ann@example.org"}}
    many = [completed(f"ann{number}@example.org") for number in range(4)]
    send(doors, drain, *many, formula, answered("ann@example.org"))
    told = lines(doors, STATEMENTS)
    assert {one["id"] for one in told} >= {one["id"] for one in many}
    assert len(told) == 6
    assert [one["stored_at"] for one in told] == sorted((one["stored_at"] for one in told), reverse=True)
    assert lines(doors, STATEMENTS, ascending="true") == told[::-1]
    own = lines(doors, STATEMENTS, agent="ann@example.org")
    assert [one["verb"] for one in own] == [ANSWERED.rsplit("/", 1)[-1], "completed"]
    assert own[1]["who"] == '\'=HYPERLINK("http://x")'
    assert lines(doors, STATEMENTS, agent="ann@example.org", verb=ANSWERED, limit="25", after="") == own[:1]


def test_dead_letters_with_the_filters_of_the_page(doors: Doors) -> None:
    assert lines(doors, LETTERS) == []
    ids = [str(put_away(number, reason="-1 is no number.")) for number in range(3)]
    other = str(put_away(9, code="conflict", source="loader", reason="Another one is stored."))
    assert [one["id"] for one in lines(doors, LETTERS)] == [other, *ids[::-1]]
    assert [one["id"] for one in lines(doors, LETTERS, sort="oldest", reason="invalid_statement")] == ids
    assert {one["reason"] for one in lines(doors, LETTERS, reason="invalid_statement")} == {"'-1 is no number."}
    assert lines(doors, LETTERS, state="discarded") == []
    (only,) = lines(doors, LETTERS, source="loader")
    assert (only["status"], only["code"], only["seen_count"]) == ("open", "conflict", "1")
    assert "body" not in only


def test_reminders_that_are_due_and_that_were_sent(doors: Doors) -> None:
    spring = course("ann@example.org", "ben@example.org", None, name="@SUM(1)")
    late = course("may@example.org", slug="late", hour=18)
    with clock.set_now(NOON):
        told = lines(doors, REMINDERS)
        assert {one["email"]: one["reason"] for one in told} == {
            "ann@example.org": "due",
            "ben@example.org": "due",
            "": "no_email",
            "may@example.org": "later",
        }
        assert "'@SUM(1)" in {one["name"] for one in told}
        assert {one["email"] for one in lines(doors, REMINDERS, reason="due")} == {"ann@example.org", "ben@example.org"}
        assert [one["email"] for one in lines(doors, REMINDERS, cohort=str(late))] == ["may@example.org"]
        assert [one["email"] for one in lines(doors, REMINDERS, search="ben@")] == ["ben@example.org"]
        remind()
        sent = lines(doors, f"{REMINDERS}/history")
    assert {one["email"] for one in sent} == {"ann@example.org", "ben@example.org"}
    assert {one["status"] for one in sent} == {"sent"}
    assert len(lines(doors, f"{REMINDERS}/history", cohort=str(spring), status="sent")) == 2
    assert lines(doors, f"{REMINDERS}/history", status="bounced") == []


def test_a_file_that_is_too_long_says_so(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        put_away(number)
    monkeypatch.setattr(list_files, "FILE_MAX_ROWS", 3)
    told = lines(doors, LETTERS)
    assert len(told) == 4
    assert told[3]["id"] == "Cut after 3 rows: narrow the list, such as by days."


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (STATEMENTS, "agent=nobody"),
        (STATEMENTS, "odd=1"),
        (LETTERS, "state=odd"),
        (LETTERS, "day_to=9999-12-31"),
        (REMINDERS, "reason=odd"),
        (f"{REMINDERS}/history", "status=odd"),
    ],
)
def test_a_wrong_filter_is_an_error_and_no_file(doors: Doors, path: str, query: str) -> None:
    answer = doors.client.get(f"{path}/file?{query}", headers=doors.admin)
    assert answer.status_code == 400
    assert answer.json()["problems"]


@pytest.mark.parametrize("path", [STATEMENTS, LETTERS, REMINDERS, f"{REMINDERS}/history"])
def test_the_files_are_described_and_offered(doors: Doors, path: str) -> None:
    described = doors.client.get("/openapi.json").json()["paths"][f"{path}/file"]["get"]
    assert set(described["responses"]["200"]["content"]) == {"text/csv"}
    assert described["parameters"]


def test_the_pages_lead_to_the_file_of_what_they_show(doors: Doors, drain: Callable[[], int]) -> None:
    empty = [page(doors, path).text for path in (STATEMENTS, LETTERS, REMINDERS, f"{REMINDERS}/history")]
    assert not any("/file" in one for one in empty)
    send(doors, drain, completed("ann@example.org"))
    put_away()
    course("ann@example.org", "ben@example.org")
    with clock.set_now(NOON):
        remind()
        for path, asked in (
            (STATEMENTS, {"agent": "ann@example.org"}),
            (LETTERS, {"sort": "oldest"}),
            (REMINDERS, {"search": "ann"}),
            (f"{REMINDERS}/history", {"status": "sent"}),
        ):
            (name, value), *_ = asked.items()
            address = f"{path}/file?{urlencode({name: value})}"
            assert f'href="{address}"' in page(doors, path, **asked).text
            assert doors.client.get(address, headers=doors.admin).text.count("\n") > 1
