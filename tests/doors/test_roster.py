"""Roster import through the door: a verdict for each row, then the same applied, once or many times."""

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts import imports
from app.accounts.models import Cohort, CohortMember, UserIdentifier
from app.database import session_scope
from app.models import User
from app.platform import clock
from tests.conftest import Doors
from tests.statements import completed
from tests.warehouse.record import load, meet

ROSTER = """First Name;Last Name;Email;Phone;ID;Group;Team;Store
Ann;Lee;Ann@Example.org;;17;North;Blue;Oslo
Ben;Ray;;+1 555 010 0123;18;North;Red;Bergen
Ann;Lee;ann@example.org;;;North;Green;
;;not-an-address;;;North;;
;;;;;North;;
Cy;Ode;cy@example.org;123;;;;
"""


def send(doors: Doors, content: bytes | str, **query: Any) -> Any:
    body = content.encode() if isinstance(content, str) else content
    return doors.client.post("/api/roster", params=query, content=body, headers=doors.admin)


def enter(doors: Doors, content: bytes | str, **query: Any) -> dict[str, Any]:
    answer = send(doors, content, dry_run="false", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def verdicts(answer: dict[str, Any]) -> list[str]:
    return [one["verdict"] for one in answer["verdicts"]]


def people() -> dict[str | None, User]:
    with session_scope() as db:
        return {user.name: user for user in db.scalars(select(User))}


def count(table: Any) -> int:
    with session_scope() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/roster"), ("GET", "/api/imports"), ("GET", "/api/imports/00000000-0000-0000-0000-000000000000")],
)
def test_anonymous_is_refused(doors: Doors, method: str, path: str) -> None:
    assert doors.client.request(method, path).status_code == 401
    assert doors.client.request(method, path, auth=doors.sender).status_code == 401


def test_a_dry_run_says_what_would_be_and_writes_nothing(doors: Doors) -> None:
    answer = send(doors, ROSTER).json()
    assert verdicts(answer) == ["new", "new", "duplicate", "invalid", "invalid", "invalid"]
    assert [one["row"] for one in answer["verdicts"]] == [2, 3, 4, 5, 6, 7]
    assert answer["verdicts"][2]["duplicate_of"] == 2
    assert [one["problems"][0]["path"] for one in answer["verdicts"][3:]] == ["email", "$", "phone"]
    assert answer["counts"] == {"new": 2, "duplicate": 1, "invalid": 3}
    assert answer["columns"]["Store"] == "Store"
    assert (answer["applied"], answer["import_id"]) == (False, None)
    assert [count(table) for table in (User, UserIdentifier, Cohort)] == [0, 0, 0]


def test_entered_twice_is_entered_once(doors: Doors, drain: Callable[[], int]) -> None:
    first = enter(doors, ROSTER, time_zone="Europe/Oslo")
    assert verdicts(first)[:3] == ["new", "new", "duplicate"]
    with session_scope() as db:
        members = db.execute(
            select(Cohort.slug, Cohort.name, Cohort.time_zone, User.name.label("who"))
            .join(CohortMember, CohortMember.cohort_id == Cohort.id)
            .join(User, User.id == CohortMember.user_id)
            .order_by(Cohort.slug)
        ).all()
    assert [tuple(row) for row in members] == [
        ("north--blue", "North · Blue", "Europe/Oslo", "Ann Lee"),
        ("north--green", "North · Green", "Europe/Oslo", "Ann Lee"),
        ("north--red", "North · Red", "Europe/Oslo", "Ben Ray"),
    ]
    ann = people()["Ann Lee"]
    assert (ann.email, ann.source, ann.attributes) == ("ann@example.org", "roster", {"Store": "Oslo"})
    before = [count(table) for table in (User, UserIdentifier, Cohort, CohortMember)]
    again = enter(doors, ROSTER)
    assert verdicts(again) == ["known", "known", "duplicate", "invalid", "invalid", "invalid"]
    assert [count(table) for table in (User, UserIdentifier, Cohort, CohortMember)] == before
    doors.post(
        [completed("ANN@example.org"), completed(actor={"account": {"homePage": "x:y", "name": "+15550100123"}})]
    )
    drain()
    assert count(User) == 2


def test_what_changed_is_named_and_replaced_and_an_empty_cell_changes_nothing(doors: Doors) -> None:
    enter(doors, ROSTER)
    changed = "id,name,email,phone,store,size\n17,Ann Lee-Ray,,+15550100777,Oslo,42\n18,,,,,\n"
    answer = send(doors, changed).json()
    assert verdicts(answer) == ["changed", "known"]
    assert answer["verdicts"][0]["changes"] == ["name", "phone", "store", "size"]
    enter(doors, changed)
    ann = people()["Ann Lee-Ray"]
    assert (ann.email, ann.phone) == ("ann@example.org", "+15550100777")
    assert ann.attributes == {"Store": "Oslo", "store": "Oslo", "size": "42"}
    assert verdicts(send(doors, changed).json()) == ["known", "known"]


def test_a_row_that_is_two_learners_is_not_guessed(doors: Doors) -> None:
    enter(doors, ROSTER)
    answer = enter(doors, "Email,Phone\nann@example.org,+15550100123\n")
    assert verdicts(answer) == ["invalid"]
    assert "merge" in answer["verdicts"][0]["problems"][0]["expected"]
    inside = send(doors, "Email,Phone\nx@example.org,\n,+15550100999\nx@example.org,+15550100999\n").json()
    assert verdicts(inside) == ["new", "new", "invalid"]
    assert "rows 2, 3" in inside["verdicts"][2]["problems"][0]["message"]


