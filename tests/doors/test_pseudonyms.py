"""LEARNER_DISPLAY=pseudonyms: what the doors show says of nobody who they are, and no search finds it out."""

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update

from app.accounts import visibility
from app.accounts.pseudonyms import digits_of, pseudonyms_under
from app.accounts.visibility import LEAST_LEARNERS, masked
from app.config import get_settings
from app.database import session_scope
from app.models import Notification, User
from app.platform import clock
from tests.conftest import Doors
from tests.doors.report_files import LISTS, NAMES, csv_rows, get, paths
from tests.rooms.analytics.course import NOW, PEOPLE, Course, answer, at, did
from tests.statements import lesson
from tests.warehouse.record import load

FAMILY = {name: f"{name} Quendrith-{place}" for place, name in enumerate(PEOPLE)}
PHONES = {name: f"+4915550{place}7733" for place, name in enumerate(PEOPLE)}
AVATARS = {name: f"grelb{place}" for place, name in enumerate(PEOPLE)}
SECRETS = re.compile(
    rf"quendrith|grelb|@example\.org|%40example|4915550|77 33|boss|zx-41|\b({'|'.join(PEOPLE)})\b", re.IGNORECASE
)
"""What stands nowhere but in who somebody is."""


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Learners are shown under pseudonyms."""
    monkeypatch.setenv("LEARNER_DISPLAY", "pseudonyms")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def course(doors: Doors) -> Iterator[Course]:
    """The small course with people who are easily told, and who give themselves away in what they write."""
    with clock.set_now(NOW), session_scope() as db:
        made = Course(db)
        about = {"object": {"objectType": "Agent", "mbox": "mailto:ann@example.org", "name": FAMILY["Ann"]}}
        page = {"object": {"id": f"{lesson(2)['id']}/for/ben@example.org", "definition": {"name": {"en": "Ben's"}}}}
        load(
            db,
            answer("Ann", "10", "form", f"I am Ann, {AVATARS['Ann']}, ann@example.org, or 0155 50077 33!", at(9)),
            answer("Ben", "10", "form", "Mr QUENDRITH-1 writes to ben@example.org", at(9)),
            answer("Fay", "1", "poll", "fay@example.org", at(9)),
            did("Ben", 2, at(9), **about),
            did("Ben", 2, at(9), context={"contextActivities": {"parent": [lesson(2)]}}, **page),
        )
        for name, key in made.people.items():
            attributes = {"Course": "Barista", "Badge": f"ZX-41{name}", "Lead": "boss@example.org"}
            db.execute(
                update(User)
                .where(User.id == key)
                .values(name=FAMILY[name], phone=PHONES[name], avatar=AVATARS[name], attributes=attributes)
            )
        db.execute(text("UPDATE cohort_lessons SET due_on = '2026-03-10' WHERE due_on IS NOT NULL"))
        db.commit()
        yield made


def assert_nobody(content: bytes | str) -> None:
    """Nothing of who anybody is stands in it."""
    told = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    assert not (found := SECRETS.search(told)), told[max(0, found.start() - 300) : found.end() + 100]


def unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(archive.read(part) for part in archive.namelist())


@pytest.mark.parametrize("name", NAMES)
def test_no_report_says_who_anybody_is(
    doors: Doors, course: Course, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In all three formats. With names shown the same search finds them, so it would find them here."""
    path = paths(course)[name]
    with_names = get(doors, path, limit=50).text.lower() if name in LISTS else ""
    monkeypatch.setenv("LEARNER_DISPLAY", "pseudonyms")
    get_settings.cache_clear()
    try:
        if name in LISTS and "answers" not in name:
            assert "quendrith" in with_names
            assert "Learner " in get(doors, path).text
        for query in ({}, {"limit": 1}, {"format": "csv"}, {"format": "xlsx"}):
            if "limit" in query and name not in (*LISTS, "overview"):
                continue
            answer = get(doors, path, **query)
            assert answer.status_code == 200, answer.text
            content = unzipped(answer.content) if query.get("format") == "xlsx" else answer.content
            assert_nobody(content)
            if query.get("format") is None and (more := answer.json().get("next")):
                cursor = more.partition("cursor=")[2].partition("&")[0]
                assert_nobody(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("name", LISTS)
def test_pages_cover_everything_once_in_the_order_of_pseudonyms(doors: Doors, course: Course, name: str) -> None:
    path, key = paths(course)[name], LISTS[name]
    whole = get(doors, path, limit=50).json()[key]
    found: list[Any] = []
    more: str | None = f"{path}?limit=1"
    while more:
        page = get(doors, more).json()
        found += page[key]
        assert len(found) <= len(whole), "a page came again"
        more = page["next"]
    if name.endswith("answers"):
        for one in (*found, *whole):
            one["texts"] = one["texts"] and one["texts"].split("?")[0]
    assert found == whole
    if name in ("completions", "incomplete"):
        assert [one["name"] for one in whole] == sorted(one["name"] for one in whole)


@pytest.mark.usefixtures("hidden")
def test_one_learner_has_one_pseudonym_everywhere_and_is_found_by_it(doors: Doors, course: Course) -> None:
    ben = course.people["Ben"]
    known_as = get(doors, f"/api/learners/{ben}").json()["name"]
    assert known_as == pseudonyms_under(get_settings().required_pseudonym_secret).of(ben)
    for report in ("completions", "incomplete", "timeline", "texts"):
        assert known_as in {row["learner"] for row in csv_rows(doors, paths(course)[report])}
    preview = get(doors, "/api/debug/reminder-preview", search=known_as).json()
    assert [row["learner_id"] for row in preview["learners"]] == [str(ben)]
    for written in (known_as, known_as.lower(), known_as[8:], known_as[8:].replace("-", "")):
        assert [row["id"] for row in get(doors, "/api/learners", q=written).json()["learners"]] == [str(ben)]
    nobody = get(doors, "/api/learners", q="Learner 0000-0000")
    assert nobody.json()["learners"] == []


@pytest.mark.usefixtures("hidden")
def test_looking_up_learners_says_who_nobody_is(doors: Doors, course: Course) -> None:
    page = get(doors, "/api/learners")
    assert_nobody(page.content)
    assert len(page.json()["learners"]) >= len(PEOPLE)
    for key in course.people.values():
        one = get(doors, f"/api/learners/{key}")
        assert_nobody(one.content)
        body = one.json()
        assert (body["email"], body["phone"], body["avatar"], body["identifiers"]) == (None, None, None, [])
        assert body["attributes"] == {"Course": "Barista", "Lead": "[hidden]"}


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("word", ["Ann", "ann@example.org", "nobody@example.org", "+491555007733", "%", "grelb0", "Q"])
def test_a_search_by_who_somebody_is_is_refused_whether_or_not_there_is_somebody(
    doors: Doors, course: Course, word: str
) -> None:
    for path, name in (("/api/learners", "q"), ("/api/debug/reminder-preview", "search")):
        answer = get(doors, path, **{name: word})
        assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, f"?{name}")


