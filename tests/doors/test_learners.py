"""Who is who: merged, split, and every derived table right at once; whoever loads meanwhile included."""

from collections.abc import Callable
from hashlib import sha1
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import identities
from app.accounts.models import UserIdentifier
from app.accounts.schemas import Merge
from app.audit import AuditEntry
from app.database import session_scope
from app.models import User
from tests.conftest import Doors
from tests.statements import answered, completed, lesson
from tests.warehouse.record import load, meet

SOMEBODY = "00000000-0000-0000-0000-000000000000"
PHONE = {"account": {"homePage": "https://app.7taps.com", "name": "+15550100123"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/learners"),
        ("GET", f"/api/learners/{SOMEBODY}"),
        ("POST", f"/api/learners/{SOMEBODY}/merge"),
        ("POST", f"/api/learners/{SOMEBODY}/split"),
        ("GET", f"/api/learners/{SOMEBODY}/export"),
        ("DELETE", f"/api/learners/{SOMEBODY}"),
        ("GET", "/api/lessons"),
        ("PUT", f"/api/lessons/{SOMEBODY}"),
        ("GET", "/api/cohorts/spring/lessons"),
        ("PUT", "/api/cohorts/spring/lessons"),
    ],
)
def test_anonymous_is_refused_and_a_sender_too(doors: Doors, method: str, path: str) -> None:
    assert doors.client.request(method, path).status_code == 401
    assert doors.client.request(method, path, auth=doors.sender).status_code == 401
    if SOMEBODY in path:
        body = {"other": SOMEBODY[:-1] + "1"} if path.endswith("merge") else {"identifiers": [SOMEBODY]}
        sent = {"json": body if "/m" in path or "/s" in path else {}} if method in ("POST", "PUT") else {}
        assert doors.client.request(method, path, headers=doors.admin, **sent).status_code == 404


