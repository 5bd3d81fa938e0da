"""Exports of responses from 7taps: each row an answered statement, once, however often the file comes."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementFlat, User
from tests.conftest import Doors
from tests.statements import completed, lesson

EXPORT = """Learner,Card,Card type,Lesson Number,Global Q#,PDF Page #,Response
Ann@Example.org,How was it?,Rating,1,3,12,5
ann@example.org,Which milk first?,Poll,1,4,13,Oat
+1 555 010 0123,What did you learn?,Form,2,9,20,"A lot, really.
And then some."
Ann Lee,How was it?,Rating,1,3,12,4
ann@example.org,Which milk first?,Poll,1,4,13,Oat
ann@example.org,How was it?,Rating,one,3,12,5
,How was it?,Rating,1,3,12,5
ann@example.org,How was it?,Rating,1,3,12,
"""


def send(doors: Doors, content: str = EXPORT, **query: Any) -> Any:
    return doors.client.post("/api/responses", params=query, content=content.encode(), headers=doors.admin)


def flat() -> list[Any]:
    with session_scope() as db:
        return list(db.scalars(select(StatementFlat).order_by(StatementFlat.stored_at)))


def test_anonymous_is_refused(doors: Doors) -> None:
    assert doors.client.post("/api/responses", content=EXPORT).status_code == 401
    assert doors.client.post("/api/responses", content=EXPORT, auth=doors.sender).status_code == 401


def test_answers_come_in_once(doors: Doors, drain: Callable[[], int]) -> None:
    dry = send(doors).json()
    assert (dry["applied"], dry["queued"], dry["repeated"], dry["skipped"]) == (False, 5, 1, 3)
    assert [one["path"] for one in dry["problems"]] == ["row 7", "row 8", "row 9"]
    assert drain() == 0
    told = send(doors, dry_run="false").json()
    assert (told["queued"], told["known"]) == (5, 0)
    again = send(doors, dry_run="false").json()
    assert again["queued"] == 5, "nothing is loaded yet, so nothing is known yet"
    drain()
    rows = flat()
    assert [(row.verb, row.card_type, row.response) for row in rows] == [
        ("answered", "rating", "5"),
        ("answered", "poll", "Oat"),
        ("answered", "form", "A lot, really.\nAnd then some."),
        ("answered", "rating", "4"),
        ("answered", "poll", "Oat"),
    ]
    assert rows[0].object_id == rows[3].object_id == "https://app.7taps.com/import/lessons/1#q3"
    assert rows[0].parent_id == "https://app.7taps.com/import/lessons/1"
    assert not any(row.completes_lesson for row in rows)
    last = send(doors, dry_run="false").json()
    assert (last["queued"], last["known"], last["repeated"]) == (0, 5, 1)
    drain()
    assert len(flat()) == 5
    with session_scope() as db:
        assert db.scalars(select(DeadLetter.id)).all() == []
    told = doors.client.get(f"/api/imports/{last['import_id']}", headers=doors.admin).json()
    assert (told["kind"], told["outcome"], told["counts"]) == (
        "responses",
        "done",
        {"queued": 0, "known": 5, "skipped": 3},
    )


def test_equal_rows_are_all_kept_and_exports_that_overlap_add_only_what_is_new(
    doors: Doors, drain: Callable[[], int]
) -> None:
    heading, *rows = EXPORT.replace('"A lot, really.\nAnd then some."', "A lot").splitlines()
    rating, poll, form = rows[:3]

    def told(*lines: str) -> tuple[int, int, int]:
        answer = send(doors, "\n".join([heading, *lines]) + "\n", dry_run="false").json()
        drain()
        return answer["queued"], answer["known"], answer["repeated"]

    assert told(rating, poll, poll, form) == (4, 0, 1)
    assert told(rating, poll, poll, form) == (0, 4, 1)
    assert told(poll, form, poll, rating) == (0, 4, 1)
    assert told(poll.replace("ann@", "ANN@"), form) == (0, 2, 0)
    assert told(poll, rating, poll, rating, poll) == (2, 3, 3)
    assert sorted(row.response for row in flat()) == ["5", "5", "A lot", "Oat", "Oat", "Oat"]


def test_the_same_learners_and_the_same_lessons_as_in_statements(doors: Doors, drain: Callable[[], int]) -> None:
    plan = {"name": "Spring", "lessons": [{"activity_id": lesson(7)["id"], "title": "Seven"}]}
    doors.client.put("/api/cohorts/spring", json=plan, headers=doors.admin)
    doors.post([completed("ann@example.org", 7)])
    told = send(doors, dry_run="false", cohort="spring").json()
    assert (told["queued"], told["skipped"]) == (4, 4)
    assert "lesson 2" in told["problems"][0]["message"]
    drain()
    with session_scope() as db:
        anns = db.scalars(select(User.id).where(User.email == "ann@example.org")).all()
        count = db.execute(
            text("SELECT learner_id, count(*), count(DISTINCT lesson_id) FROM silver.statements_flat GROUP BY 1")
        )
        assert {row[0]: (row[1], row[2]) for row in count}[anns[0]] == (4, 1)
    assert len(anns) == 1
    assert send(doors, cohort="nowhere").status_code == 404


def test_while_redis_is_away_answers_go_into_the_record(doors: Doors) -> None:
    import redis

    from app.accounts.roster_files import read_table
    from app.jobs.reconcile import sweep
    from app.response_import import import_responses
    from app.streaming import StatementStream

    away = StatementStream(redis.Redis.from_url("redis://127.0.0.1:1/0"), "statements")
    for stream in (away, None):
        told = import_responses(
            session_scope,
            stream,
            read_table(EXPORT.encode()),
            course="https://x.example",
            cohort=None,
            actor="a test",
            dry_run=False,
        )
    assert (told.queued, told.known) == (0, 5)
    sweep(100)
    assert len(flat()) == 5


@pytest.mark.parametrize("content", ["Learner,Card\na,b\n", "", "nothing"])
def test_what_is_no_export_says_which_headings_are_missing(doors: Doors, content: str) -> None:
    assert send(doors, content).status_code == 400
