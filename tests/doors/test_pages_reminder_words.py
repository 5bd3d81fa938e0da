"""The page of a cohort's own words: written, previewed, taken back, and refused when they cannot be sent."""

import re
from html import unescape
from uuid import UUID, uuid4

import pytest

from app.config import get_settings
from app.database import session_scope
from app.notifications import acts
from app.notifications.templates import Words
from app.notifications.unsubscribing import token_of
from tests.conftest import Doors
from tests.doors.reminder_pages import HOSTILE, outbox, page, post, twin  # noqa: F401
from tests.flow.test_reminders import course, learner_id

WORDS = "/ui/reminder-templates"
GOOD = {
    "subject": "{{ lessons_left }} to go",
    "text": "Hi {{ learner_name }}\r\n{{ unsubscribe_url }}",
    "html": "<p>Hi {{ learner_name }}</p><a href='{{ unsubscribe_url }}'>no more</a>",
    "reminder_hour": "11",
}


def test_words_are_written_previewed_and_taken_back(doors: Doors) -> None:
    spring = course("ann@example.org", name=HOSTILE)
    here = f"{WORDS}/{spring}"
    assert "The default" in page(doors, WORDS)
    assert "uses the default words" in page(doors, here)
    shown = post(doors, f"{here}/preview", **GOOD)
    assert "2 to go" in shown.text
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "<script>alert" not in shown.text
    assert "&lt;p&gt;Hi &amp;lt;script&amp;gt;" in shown.text  # escaped by the template, and once more as a document
    assert token_of(get_settings(), learner_id("ann@example.org")) not in shown.text
    assert not twin(doors, here)["own"]
    answer = post(doors, here, action="save", **GOOD)
    assert answer.headers["location"] == f"{here}?done=saved"
    saved = twin(doors, here)
    assert (saved["own"], saved["reminder_hour"]) == (True, 11)
    assert saved["words"]["text"] == "Hi {{ learner_name }}\n{{ unsubscribe_url }}"
    [row] = twin(doors, WORDS)["cohorts"]
    assert row["own_since"]
    assert (row["reminder_hour"], row["learners"], row["dated_lessons"]) == (11, 1, 2)
    framed = doors.client.get(f"{here}/preview", headers=doors.admin)
    assert "2 to go" in framed.text
    assert framed.headers["x-frame-options"] == "SAMEORIGIN"
    assert post(doors, here, action="default", reminder_hour="7").headers["location"] == f"{here}?done=default"
    back = twin(doors, here)
    assert (back["own"], back["reminder_hour"]) == (False, 7)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text": "One\r\n{{ nobody }} {{ unsubscribe_url }}"}, "Line 2: There is no nobody."),
        ({"text": "{{ unsubscribe_url }}\r\n\r\n{% if %}"}, "Line 3:"),
        ({"html": "<p>no way out</p>"}, "Has no {{ unsubscribe_url }}"),
        ({"subject": "{{ lesson.__class__ }}"}, "subject"),
        ({"reminder_hour": "24"}, "less than or equal to 23"),
        ({"reminder_hour": "noon"}, "no whole number"),
        ({"subject": "x" * 301}, "at most 300"),
        ({"text": ""}, "Is empty."),
    ],
)
def test_words_that_cannot_be_sent_are_refused_and_kept_in_the_form(
    doors: Doors, change: dict[str, str], told: str
) -> None:
    spring = course("ann@example.org")
    answer = post(doors, f"{WORDS}/{spring}", action="save", **{**GOOD, **change})
    assert answer.status_code == 400, answer.text
    assert told in unescape(answer.text), answer.text
    assert "to go" in answer.text or "subject" in change
    assert not twin(doors, f"{WORDS}/{spring}")["own"]
    shown = post(doors, f"{WORDS}/{spring}/preview", **{**GOOD, **change})
    assert shown.status_code == 200
    assert told in unescape(shown.text)


def test_what_closes_the_text_field_is_escaped(doors: Doors) -> None:
    spring = course("ann@example.org")
    with session_scope() as db:
        words = Words("s", "</textarea><script>x</script>{{ unsubscribe_url }}", "<b>{{ unsubscribe_url }}</b>")
        acts.put_template(db, spring, acts.Hours(9, None, None), words, "a test")
    seen = doors.client.get(f"{WORDS}/{spring}", headers=doors.admin).text
    assert "<script>x" not in seen
    assert "&lt;/textarea&gt;" in seen


def test_words_of_nobody(doors: Doors) -> None:
    assert "No cohorts yet" in page(doors, WORDS)
    spring = course()
    assert "nobody to show this with" in doors.client.get(f"{WORDS}/{spring}/preview", headers=doors.admin).text
    nothing: UUID = uuid4()
    assert doors.client.get(f"{WORDS}/{nothing}", headers=doors.admin).status_code == 404
    assert post(doors, f"{WORDS}/{nothing}", **GOOD).status_code == 404
    assert re.search("No cohort has this", page(doors, WORDS, search="autumn"))