def ask(doors: Doors, method: str, path: str, **body: Any) -> Any:
    sent = {"json": body} if method in ("POST", "PUT") else {}
    answer = doors.client.request(method, path, headers=doors.admin, **sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids_by_contact() -> dict[str, UUID]:
    with session_scope() as db:
        return {str(user.email or user.phone): user.id for user in db.scalars(select(User))}


def gold_is_what_a_rebuild_makes() -> dict[tuple[UUID, UUID], tuple[Any, ...]]:
    from app.etl_rebuild import rebuild_gold, rebuild_silver

    def read() -> dict[tuple[UUID, UUID], tuple[Any, ...]]:
        with session_scope() as db:
            rows = db.execute(text("SELECT * FROM gold.lesson_progress"))
            return {(row.learner_id, row.lesson_id): tuple(row) for row in rows}

    def who() -> dict[UUID, UUID]:
        with session_scope() as db:
            return dict(db.execute(text("SELECT statement_id, learner_id FROM silver.statements_flat")).all())  # type: ignore[arg-type]

    before, flat = read(), who()
    rebuild_silver(batch_statements=100)
    rebuild_gold(batch_keys=100)
    assert read() == before
    assert who() == flat
    return before


def two_learners(doors: Doors, drain: Callable[[], int]) -> tuple[UUID, UUID]:
    """Ann by address did lesson 1 and began 2; Ann by number did 2. Nobody knows that they are one."""
    plan = {"name": "Spring", "learners": [{"name": "Ann", "email": "ann@example.org"}]}
    doors.client.put("/api/cohorts/spring", json=plan, headers=doors.admin)
    plan = {"name": "Autumn", "learners": [{"name": "A. Lee", "phone": "+15550100123", "language": "en"}]}
    doors.client.put("/api/cohorts/autumn", json=plan, headers=doors.admin)
    doors.post([completed("Ann@example.org", 1), answered("ann@example.org", 2), completed(number=2, actor=PHONE)])
    drain()
    found = ids_by_contact()
    return found["ann@example.org"], found["+15550100123"]


def test_merged_they_are_one_in_every_table_and_for_what_comes(doors: Doors, drain: Callable[[], int]) -> None:
    ann, other = two_learners(doors, drain)
    told = ask(doors, "POST", f"/api/learners/{ann}/merge", other=str(other))
    assert told == {"learner_id": str(ann), "identifiers": 2, "statements": 1, "lessons": 1}
    one = ask(doors, "GET", f"/api/learners/{ann}")
    assert (one["name"], one["phone"], one["language"], one["cohorts"]) == (
        "Ann",
        "+15550100123",
        "en",
        ["autumn", "spring"],
    )
    assert {row["kind"] for row in one["identifiers"]} == {"mbox", "mbox_sha1sum", "phone", "account"}
    doors.post(completed(number=3, actor=PHONE))
    drain()
    gold = gold_is_what_a_rebuild_makes()
    assert {learner for learner, _ in gold} == {ann}
    assert len(gold) == 3
    with session_scope() as db:
        assert db.get(User, other) is None
        entry = db.scalars(select(AuditEntry).where(AuditEntry.act == "learner.merge")).one()
        assert (entry.target, entry.detail["other"], entry.actor) == (f"learner:{ann}", str(other), "admin token")


def test_a_wrong_merge_is_split_again(doors: Doors, drain: Callable[[], int]) -> None:
    ann, other = two_learners(doors, drain)
    ask(doors, "POST", f"/api/learners/{ann}/merge", other=str(other))
    one = ask(doors, "GET", f"/api/learners/{ann}")
    keys = [row["key"] for row in one["identifiers"] if row["kind"] in ("phone", "account")]
    told = ask(doors, "POST", f"/api/learners/{ann}/split", identifiers=keys, name="A. Lee", cohorts=["autumn"])
    assert (told["identifiers"], told["statements"], told["lessons"]) == (2, 1, 1)
    new = UUID(told["learner_id"])
    before, after = ask(doors, "GET", f"/api/learners/{ann}"), ask(doors, "GET", f"/api/learners/{new}")
    assert (before["email"], before["phone"]) == ("ann@example.org", None)
    assert (after["name"], after["email"], after["phone"], after["cohorts"]) == (
        "A. Lee",
        None,
        "+15550100123",
        ["autumn"],
    )
    doors.post(completed(number=3, actor=PHONE))
    drain()
    assert sorted(learner for learner, _ in gold_is_what_a_rebuild_makes()) == sorted([ann, ann, new, new])
    back = ask(doors, "POST", f"/api/learners/{new}/split", identifiers=keys[:1], into=str(ann))
    assert back["learner_id"] == str(ann)
    with session_scope() as db:
        assert len(db.scalars(select(AuditEntry).where(AuditEntry.act == "learner.split")).all()) == 2


def test_the_hash_of_an_address_goes_with_it(doors: Doors, drain: Callable[[], int]) -> None:
    ann, other = two_learners(doors, drain)
    ask(doors, "POST", f"/api/learners/{other}/merge", other=str(ann))
    one = ask(doors, "GET", f"/api/learners/{other}")
    (key,) = [row["key"] for row in one["identifiers"] if row["kind"] == "mbox"]
    told = ask(doors, "POST", f"/api/learners/{other}/split", identifiers=[key])
    assert told["identifiers"] == 2
    hidden = {"mbox_sha1sum": sha1(b"mailto:ann@example.org").hexdigest()}
    doors.post(completed(number=5, actor=hidden))
    drain()
    with session_scope() as db:
        query = text("SELECT learner_id FROM silver.statements_flat WHERE actor_key LIKE 'mbox_sha1sum:%'")
        assert db.scalar(query) == UUID(told["learner_id"])


def test_what_cannot_be_merged_or_split_says_why(doors: Doors, drain: Callable[[], int]) -> None:
    ann, other = two_learners(doors, drain)

    def refused(path: str, **body: Any) -> tuple[int, str]:
        answer = doors.client.post(path, json=body, headers=doors.admin)
        return answer.status_code, answer.json()["detail"]

    assert refused(f"/api/learners/{ann}/merge", other=str(ann))[0] == 400
    assert refused(f"/api/learners/{ann}/merge", other=str(uuid4()))[0] == 404
    with session_scope() as db:
        keys = [str(key) for key in db.scalars(select(UserIdentifier.key).where(UserIdentifier.user_id == ann))]
    status, why = refused(f"/api/learners/{ann}/split", identifiers=keys)
    assert (status, "at least one" in why) == (400, True)
    assert refused(f"/api/learners/{other}/split", identifiers=keys[:1])[0] == 404
    assert refused(f"/api/learners/{ann}/split", identifiers=keys[:1], cohorts=["nowhere"])[0] in (400, 404)
    assert ids_by_contact() == {"ann@example.org": ann, "+15550100123": other}


def merging(into: UUID, other: UUID) -> Callable[[Session], None]:
    def step(db: Session) -> None:
        identities.merge(db, into, Merge(other=other), "a test")

    return step


@pytest.mark.parametrize("loader_first", [True, False])
def test_nothing_lands_on_a_learner_who_is_being_merged_away(
    doors: Doors, drain: Callable[[], int], loader_first: bool
) -> None:
    ann, other = two_learners(doors, drain)
    loads = lambda db: load(db, completed(number=7, actor=PHONE))  # noqa: E731
    if loader_first:
        meet([loads], merging(ann, other))
    else:
        meet([merging(ann, other)], loads)
    with session_scope() as db:
        assert set(db.scalars(text("SELECT learner_id FROM silver.statements_flat"))) == {ann}
    gold_is_what_a_rebuild_makes()


def test_two_that_merge_each_other_leave_one(doors: Doors, drain: Callable[[], int]) -> None:
    from app.errors import NotFound

    ann, other = two_learners(doors, drain)
    with pytest.raises(NotFound):
        meet([merging(ann, other)], merging(other, ann))
    assert list(ids_by_contact().values()) == [ann]


def test_learners_are_found_by_what_is_known_of_them(doors: Doors, drain: Callable[[], int]) -> None:
    ann, other = two_learners(doors, drain)

    def find(**query: Any) -> Any:
        return doors.client.get("/api/learners", params=query, headers=doors.admin).json()

    assert [row["id"] for row in find(q="ANN@")["learners"]] == [str(ann)]
    assert [row["id"] for row in find(q="0100123")["learners"]] == [str(other)]
    assert find(q="%")["learners"] == []
    first = find(limit=1)
    assert [row["id"] for row in find(limit=1, after=first["more"])["learners"]] == [str(max(ann, other))]


def test_lessons_are_named_and_due_by_day_or_by_days_after_the_start(doors: Doors, drain: Callable[[], int]) -> None:
    doors.post(completed(number=1))
    drain()
    (one,) = ask(doors, "GET", "/api/lessons")
    assert (one["title"], one["link"], one["url"]) == ("Lesson 1", None, lesson(1)["id"])
    changed = ask(doors, "PUT", f"/api/lessons/{one['id']}", title="First steps", link="https://go.example.org/1")
    assert (changed["title"], changed["url"]) == ("First steps", "https://go.example.org/1")
    doors.post(completed(number=1))
    drain()
    assert ask(doors, "GET", "/api/lessons") == [changed]
    ask(doors, "PUT", "/api/cohorts/spring", name="Spring", learners=[{"name": "Ann", "email": "ann@example.org"}])
    plan = [
        {"activity_id": lesson(2)["id"], "due_after_days": 7, "title": "Second"},
        {"activity_id": lesson(1)["id"], "due_on": "2026-03-02"},
    ]
    course = ask(doors, "PUT", "/api/cohorts/spring/lessons", starts_on="2026-02-25", lessons=plan)
    told = [(row["title"], row["position"], row["due_on"], row["due_after_days"]) for row in course["lessons"]]
    assert told == [("Second", 1, "2026-03-04", 7), ("First steps", 2, "2026-03-02", None)]
    later = ask(doors, "PUT", "/api/cohorts/spring", name="Spring", starts_on="2026-03-25", lessons=plan)
    assert later["lessons"] == 2
    course = ask(doors, "GET", "/api/cohorts/spring/lessons")
    assert (course["starts_on"], course["lessons"][0]["due_on"]) == ("2026-03-25", "2026-04-01")
    for wrong in (
        {"lessons": [{**plan[0], "due_on": "2026-03-02"}]},
        {"lessons": [plan[0], plan[0]]},
        {"starts_on": "9999-12-31", "lessons": plan},
        {"lessons": [{"activity_id": lesson(1)["id"], "link": "javascript:alert(1)"}]},
    ):
        answer = doors.client.put("/api/cohorts/spring/lessons", json=wrong, headers=doors.admin)
        assert answer.status_code == 400