def test_an_id_belongs_to_the_system_that_gave_it(doors: Doors, drain: Callable[[], int]) -> None:
    enter(doors, "ID,Name\n17,Ann\n", id_home_page="https://app.7taps.com")
    enter(doors, "ID,Name\n17,Other\n", id_home_page="https://school.example")
    doors.post(completed(actor={"account": {"homePage": "https://app.7taps.com", "name": "17"}}))
    drain()
    assert set(people()) == {"Ann", "Other"}


def test_ten_thousand_rows_are_entered_in_steps_that_can_be_watched(doors: Doors) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(
        ["First Name", "Last Name", "Email", "Phone", "ID", "Group", "Team", *(f"Extra {n}" for n in range(13))]
    )
    for n in range(10_000):
        phone = 15_550_000_000 + n
        sheet.append(["P", n, f"p{n}@example.org", phone, n, f"Group {n % 7}", f"Team {n % 11}", *["x"] * 13])
    held = io.BytesIO()
    book.save(held)
    answer = enter(doors, held.getvalue())
    assert answer["counts"] == {"new": 10_000}
    assert (count(User), count(UserIdentifier), count(Cohort)) == (10_000, 40_000, 77)
    told = doors.client.get(f"/api/imports/{answer['import_id']}", headers=doors.admin).json()
    assert (told["rows_total"], told["rows_done"], told["outcome"]) == (10_000, 10_000, "done")
    assert enter(doors, held.getvalue())["counts"] == {"known": 10_000}
    assert len(doors.client.get("/api/imports", headers=doors.admin).json()) == 2


def test_an_import_that_breaks_says_how_far_it_came_and_goes_on_when_repeated(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.accounts import roster_import

    rows = "Email\n" + "".join(f"p{n}@example.org\n" for n in range(25))
    monkeypatch.setattr(roster_import, "ROWS_PER_STEP", 10)
    told: list[int] = []

    def stop(done: int) -> None:
        told.append(done)
        if done == 20:
            raise KeyboardInterrupt

    from app.accounts.roster import read_roster
    from app.accounts.roster_files import read_table

    with pytest.raises(KeyboardInterrupt):
        roster_import.apply(
            session_scope, read_roster(read_table(rows.encode())), time_zone="UTC", actor="command line", tell=stop
        )
    (one,) = doors.client.get("/api/imports", headers=doors.admin).json()
    assert (one["rows_done"], one["outcome"], one["counts"], told) == (20, "failed", {"new": 20}, [10, 20])
    assert enter(doors, rows)["counts"] == {"known": 20, "new": 5}


KILLED = """
import sys
from app.accounts import roster_import
from app.accounts.roster import read_roster
from app.accounts.roster_files import read_table
from app.database import session_scope

roster_import.ROWS_PER_STEP = 10

def wait(done):
    print(done, flush=True)
    if done == 20:
        sys.stdin.read()

roster = read_roster(read_table(sys.argv[1].encode()))
roster_import.apply(session_scope, roster, time_zone="UTC", actor="command line", tell=wait)
"""


def test_an_import_whose_process_was_killed_is_closed_with_words_and_can_be_run_again(doors: Doors) -> None:
    rows = "Email\n" + "".join(f"p{n}@example.org\n" for n in range(25))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, rows], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        steps = [process.stdout.readline() for _ in range(2)]
        process.kill()
    assert steps == ["10\n", "20\n"]

    def told(minutes: int) -> dict[str, Any]:
        with clock.set_now(datetime.fromisoformat(begun["updated_at"]) + timedelta(minutes=minutes)):
            (one,) = doors.client.get("/api/imports", headers=doors.admin).json()
            assert doors.client.get(f"/api/imports/{one['id']}", headers=doors.admin).json() == one
            return one

    (begun,) = doors.client.get("/api/imports", headers=doors.admin).json()
    assert (begun["outcome"], begun["rows_done"]) == (None, 20)
    assert told(imports.STALE_MINUTES - 1)["outcome"] is None
    closed = told(imports.STALE_MINUTES + 1)
    assert (closed["outcome"], closed["rows_done"], closed["counts"]) == ("failed", 20, {"new": 20})
    assert "Run it again with the same file" in closed["reason"]
    assert closed["finished_at"] is not None
    assert enter(doors, rows)["counts"] == {"known": 20, "new": 5}
    # It was only slow: what it does next opens it again, and its end is what it says.
    with session_scope() as db:
        imports.advance(db, UUID(closed["id"]), 25, {"new": 25})
    with session_scope() as db:
        assert imports.find(db, UUID(closed["id"])).reason is None
        imports.finish(db, UUID(closed["id"]), "done")
    done = doors.client.get(f"/api/imports/{closed['id']}", headers=doors.admin).json()
    assert (done["outcome"], done["reason"]) == ("done", None)


@pytest.mark.parametrize("roster_first", [True, False])
def test_nobody_is_made_twice_by_a_roster_and_a_loader_at_once(doors: Doors, roster_first: bool) -> None:
    from app.accounts import roster_import
    from app.accounts.roster import read_roster
    from app.accounts.roster_files import read_table

    roster = read_roster(read_table(b"Email\nann@example.org\n"))

    def enters(db: Session) -> None:
        roster_import.apply(lambda: nullcontext(db), roster, time_zone="UTC", actor="a test")

    def loads(db: Session) -> None:
        load(db, completed("Ann@example.org"))

    meet([enters], loads) if roster_first else meet([loads], enters)
    assert count(User) == 1
    assert verdicts(send(doors, "Email\nann@example.org\n").json()) == ["known"]