@pytest.mark.usefixtures("hidden")
def test_answers_are_searched_as_they_are_read(doors: Doors, course: Course) -> None:
    path = paths(course)["texts"]
    for word in ("ann@example.org", "Quendrith", "grelb0", "0155", "mailto"):
        assert get(doors, path, search=word).json()["answers"] == [], word
    found = get(doors, path, search="writes to", limit=1).json()
    assert [one["response"] for one in found["answers"]] == ["Mr [hidden] writes to [hidden]"]
    assert found["next"] is None


@pytest.mark.usefixtures("hidden")
def test_attributes_that_few_have_filter_as_if_nobody_had_them(doors: Doors, course: Course) -> None:
    path = paths(course)["completions"]

    def count(**query: Any) -> int:
        return int(get(doors, path, **query).json()["learner_count"])

    assert count(**{"attr.Course": "Barista"}) == 5
    for badge in ("ZX-41Ann", "ZX-41Nobody"):
        assert count(**{"attr.Badge": badge}) == 0
    # Together five have them, yet each of the values is somebody's own.
    assert count(**{"attr.Badge": [f"ZX-41{name}" for name in PEOPLE]}) == 0
    assert count(**{"attr.Course": "Barista", "attr.Lead": "boss@example.org"}) == 5
    with session_scope() as db:
        for place, name in enumerate(PEOPLE):
            site = {"Course": "Barista" if place < LEAST_LEARNERS else "Other", "Site": "A" if place else "B"}
            db.execute(update(User).where(User.id == course.people[name]).values(attributes=site))
    assert count(**{"attr.Site": "A"}) == 4, "of the cohort; in all there are six"
    assert count(**{"attr.Site": "A", "attr.Course": "Barista"}) == 0, "only four are both"


@pytest.mark.usefixtures("hidden")
def test_reminders_are_shown_under_pseudonyms(doors: Doors, course: Course) -> None:
    ann = course.people["Ann"]
    with session_scope() as db:
        db.add(
            Notification(
                id=UUID(int=1),
                learner_id=ann,
                local_day=NOW.date(),
                time_zone="UTC",
                cohort_id=course.spring,
                lessons=1,
                status="bounced",
                attempts=1,
                claimed_at=NOW,
                answer="550 <ann@example.org> Ann Quendrith-0 is not known here",
            )
        )
    preview = get(doors, "/api/debug/reminder-preview")
    assert len(preview.json()["learners"]) >= 5
    assert_nobody(preview.content)
    told = get(doors, "/api/reminders")
    assert told.json()["reminders"][0]["answer"] == "550 <[hidden]> [hidden] is not known here"
    assert_nobody(told.content)
    wanted = {"learner_id": str(course.people["Ben"])}
    path = f"/api/reminders/cohorts/{course.spring}/preview"
    rendered = doors.client.post(path, json=wanted, headers=doors.admin)
    assert rendered.status_code == 200, rendered.text
    assert "Learner " in rendered.json()["text"]
    assert_nobody(rendered.content)


