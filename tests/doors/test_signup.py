"""Sign-up by form, by script, by relay: nothing is revealed of people who are known, or overwritten."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.accounts.models import AvatarClaim, CohortMember, UserIdentifier
from app.config import get_settings
from app.database import session_scope
from app.models import User
from tests.conftest import Doors
from tests.statements import completed

ANN = {"name": "Ann Lee", "email": "Ann@Example.org", "avatar": "Annie", "cohort": "spring", "time_zone": "Asia/Tokyo"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def doors_with(**settings: str) -> Iterator[TestClient]:
    """The API with other settings."""
    from app.main import create_app

    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name.upper(), value)
        get_settings.cache_clear()
        with TestClient(create_app(), raise_server_exceptions=False) as client:
            yield client
    get_settings.cache_clear()


@pytest.fixture
def spring(doors: Doors) -> str:
    answer = doors.client.put("/api/cohorts/spring", json={"name": "Spring"}, headers=doors.admin)
    return str(answer.json()["id"])


def post(client: TestClient, body: dict[str, Any], **headers: str) -> Any:
    return client.post("/api/signup", json=body, headers=headers)


def post_form(client: TestClient, body: dict[str, str]) -> Any:
    return client.post("/api/signup", content=urlencode(body), headers=FORM, follow_redirects=False)


def learners() -> dict[str | None, User]:
    with session_scope() as db:
        return {user.name: user for user in db.scalars(select(User))}


def test_a_stranger_signs_up_and_their_statements_find_them(
    doors: Doors, spring: str, drain: Callable[[], int]
) -> None:
    answer = post(doors.client, {**ANN, "phone": "+1 (555) 010-0123", "language": "en-GB"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "name": "Ann Lee",
        "email": "ann@example.org",
        "phone": "+15550100123",
        "avatar": "Annie",
        "cohort": "spring",
        "time_zone": "Asia/Tokyo",
        "language": "en-GB",
    }
    hidden = {"mbox_sha1sum": sha1(b"mailto:ann@example.org").hexdigest()}
    by_phone = {"account": {"homePage": "https://app.7taps.com", "name": "+15550100123"}}
    doors.post([completed(number=1, actor=hidden), completed(number=2, actor=by_phone)])
    drain()
    report = doors.client.get(f"/api/reports/cohorts/{spring}/completions", headers=doors.admin).json()
    assert [(one["name"], one["completed"]) for one in report["learners"]] == [("Ann Lee", 2)]
    assert learners()["Ann Lee"].source == "signup"


def test_somebody_known_is_answered_as_somebody_new_and_stays_who_they_are(doors: Doors, spring: str) -> None:
    first = post(doors.client, {**ANN, "language": "ja"})
    mallory = {"name": "Mallory", "email": "ann@example.ORG", "phone": "+15550100999", "avatar": "other"}
    again = post(doors.client, {**mallory, "cohort": "spring", "time_zone": "UTC"})
    new = post(doors.client, {**mallory, "email": "new@example.org", "avatar": "third", "phone": "+15550100998"})
    assert first.status_code == again.status_code == new.status_code == 200
    assert again.json().keys() == new.json().keys()
    assert "Ann" not in again.text
    ann = learners()["Ann Lee"]
    assert (ann.email, ann.phone, ann.avatar, ann.time_zone, ann.language) == (
        "ann@example.org",
        None,
        "Annie",
        "Asia/Tokyo",
        "ja",
    )
    with session_scope() as db:
        kinds = db.scalars(select(UserIdentifier.kind).where(UserIdentifier.user_id == ann.id)).all()
        assert "phone" not in kinds
        assert db.scalar(select(func.count()).select_from(CohortMember)) == 1


def test_a_relay_is_believed_about_a_second_identifier(doors: Doors) -> None:
    post(doors.client, {"name": "Ann", "email": "ann@example.org"})
    body = {"name": "Ann", "email": "ann@example.org", "phone": "+15550100123"}
    assert doors.client.post("/api/signup", json=body, auth=doors.sender).status_code == 200
    assert [user.phone for user in learners().values()] == ["+15550100123"]


def test_a_handle_is_taken_whatever_its_case_and_whoever_asks(doors: Doors, spring: str) -> None:
    post(doors.client, ANN)
    for email in ("ben@example.org", "ann@example.org"):
        answer = post(doors.client, {"name": "Ben", "email": email, "avatar": "aNNIE"})
        assert (answer.status_code, answer.json()["code"]) == (400, "avatar_taken")
        assert answer.json()["problems"][0]["path"] == "avatar"
    assert list(learners()) == ["Ann Lee"]
    # A handle that somebody known asked for beside their own is gone too: whether it is tells nothing of them.
    assert post(doors.client, {"name": "Ann", "email": "ann@example.org", "avatar": "ann2"}).status_code == 200
    assert post(doors.client, {"name": "Ben", "email": "ben@example.org", "avatar": "Ann2"}).status_code == 400
    with session_scope() as db:
        assert set(db.scalars(select(AvatarClaim.handle))) == {"Annie", "ann2"}


def test_a_second_click_is_no_second_sign_up(doors: Doors, spring: str) -> None:
    assert [post(doors.client, ANN).status_code for _ in range(2)] == [200, 200]


def test_the_form_of_the_document_posts_as_it_stands(doors: Doors, spring: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "signup.md").read_text()
    form = re.search(r"```html\n(.*?)```", page, re.DOTALL)
    assert form
    fields: dict[str, str] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "form":
                assert str(given["action"]).endswith("/api/signup")
                assert given["method"] == "post"
            if tag == "input":
                fields[str(given["name"])] = given.get("value") or ""

    Reader().feed(form[1])
    with doors_with(signup_redirect_url="https://www.example.org/thanks?a=1&b=2") as client:
        filled = {**fields, "name": "Zoë Öz", "email": "zoe@example.org", "utm_source": "poster"}
        answer = post_form(client, filled)
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://www.example.org/thanks?a=1&b=2")
    zoe = learners()["Zoë Öz"]
    assert (zoe.email, zoe.time_zone, zoe.language, zoe.phone) == ("zoe@example.org", "Europe/Berlin", "en", None)
    with session_scope() as db:
        assert db.scalar(select(CohortMember.user_id)) == zoe.id


def test_a_form_that_is_not_right_comes_back_as_a_page_that_runs_nothing(doors: Doors) -> None:
    evil = "<script>alert(1)</script>"
    answer = post_form(doors.client, {"name": "Ann", "email": "ann", "time_zone": evil, "cohort": "spring"})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "E-mail" in answer.text
    assert "<script" not in answer.text
    assert "&lt;script" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    taken = {"name": "Ann", "email": "ann@example.org", "avatar": "Annie"}
    assert post_form(doors.client, taken).status_code == 200
    answer = post_form(doors.client, {**taken, "email": "ben@example.org"})
    assert (answer.status_code, "is taken" in answer.text) == (400, True)


def test_a_machine_that_fills_in_the_trap_is_not_entered(doors: Doors) -> None:
    answer = post(doors.client, {"name": "Bot", "email": "bot@example.org", "website": "https://spam.example"})
    assert answer.status_code == 200
    assert learners() == {}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"name": "Ann\r\nBcc: all@example.org"}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"email": "ann@example.org\nBcc: x@example.org"}, "email"),
        ({"email": "a" * 320 + "@example.org"}, "email"),
        ({"email": None, "phone": None}, "$"),
        ({"phone": "12"}, "phone"),
        ({"phone": "١٢٣٤٥٦٧٨٩"}, "phone"),
        ({"avatar": "two words"}, "avatar"),
        ({"avatar": "a"}, "avatar"),
        ({"cohort": "nowhere"}, "cohort"),
        ({"cohort": "Not A Slug"}, "cohort"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"language": "german please"}, "language"),
        ({"admin": True}, "admin"),
    ],
)
def test_what_is_not_right_is_named(doors: Doors, change: dict[str, Any], path: str) -> None:
    answer = post(doors.client, {"name": "Ann", "email": "ann@example.org", **change})
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, path), answer.text
    assert learners() == {}


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"name=%ff", FORM["Content-Type"], 400),
        (b"a=1&" * 60, FORM["Content-Type"], 400),
        (b"name=Ann", "text/plain", 415),
        (b"", "", 415),
        (b"name=" + b"a" * 20_000, FORM["Content-Type"], 413),
    ],
)
def test_bodies_that_are_no_sign_up(doors: Doors, content: bytes, media: str, status: int) -> None:
    answer = doors.client.post("/api/signup", content=content, headers={"Content-Type": media})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic d3Jvbmc6d3Jvbmc="])
def test_wrong_credentials_are_refused_rather_than_passed_over(doors: Doors, header: str) -> None:
    answer = post(doors.client, {"name": "Ann", "email": "ann@example.org"}, Authorization=header)
    assert (answer.status_code, learners()) == (401, {})


def test_a_credential_without_the_scope_is_no_relay(doors: Doors) -> None:
    defining = doors.holding("define")
    body = {"name": "Ann", "email": "ann@example.org"}
    assert doors.client.post("/api/signup", json=body, auth=defining.sender).status_code == 403


def sign_ups(client: TestClient, count: int, start: int = 0, **headers: str) -> list[int]:
    people = [{"name": "P", "email": f"p{n}@example.org"} for n in range(start, start + count)]
    return [post(client, one, **headers).status_code for one in people]


def test_an_address_has_its_share_and_a_relay_has_none(doors: Doors) -> None:
    with doors_with(signup_max_per_address_per_hour="2") as client:
        assert sign_ups(client, 3) == [200, 200, 429]
        answer = post(client, {"name": "P", "email": "late@example.org"}, **{"X-Forwarded-For": "192.0.2.7"})
        assert answer.status_code == 429, "a header that nobody vouches for was believed"
        assert 0 < int(answer.headers["Retry-After"]) <= 3_600
        page = post_form(client, {"name": "P", "email": "late@example.org"})
        assert (page.status_code, page.headers["Content-Type"][:9], "Retry-After" in page.headers) == (
            429,
            "text/html",
            True,
        )
        assert sign_ups(client, 3, 10, **doors.admin) == [200] * 3


def test_behind_a_proxy_the_address_is_what_that_proxy_wrote(doors: Doors) -> None:
    with doors_with(signup_max_per_address_per_hour="1", signup_trusted_proxies="1") as client:
        assert sign_ups(client, 2, 0, **{"X-Forwarded-For": "192.0.2.1"}) == [200, 429]
        assert sign_ups(client, 1, 2, **{"X-Forwarded-For": "198.51.100.9, 192.0.2.1"}) == [429]
        assert sign_ups(client, 1, 3, **{"X-Forwarded-For": "192.0.2.2:4711"}) == [200]
        assert sign_ups(client, 1, 4, **{"X-Forwarded-For": "2001:db8::1"}) == [200]
        assert sign_ups(client, 1, 5, **{"X-Forwarded-For": "2001:db8::2"}) == [429]


def test_while_redis_is_away_people_sign_up_all_the_same(doors: Doors) -> None:
    from app.api.signup_limit import SignupLimit

    app: Any = doors.client.app
    app.state.signup_limit = SignupLimit("redis://127.0.0.1:1/0", 1)
    assert sign_ups(doors.client, 3) == [200, 200, 200]
    assert len(os.environ["REDIS_URL"]) > 0


def test_only_the_configured_origins_may_read_the_answer(doors: Doors) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with doors_with(signup_origins="https://www.example.org", cors_origins="https://lrs.example.org") as client:
        for origin, allowed in (("https://www.example.org", True), ("https://evil.example", False)):
            asked = client.options("/api/signup", headers={"Origin": origin, **preflight})
            assert (asked.status_code == 200) is allowed
            answer = post(client, {"name": "P", "email": "p@example.org"}, Origin=origin)
            told = answer.headers.get("Access-Control-Allow-Origin")
            assert told == (origin if allowed else None)
        elsewhere = client.options("/api/cohorts", headers={"Origin": "https://www.example.org", **preflight})
        assert "Access-Control-Allow-Origin" not in elsewhere.headers
    with pytest.raises(ValueError, match="origin"), doors_with(signup_origins="*"):
        pass
    get_settings.cache_clear()
