"""The pages of imports and of the audit log: looked at first, entered by the worker once, told afterwards."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
import redis as redis_errors
from sqlalchemy import func, select, update

from app import audit
from app.accounts import imports, uploads
from app.accounts.models import Cohort, Import, Upload
from app.database import session_scope
from app.jobs.imports import apply_upload
from app.models import StatementRaw, User
from app.platform import clock
from tests.conftest import Doors
from tests.doors.people_pages import HOSTILE, NOBODY, page, press, twin
from tests.doors.test_roster import ROSTER

RESPONSES = """Learner,Card,Card type,Lesson Number,Global Q#,PDF Page #,Response
ann@example.org,Which milk?,Quiz,1,1,3,Whole
ben@example.org,Which milk?,Quiz,1,1,3,Oat
"""


def upload(doors: Doors, content: bytes | str, name: str = "roster.csv", kind: str = "roster", **fields: str) -> Any:
    body = content.encode() if isinstance(content, str) else content
    return doors.client.post(
        "/ui/roster",
        data={"kind": kind, **fields},
        files={"file": (name, body)},
        headers={**doors.admin, "Accept": "text/html"},
        follow_redirects=False,
    )


def looked_at(doors: Doors, content: bytes | str = ROSTER, **more: str) -> str:
    """Upload, and the path of the page that it leads to."""
    got = upload(doors, content, **more)
    assert got.status_code == 303, got.text
    return str(got.headers["location"])


def applied(doors: Doors, path: str) -> None:
    """Press the button, and do what the worker does then."""
    got = press(doors, f"{path}/apply")
    assert (got.status_code, got.headers["location"]) == (303, path)
    apply_upload.fn(path.rpartition("/")[2])


def count(table: Any) -> int:
    with session_scope() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ui/roster"),
        ("POST", "/ui/roster"),
        ("GET", f"/ui/roster/{NOBODY}"),
        ("POST", f"/ui/roster/{NOBODY}/apply"),
        ("POST", f"/ui/roster/{NOBODY}/discard"),
        ("GET", "/ui/admin/audit"),
    ],
)
def test_anonymous_is_refused(doors: Doors, method: str, path: str) -> None:
    assert doors.client.request(method, path, follow_redirects=False).status_code == 401


def test_a_roster_is_looked_at_before_anything_is_entered(doors: Doors) -> None:
    assert "None yet." in page(doors, "/ui/roster")
    path = looked_at(doors)
    said = page(doors, path)
    assert "Nothing has been entered yet. 2 rows of 6 would change something; 3 rows cannot be used" in said
    assert "Enter 3 rows" in said
    assert "'not-an-address' is no e-mail address." in said
    assert "the same person as row 2; only the cohort counts" in said
    assert "an attribute of this name" in said
    assert count(User) == 0
    told = twin(doors, path)
    assert told["summary"]["counts"] == {"new": 2, "duplicate": 1, "invalid": 3}
    assert [one["who"] for one in told["lines"]][:3] == ["Ann Lee", "Ben Ray", "Ann Lee"]
    assert [name for name, _ in told["summary"]["columns"]][:3] == ["First Name", "Last Name", "Email"]
    assert [one["row"] for one in twin(doors, path, only="problems")["lines"]] == [5, 6, 7]
    assert [one["row"] for one in twin(doors, path, only="duplicate")["lines"]] == [4]
    assert "roster.csv" in page(doors, "/ui/roster")


def test_rows_come_in_pages(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.ui import roster

    monkeypatch.setattr(roster, "LINES_SHOWN", 4)
    path = looked_at(doors)
    first = twin(doors, path)
    assert ([one["row"] for one in first["lines"]], first["more"]) == ([2, 3, 4, 5], 5)
    rest = twin(doors, path, cursor=first["more"])
    assert ([one["row"] for one in rest["lines"]], rest["more"]) == ([6, 7], None)
    for wrong in ({"cursor": "x"}, {"cursor": "-1"}, {"only": "nice"}):
        assert doors.client.get(path, params=wrong, headers=doors.admin).status_code == 400


def test_a_roster_is_entered_once_by_the_worker(doors: Doors) -> None:
    path = looked_at(doors, time_zone="Europe/Oslo")
    got = press(doors, f"{path}/apply")
    assert got.status_code == 303
    waiting = twin(doors, path)["run"]
    assert (waiting["outcome"], waiting["rows_done"], waiting["rows_total"]) == (None, 0, 6)
    assert "You may leave this page" in page(doors, path)
    assert press(doors, f"{path}/apply").status_code == 409
    assert press(doors, f"{path}/discard").status_code == 409
    key = path.rpartition("/")[2]
    apply_upload.fn(key)
    apply_upload.fn(key)  # The broker may bring it twice.
    assert (count(User), count(Import)) == (2, 1)
    with session_scope() as db:
        assert {one.time_zone for one in db.scalars(select(Cohort))} == {"Europe/Oslo"}
        assert db.scalar(select(Upload.content).where(Upload.id == UUID(key))) is None
        (act,) = db.scalars(select(audit.AuditEntry))
        assert (act.act, act.actor, act.detail["rows"]) == ("roster.import", "admin token", 6)
    said = page(doors, path)
    assert "6 rows imported, but for 3 rows that cannot be used." in said
    assert "apply" not in said
    assert "2 new, 3 left out, 1 repeated" in page(doors, "/ui/roster") or "3 left out" in page(doors, "/ui/roster")
    # Once more the same file: nothing of it is new.
    assert "Nothing in it is new." in page(doors, looked_at(doors))


def test_a_file_that_is_not_wanted_is_forgotten(doors: Doors) -> None:
    path = looked_at(doors)
    assert press(doors, f"{path}/discard").headers["location"] == "/ui/roster?told=discarded"
    assert "The file is forgotten" in page(doors, "/ui/roster", told="discarded")
    assert doors.client.get(path, headers=doors.admin).status_code == 404
    assert (count(Upload), count(User)) == (0, 0)


def test_files_are_forgotten_after_a_day_and_when_there_are_many(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    old = looked_at(doors)
    with session_scope() as db:
        db.execute(update(Upload).values(uploaded_at=clock.now() - uploads.KEPT))
    page(doors, "/ui/roster")
    assert doors.client.get(old, headers=doors.admin).status_code == 404
    monkeypatch.setattr(uploads, "MAX_KEPT", 2)
    paths = [looked_at(doors) for _ in range(3)]
    assert [doors.client.get(path, headers=doors.admin).status_code for path in paths] == [404, 200, 200]


def xlsx(*rows: tuple[str, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


def test_a_worksheet_is_read_as_well(doors: Doors) -> None:
    path = looked_at(doors, xlsx(("Name", "Email"), ("Zoë", "zoe@example.org")), name="roster.xlsx")
    applied(doors, path)
    with session_scope() as db:
        assert db.scalars(select(User.name)).all() == ["Zoë"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("", b"", "Choose a file."),
        ("roster.csv", b"", "is empty"),
        ("roster.csv", b"\n\n", "The file is empty."),
        ("roster.xls", b"\xd0\xcf\x11\xe0rest", "save it as .xlsx"),
        ("roster.pdf", b"%PDF-1.7", "neither CSV nor XLSX"),
        ("roster.csv", b"a\x00b", "neither CSV nor XLSX"),
        ("roster.xlsx", b"PK\x03\x04not really", "damaged XLSX"),
        ("roster.csv", b"Shoe,Size\n1,2\n", "heading"),
        ("roster.csv", ",".join(f"c{n}" for n in range(21)).encode() + b"\n1\n", "21 columns; 20 is the most"),
        ("roster.csv", b"Email\n" + b"a@example.org\n" * 10_001, "more than 10000 rows"),
        ("roster.csv", b"Email\n" + b"x" * 5_001 + b"\n", "5000 characters"),
        ("roster.csv", b"Email\na@example.org,more\n", "Row 2 has 1 cells beyond the last heading."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_words(doors: Doors, name: str, content: bytes, told: str) -> None:
    got = upload(doors, content, name)
    assert (got.status_code, told in got.text) == (400, True), got.text[-3_000:]
    assert "Nothing was entered." in got.text
    assert count(Upload) == 0


def test_a_file_that_is_too_large_is_told_in_words(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = doors.client.app.state.settings  # type: ignore[attr-defined]
    monkeypatch.setattr(settings, "max_body_bytes", 200_000)
    got = upload(doors, b"Email\n" + b"a@example.org\n" * 30_000)
    assert (got.status_code, "The file has more than 0.191 MB." in got.text) == (400, True)


def test_what_is_chosen_beside_the_file_is_checked(doors: Doors) -> None:
    got = upload(doors, ROSTER, time_zone="Mars/Olympus")
    assert (got.status_code, "is no IANA time zone" in got.text) == (400, True)
    assert 'value="Mars/Olympus"' in got.text
    assert upload(doors, ROSTER, id_home_page="no iri").status_code == 400
    assert upload(doors, RESPONSES, kind="responses", cohort="nowhere").status_code == 400
    for body, media in (
        (b"x", "text/csv"),
        (b"no parts", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ):
        got = doors.client.post("/ui/roster", content=body, headers={**doors.admin, "Content-Type": media})
        assert got.status_code in (400, 415)


def test_what_stands_in_a_file_is_only_text(doors: Doors) -> None:
    path = looked_at(doors, f"Name,Email,{HOSTILE}\n{HOSTILE},a@example.org,x\n", name=f"{HOSTILE}.csv")
    for where in (path, "/ui/roster"):
        raw = doors.client.get(where, headers={**doors.admin, "Accept": "text/html"}).text
        assert "<script>alert" not in raw
        assert "&lt;script&gt;alert" in raw


def test_an_export_of_responses_becomes_statements(doors: Doors) -> None:
    path = looked_at(doors, RESPONSES + "nobody,,,,,,\n", name="responses.csv", kind="responses")
    told = twin(doors, path)
    assert told["summary"]["counts"] == {"queued": 2, "known": 0, "repeated": 0, "skipped": 1}
    assert [(one["row"], one["verdict"]) for one in told["lines"]] == [(4, "skipped")]
    assert "Take in 2 answers" in page(doors, path)
    applied(doors, path)
    assert "3 rows imported, but for 1 row that cannot be used." in page(doors, path)
    from app.etl_streaming import the_stream

    assert the_stream().client.xlen(the_stream().name) == 1
    assert "2 new answers" in page(doors, "/ui/roster")


def test_an_import_that_fails_says_why(doors: Doors) -> None:
    path = looked_at(doors)
    key = path.rpartition("/")[2]
    with session_scope() as db:
        db.execute(update(Upload).values(content=b"Shoe\n1\n"))
    applied(doors, path)
    assert "heading" in twin(doors, path)["problem"]
    assert twin(doors, path)["run"]["outcome"] == "failed"
    assert "What was entered before that stays" in page(doors, path)
    assert key in str(twin(doors, "/ui/roster")["imports"])


def test_without_a_queue_nothing_is_imported_and_it_can_be_tried_again(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = looked_at(doors)

    def away(*_args: Any) -> None:
        raise redis_errors.ConnectionError("away")

    monkeypatch.setattr("app.ui.roster.apply_upload.send", away)
    assert press(doors, f"{path}/apply").status_code == 503
    monkeypatch.undo()
    assert "The worker could not be told." in page(doors, path)
    applied(doors, path)
    assert count(User) == 2


def acts(doors: Doors, **query: Any) -> list[str]:
    return [one["act"] for one in twin(doors, "/ui/admin/audit", **query)["acts"]]


def test_the_audit_log_is_found_by_who_what_about_and_when(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.ui import audit_log

    assert "Nothing has been done yet" in page(doors, "/ui/admin/audit")
    key = UUID(NOBODY)
    with session_scope() as db:
        for day, actor, act, target, detail in (
            (1, "admin token", "learner.merge", f"learner:{key}", {"statements": 3, "scopes": ["a", "b"]}),
            (2, "account maya", "dead_letter.replay", f"dead_letter:{key}", {}),
            (3, "account maya", "learner.split", f"learner:{key}", {"into": HOSTILE}),
            (4, "command line", "key.made", "key:abc", {"deleted": {"public.users": 1, "x": 0}}),
        ):
            with clock.set_now(clock.now().replace(2026, 3, day, 23, 30)):
                audit.note(db, actor, act, target, detail)
                db.flush()
    everything = ["key.made", "learner.split", "dead_letter.replay", "learner.merge"]
    assert acts(doors) == everything
    assert acts(doors, actor="account maya") == ["learner.split", "dead_letter.replay"]
    assert acts(doors, act="learner.merge") == ["learner.merge"]
    assert acts(doors, target="learner") == ["learner.split", "learner.merge"]
    assert acts(doors, target=f"dead_letter:{key}") == ["dead_letter.replay"]
    assert acts(doors, **{"from": "2026-03-02", "to": "2026-03-03"}) == ["learner.split", "dead_letter.replay"]
    # The days are the viewer's: half past eleven in the evening is the next day in Berlin.
    doors.client.cookies.set("time_zone", "Europe%2FBerlin")
    assert acts(doors, **{"from": "2026-03-03", "to": "2026-03-03"}) == ["dead_letter.replay"]
    doors.client.cookies.clear()
    told = twin(doors, "/ui/admin/audit")
    assert told["actors"] == ["account maya", "admin token", "command line"]
    assert told["kinds"] == ["dead_letter.replay", "key.made", "learner.merge", "learner.split"]
    said = page(doors, "/ui/admin/audit")
    assert f'href="/ui/learners/{key}"' in said
    assert "Merged with another learner" in said
    assert "public.users 1" in said
    assert "a, b" in said
    assert "['" not in said
    raw = doors.client.get("/ui/admin/audit", headers={**doors.admin, "Accept": "text/html"}).text
    assert "<script>alert" not in raw
    assert "No act fits" in page(doors, "/ui/admin/audit", actor="nobody")
    monkeypatch.setattr(audit_log, "PAGE_ACTS", 3)
    first = twin(doors, "/ui/admin/audit")
    assert acts(doors) + acts(doors, cursor=first["next"]) == everything


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "0001-01-01"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"cursor": "x"},
        {"cursor": "99999999999999999999"},
        {"actor": "a" * 201},
        {"target": "a\x00"},
    ],
)
def test_a_wrong_filter_of_the_audit_log_is_named(doors: Doors, query: dict[str, str]) -> None:
    got = doors.client.get("/ui/admin/audit", params=query, headers=doors.admin)
    assert (got.status_code, got.json()["problems"][0]["path"]) == (400, f"?{list(query)[-1]}")


def test_an_import_without_a_step_for_long_is_told_so(doors: Doors) -> None:
    with session_scope() as db:
        key = imports.begin(db, "roster", "command line", 10)
    assert twin(doors, "/ui/roster")["imports"][0]["stalled"] is False
    with session_scope() as db:
        db.execute(update(Import).where(Import.id == key).values(updated_at=clock.now() - timedelta(minutes=5)))
    assert "Nothing moves" in page(doors, "/ui/roster")


def test_a_page_of_imports_adds_no_statement_by_looking(doors: Doors) -> None:
    looked_at(doors, RESPONSES, kind="responses")
    assert count(StatementRaw) == 0