@pytest.mark.usefixtures("hidden")
def test_what_is_about_identity_goes_on(doors: Doors, course: Course) -> None:
    """Roster verdicts, the export of one learner, merging and erasing."""
    ann, gus = course.people["Ann"], course.people["Gus"]
    roster = "Name,Email\nAnn Quendrith-0,ann@example.org\n"
    verdict = doors.client.post("/api/roster", content=roster, headers=doors.admin).json()["verdicts"][0]
    assert (verdict["verdict"], verdict["learner_id"]) == ("known", str(ann))
    export = get(doors, f"/api/learners/{ann}/export").json()
    assert (export["learner"]["email"], export["learner"]["name"]) == ("ann@example.org", FAMILY["Ann"])
    assert export["learner"]["identifiers"]
    merged = doors.client.post(f"/api/learners/{ann}/merge", json={"other": str(gus)}, headers=doors.admin)
    assert merged.status_code == 200, merged.text
    assert doors.client.delete(f"/api/learners/{ann}", headers=doors.admin).status_code == 200
    assert get(doors, f"/api/learners/{ann}").status_code == 404


def test_names_are_shown_unless_it_is_set(doors: Doors, course: Course) -> None:
    body = get(doors, f"/api/learners/{course.people['Ann']}").json()
    assert (body["name"], body["avatar"], body["attributes"]["Badge"]) == (FAMILY["Ann"], "grelb0", "ZX-41Ann")
    assert [row["name"] for row in get(doors, "/api/learners", q="GRELB0").json()["learners"]] == [FAMILY["Ann"]]


def test_the_database_and_the_code_make_the_same_pseudonyms_and_another_secret_makes_others(db: Any) -> None:
    one, other = pseudonyms_under("a secret"), pseudonyms_under("another secret")
    query = text(f"SELECT {one.digits('id')} FROM (SELECT gen_random_uuid() AS id) x")
    for number in (0, 1, 2**127, *(hash(str(n)) % 2**128 for n in range(50))):
        key = UUID(int=number)
        made = db.execute(text(f"SELECT {one.digits(':id')}").bindparams(id=key), one.parameters).scalar_one()
        assert digits_of(one.of(key)) == made
        assert one.of(key) != other.of(key)
    assert db.execute(query, one.parameters).scalar_one() != db.execute(query, one.parameters).scalar_one()
    assert digits_of("Learner 7KQ2-MX4D") == digits_of("learner 7kq2mx4d")
    assert digits_of("OIL0-0000") == digits_of("0110-0000")
    for wrong in ("", "Learner", "7KQ2-MX4", "7KQ2-MX4U", "Ann", "7KQ2-MX4D-1"):
        assert digits_of(wrong) is None


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("I am Ann Lee.", "I am [hidden]."),
        ("ANN and lee, Annette and Leeds", "[hidden] and [hidden], Annette and Leeds"),
        ("我是王小明。", "我是[hidden]。"),
        ("mail a.b+c@d.example.org, or ÄÖ@exämple.org!", "mail [hidden], or [hidden]"),
        ("call +49 155 500-7733 or (0155) 5007733", "call [hidden] or ([hidden]"),
        ("I drank 12 of 200 cups in 2026, room 1234567", "I drank 12 of 200 cups in 2026, room 1234567"),
    ],
)
def test_what_writers_say_of_themselves_is_hidden(said: str, read: str) -> None:
    viewer = visibility.Viewer("v", sees_everybody=True, pseudonyms=pseudonyms_under("s"))
    if "(0155)" in said:
        assert not any(digits in masked(viewer, said) for digits in ("5007733", "7733"))
        return
    assert masked(viewer, said, "Ann Lee", "王小明", None) == read
    assert masked(visibility.ADMIN, said, "Ann Lee") is said


def test_long_words_are_masked_in_time() -> None:
    viewer = visibility.Viewer("v", sees_everybody=True, pseudonyms=pseudonyms_under("s"))
    for piece in ("a", "1", "a.", "1 ", "a@", "%40", ".a@a", "a%40a", "a%40a."):
        assert isinstance(masked(viewer, piece * 200_000, "Ann"), str)
