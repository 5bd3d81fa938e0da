"""The doors of reminders: who may look, what the preview says, which templates are taken."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.api.readiness import Seen, judge
from app.config import get_settings
from app.notifications import templates
from app.notifications.templates import Words, default_words
from app.platform import clock
from app.platform.smtp import SmtpServer
from tests.conftest import Doors
from tests.flow.reminding import course, learner_id, send

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def outbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/debug/reminder-preview"),
        ("GET", "/api/reminders"),
        ("GET", f"/api/reminders/{uuid4()}/mail"),
        ("POST", f"/api/reminders/{uuid4()}/mark-sent"),
        ("POST", f"/api/reminders/{uuid4()}/send-again"),
        ("POST", f"/api/reminders/learners/{uuid4()}/resume"),
        ("GET", f"/api/reminders/cohorts/{uuid4()}"),
        ("PUT", f"/api/reminders/cohorts/{uuid4()}"),
        ("POST", f"/api/reminders/cohorts/{uuid4()}/preview"),
    ],
)
def test_strangers_are_refused_and_what_is_not_there_is_a_404(doors: Doors, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert doors.client.request(method, path, headers=headers, json={}).status_code == 401
    body = {"learner_id": str(uuid4())} if path.endswith("/preview") else {}
    known = doors.client.request(method, path, headers=doors.admin, json=body)
    assert known.status_code == (404 if path.count("/") > 2 and "debug" not in path else 200), known.text


def test_the_preview_says_who_gets_what_when_and_why_the_others_do_not(doors: Doors) -> None:
    course("ann@example.org", None)
    course("tom@example.org", slug="tokyo", learner_zone="Asia/Tokyo")
    course("may@example.org", slug="late", hour=18)
    course("out@example.org", slug="undated", due=None)
    course("new@example.org", slug="summer", due=date(2026, 6, 1))
    with clock.set_now(NOON):
        page = doors.client.get("/api/debug/reminder-preview", headers=doors.admin).json()
        found = {row["email"]: row for row in page["learners"]}
        assert {email: row["reason"] for email, row in found.items()} == {
            "ann@example.org": "due",
            None: "no_email",
            "tom@example.org": "day_over",
            "may@example.org": "later",
            "out@example.org": "no_dates",
            "new@example.org": "nothing_due",
        }
        assert page["counts"] == dict.fromkeys(("due", "no_email", "day_over", "later", "no_dates", "nothing_due"), 1)
        assert found["may@example.org"]["at"] == "2026-03-10T17:00:00Z"
        assert found["tom@example.org"]["at"] == "2026-03-11T00:00:00Z"
        ann = found["ann@example.org"]
        assert (ann["lessons_left"], ann["next_lesson"], ann["cohort"]) == (2, "Lesson 1", "Spring")
        assert (ann["next_link"], ann["local_time"]) == ("https://app.7taps.com/lessons/1", "2026-03-10T13:00+01:00")
        assert "outbox" in page["sends"]
        # Page by page everybody comes once.
        seen, after = [], ""
        while True:
            part = doors.client.get(f"/api/debug/reminder-preview?limit=4{after}", headers=doors.admin).json()
            seen += [row["learner_id"] for row in part["learners"]]
            if not part["more"]:
                break
            after = f"&after={part['more']}"
        assert sorted(seen) == sorted(row["learner_id"] for row in page["learners"])
        one = f"/api/debug/reminder-preview?learner_id={ann['learner_id']}"
        assert [row["reason"] for row in doors.client.get(one, headers=doors.admin).json()["learners"]] == ["due"]
    send(NOON)
    with clock.set_now(NOON):
        assert doors.client.get(one, headers=doors.admin).json()["learners"][0]["reason"] == "reminded"
    for wrong in ("limit=0", "limit=9999999999", "after=x", "cohort_id=%00", "reason=because", "search=%00", "x=1"):
        answer = doors.client.get(f"/api/debug/reminder-preview?{wrong}", headers=doors.admin)
        assert answer.status_code == 400, wrong


def test_the_list_goes_on_page_by_page_and_shows_the_run(doors: Doors) -> None:
    course(*(f"l{n}@example.org" for n in range(5)))
    send(NOON)
    seen, before = [], ""
    while True:
        page = doors.client.get(f"/api/reminders?limit=2{before}", headers=doors.admin).json()
        seen += [row["email"] for row in page["reminders"]]
        if not before:
            assert (page["run"]["status"], page["run"]["detail"]["sent"]) == ("done", 5)
        if not page["more"]:
            break
        before = f"&before={page['more']}"
    assert sorted(seen) == [f"l{n}@example.org" for n in range(5)]
    for wrong in ("before=x", "before=2026-01-01_x", "before=2026-01-01T00:00:00_" + str(uuid4()), "status=odd"):
        assert doors.client.get(f"/api/reminders?{wrong}", headers=doors.admin).status_code == 400, wrong


def plan(**more: Any) -> dict[str, Any]:
    return {
        "subject": "{{ lessons_left }} to go",
        "text": "Hi {{ learner_name }}: {% for lesson in lessons %}{{ lesson.title }} {% endfor %}"
        "{{ unsubscribe_url }}",
        "html": "<p>Hi {{ learner_name }}</p><a href='{{ unsubscribe_url }}'>no more</a>",
        **more,
    }


def test_a_cohort_has_its_own_words_and_hour(doors: Doors) -> None:
    cohort_id = course("ann@example.org", name="<Ann & co>")
    path = f"/api/reminders/cohorts/{cohort_id}"
    first = doors.client.get(path, headers=doors.admin).json()
    assert (first["own"], first["reminder_hour"]) == (False, 9)
    assert doors.client.put(path, json=plan(reminder_hour=11), headers=doors.admin).json()["own"] is True
    body = {"learner_id": str(learner_id("ann@example.org"))}
    with clock.set_now(NOON):
        shown = doors.client.post(f"{path}/preview", json=body, headers=doors.admin).json()
        assert shown["subject"] == "2 to go"
        assert "&lt;Ann &amp; co&gt;" in shown["html"]
        assert "Hi <Ann & co>: Lesson 1 Lesson 2 http" in shown["text"]
        assert shown["example"] is False
        unsaved = doors.client.post(f"{path}/preview", json={**body, **plan(subject="New")}, headers=doors.admin)
        assert unsaved.json()["subject"] == "New"
    with clock.set_now(datetime(2026, 1, 1, tzinfo=UTC)):
        assert doors.client.post(f"{path}/preview", json=body, headers=doors.admin).json()["example"] is True
    assert send(datetime(2026, 3, 10, 9, 30, tzinfo=UTC)).due == 0
    assert send(NOON).sent == 1
    back = doors.client.put(path, json={}, headers=doors.admin).json()
    assert (back["own"], back["reminder_hour"], back["subject"]) == (False, 9, default_words().subject)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"subject": "{{ lesons_left }}"}, "There is no lesons_left"),
        ({"text": "{% for lesson in lessons %}{{ lesson.titel }}{% endfor %}{{ unsubscribe_url }}"}, "titel"),
        ({"text": "{% if lessons_left > 20 %}{{ oops }}{% endif %}{{ unsubscribe_url }}"}, "There is no oops"),
        ({"text": "{{ unsubscribe_url"}, "Line 1"),
        ({"html": "<p>no way out</p>"}, "unsubscribe_url"),
        ({"subject": ""}, "Is empty"),
        ({"subject": "{{ 'a' * 10 ** 9 }}"}, "Mul is not available"),
        ({"subject": "{{ learner_name.__class__.__mro__() }}"}, "Call is not available"),
        ({"subject": "{% for a in lessons %}{% for b in lessons %}x{% endfor %}{% endfor %}"}, "loop"),
        ({"subject": "{% for a in range(10) %}x{% endfor %}"}, "loop"),
        ({"subject": "{% set a = 'x' %}{{ a }}"}, "Assign is not available"),
        ({"subject": "{{ 'x'|center(1000000000) }}"}, "center"),
        ({"subject": "{% include 'x' %}"}, "Include is not available"),
        ({"subject": "{{ " + "(" * 50 + "1" + ")" * 50 + " }}{{ " + "not " * 20 + "1 }}"}, None),
        ({"subject": "{{ learner_name.upper }}"}, None),
        ({"subject": "{{ learner_name.nothing }}"}, "nothing"),
        ({"subject": "a\x00b"}, "NUL"),
        ({"text": None}, "together"),
        ({"html": "x" * 100_001}, "100000"),
        ({"reminder_hour": 24}, "reminder_hour"),
    ],
)
def test_a_template_that_is_wrong_is_told_when_it_is_saved(
    doors: Doors, more: dict[str, Any], named: str | None
) -> None:
    path = f"/api/reminders/cohorts/{course('ann@example.org')}"
    answer = doors.client.put(path, json=plan(**more), headers=doors.admin)
    assert answer.status_code == (400 if named else 200), answer.text
    if named:
        assert named in answer.text
        assert doors.client.get(path, headers=doors.admin).json()["own"] is False


def test_deeply_nested_templates_are_refused_and_never_a_failure() -> None:
    from app.errors import BadRequest

    for source in ("{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}", "{{ " + "not " * 4_500 + "1 }}"):
        with pytest.raises(BadRequest, match=r"nested|available|rendered|Line"):
            templates.check(Words("x", source + "{{ unsubscribe_url }}", default_words().html))


def test_the_default_words_are_of_the_small_language() -> None:
    templates.check(default_words())


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://mail.example.org", "begin with"),
        ("smtp://", "names no host"),
        ("smtps://mail.example.org:99999", "port"),
        ("smtp+starttls://user@mail.example.org", "both user and password"),
        ("smtp://user:hidden@mail.example.org", "in the clear"),
    ],
)
def test_a_wrong_smtp_url_is_told_without_its_password(url: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import ValidationError

    from app.config import Settings

    with pytest.raises(ValidationError, match=wrong) as caught:
        Settings(smtp_url=url)
    assert "smtp_url" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_smtp_urls() -> None:
    server = SmtpServer.of("smtp+starttls://me%40example.org:p%3Aw@mail.example.org")
    assert (server.port, server.user, server.password) == (587, "me@example.org", "p:w")
    assert "p:w" not in repr(server)
    assert (SmtpServer.of("smtps://h").port, SmtpServer.of("smtp://h").port) == (465, 25)


@pytest.mark.parametrize(
    ("smtp", "public", "warned"),
    [
        ("smtp://127.0.0.1:9", "http://analytics.example.org", True),
        ("smtp://127.0.0.1:9", "", True),
        ("smtp://127.0.0.1:9", "https://analytics.example.org/", False),
        ("", "http://analytics.example.org", False),
    ],
)
def test_links_that_are_not_https_are_told_where_an_admin_looks(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, smtp: str, public: str, *, warned: bool
) -> None:
    for name, value in (("SMTP_URL", smtp), ("PUBLIC_URL", public), ("MAIL_FROM", "course@school.example")):
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    with clock.set_now(NOON):
        page = doors.client.get("/api/debug/reminder-preview", headers=doors.admin).json()
    assert [("PUBLIC_URL" in one, "https" in one) for one in page["warnings"]] == [(True, True)] * warned
    course("ann@example.org")
    assert len(send(NOON).warnings) == warned
    run = doors.client.get("/api/reminders", headers=doors.admin).json()["run"]
    assert len(run["detail"]["warnings"]) == warned
    seen = judge(Seen(None, None, None), get_settings(), 0, NOON)
    assert [check.ok for check in seen if check.name == "reminder_links"] == [False] * warned
