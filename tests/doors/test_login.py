"""Logging in and out: by name, by the admin token; what ends a session; what is told to whom."""

import os
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access import limits
from app.accounts import logins, passwords
from app.config import get_settings
from app.database import session_scope
from app.platform import clock
from app.ui.login import START, own_path
from tests.conftest import Doors
from tests.doors.people import ADMIN_TOKEN, PASSWORD, account, acts, log_in, token, visitor
from tests.doors.test_signup import doors_with

ANN = {"name": "ann", "password": PASSWORD}
PAGE = {"Accept": "text/html"}


def cookie_of(answer: Any, name: str = "session") -> str:
    """The Set-Cookie line that gives a cookie, as it was sent."""
    return next(line for line in answer.headers.get_list("set-cookie") if f"7t_{name}=" in line)


def test_nobody_sees_a_page_without_a_login(doors: Doors) -> None:
    answer = doors.client.get("/ui/account?done=ended&x=1", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/ui/login?next=%2Fui%2Faccount%3Fdone%3Dended%26x%3D1",
    )
    for refused in (
        doors.client.get("/ui/account"),
        doors.client.post("/ui/logout"),
        doors.client.get("/api/reports/cohorts/x/overview", headers=PAGE),
    ):
        assert refused.status_code == 401
        assert refused.json()["code"] == "not_authenticated"
        assert refused.headers["www-authenticate"].startswith("Bearer")
    told = doors.client.post("/ui/logout", headers=PAGE)
    assert (told.status_code, told.headers["content-type"]) == (401, "text/html; charset=utf-8")


def test_somebody_logs_in_by_name_in_any_case_and_out_again(doors: Doors) -> None:
    ann = account("Ann", "viewer")
    answer = log_in(doors.client, {**ANN, "next": "/ui/account?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/account?x=1")
    page = doors.client.get("/ui/account", headers=PAGE)
    assert "You are logged in as Ann, a viewer." in page.text
    who = doors.client.get("/api/session").json()
    assert (who["name"], who["role"], len(who["sessions"])) == ("Ann", "viewer", 1)
    out = doors.client.post("/ui/logout", data={"csrf_token": who["csrf_token"]}, follow_redirects=False)
    assert (out.status_code, out.headers["location"]) == (303, "/ui/login")
    assert "Max-Age=0" in cookie_of(out)
    assert doors.client.get("/ui/account").status_code == 401
    name, target = "account Ann", f"account:{ann.id}"
    assert acts()[1:] == [(name, "session.begin", target), (name, "session.end", target)]


def test_the_admin_token_alone_begins_a_session_that_ends_with_it(doors: Doors) -> None:
    assert log_in(doors.client, {"admin_token": "something else"}).status_code == 401
    assert log_in(doors.client, {"admin_token": ADMIN_TOKEN}).status_code == 303
    assert doors.client.get("/ui/admin/accounts").status_code == 200
    assert acts() == [
        ("nobody", "session.refuse", "account:admin token"),
        ("admin token", "session.begin", "account:admin token"),
    ]
    cookie = doors.client.cookies["7t_session"]
    with doors_with(admin_token="a new one") as changed:
        assert changed.get("/ui/account", headers={"Cookie": f"7t_session={cookie}"}).status_code == 401


def test_a_login_gives_another_session_and_ends_the_one_before(doors: Doors) -> None:
    ann = account()
    before = visitor(doors.client, ann)
    fresh = TestClient(doors.client.app)
    page = fresh.get("/ui/login")
    field = page.text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    fresh.cookies.set("7t_session", before.cookie)
    answer = fresh.post("/ui/login", data={"csrf_token": field, **ANN}, follow_redirects=False)
    assert answer.status_code == 303
    assert before.cookie not in cookie_of(answer)
    assert before.ask("GET", "/ui/account").status_code == 401, "the token of before must not work any more"


def test_the_form_that_can_be_used_is_the_open_one(doors: Doors) -> None:
    def folded() -> str:
        text = doors.client.get("/ui/login", headers=PAGE).text
        return text.split("<details", 1)[1]

    assert 'name="password"' in folded()
    assert 'name="admin_token"' not in folded(), "without accounts nobody could use the other form"
    ann = account("Ann")
    assert 'name="admin_token"' in folded()
    assert 'name="password"' not in folded()
    told = log_in(doors.client, {"admin_token": "not it"})
    assert '<details class="card" open>' in told.text, "who was refused sees the form that they used"
    assert "This is not the admin token." in told.text
    with session_scope() as db:
        logins.set_disabled(db, "a test", logins.find(db, ann.id), True)
    assert 'name="admin_token"' not in folded(), "a disabled account lets nobody in"


@pytest.mark.parametrize("wrong", [{"name": "ann", "password": "not it"}, {"name": "nobody", "password": PASSWORD}])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(doors: Doors, wrong: dict[str, str]) -> None:
    account("Ann")
    answer = log_in(doors.client, wrong)
    assert answer.status_code == 401
    assert "This name and this password do not belong together." in answer.text
    assert "not it" not in answer.text
    assert PASSWORD not in answer.text
    assert "7t_session" not in answer.headers.get("set-cookie", "")


def test_each_try_costs_one_hash_whatever_the_name(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, made = account("Ann"), account("Eve")
    with session_scope() as db:
        logins.set_disabled(db, "a test", logins.find(db, made.id), True)
    compared: list[str] = []
    real = type(passwords._HASHER).verify

    def counted(self: Any, hash_: str, password: str) -> Any:
        compared.append(hash_)
        return real(self, hash_, password)

    monkeypatch.setattr(type(passwords._HASHER), "verify", counted)
    for fields in ({"name": "ann", "password": "x"}, {"name": "nobody", "password": "x"}, {**ANN, "name": "eve"}, ANN):
        answer = log_in(doors.client, fields)
        assert answer.status_code == (303 if fields is ANN else 401), fields
    assert len(compared) == 4
    assert len({one.rsplit("$", 2)[0] for one in compared}) == 1, "all with the same parameters"
    assert ann.password_hash in compared


def test_tries_are_limited_by_name_and_by_address(doors: Doors) -> None:
    account("Ann")
    with doors_with(login_max_per_name_per_quarter_hour="2", login_max_per_address_per_quarter_hour="5") as client:
        for _ in range(2):
            assert log_in(client, {"name": "ANN", "password": "x"}).status_code == 401
        locked = log_in(client, ANN)
        assert locked.status_code == 429
        assert 0 < int(locked.headers["retry-after"]) <= 900
        assert "There were too many tries to log in with this name. Try again in 15 minutes." in locked.text
        assert log_in(client, {"name": "eve", "password": "x"}).status_code == 401, "another name is another matter"
        assert log_in(client, {"admin_token": ADMIN_TOKEN}).status_code == 303, "and so is the token"
        client.cookies.clear()
        by_address = log_in(client, {"admin_token": ADMIN_TOKEN})
        assert by_address.status_code == 429
        assert "from this address" in by_address.text
    assert [act for _, act, _ in acts()].count("session.lock_out") == 2


def test_a_right_login_begins_to_count_anew(doors: Doors) -> None:
    account("Ann")
    with doors_with(login_max_per_name_per_quarter_hour="2") as client:
        for _ in range(3):
            assert log_in(client, {"name": "ann", "password": "x"}).status_code == 401
            assert log_in(client, ANN).status_code == 303
            client.cookies.clear()


def test_tries_are_limited_while_redis_is_away(doors: Doors) -> None:
    account("Ann")
    with doors_with(login_max_per_name_per_quarter_hour="2") as client:
        client.app.state.counters = limits.Counters("redis://127.0.0.1:1/0")  # type: ignore[attr-defined]
        for _ in range(2):
            assert log_in(client, {"name": "ann", "password": "x"}).status_code == 401
        assert log_in(client, ANN).status_code == 429


@pytest.mark.parametrize(
    "next_",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\tb", "/a\n/b", "ui", ""],
)
def test_a_login_leads_nowhere_else(doors: Doors, next_: str) -> None:
    assert own_path(next_) == START
    answer = log_in(doors.client, {"admin_token": ADMIN_TOKEN, "next": next_})
    assert answer.headers["location"] == START
    here = doors.client.get("/ui/login", params={"next": next_}, follow_redirects=False)
    assert here.headers["location"] == START


def test_own_paths_are_followed() -> None:
    for path in ("/ui", "/ui/cohorts/spring?sort=name&attr.Team=Blue", "/docs", "/ui/x%2Fy"):
        assert own_path(path) == path


@pytest.fixture
def ann(doors: Doors) -> Any:
    """Ann, logged in twice."""
    whose = account("Ann", "admin")
    return whose, visitor(doors.client, whose), visitor(doors.client, whose)


def test_out_everywhere_ends_every_session_of_this_account_only(doors: Doors, ann: Any) -> None:
    _, here, there = ann
    eve = visitor(doors.client, account("Eve"))
    by_token = visitor(doors.client, None)
    assert here.ask("POST", "/ui/logout-everywhere").status_code == 303
    assert {here.ask("GET", "/ui/account").status_code, there.ask("GET", "/ui/account").status_code} == {401}
    assert {eve.ask("GET", "/ui/account").status_code, by_token.ask("GET", "/ui/account").status_code} == {200}
    assert by_token.ask("POST", "/ui/logout-everywhere").status_code == 303
    assert by_token.ask("GET", "/ui/account").status_code == 401


def test_one_session_can_be_ended_and_only_ones_own(doors: Doors, ann: Any) -> None:
    _, here, there = ann
    eve = visitor(doors.client, account("Eve"))
    other = next(s["id"] for s in here.ask("GET", "/api/session").json()["sessions"] if not s["current"])
    assert eve.ask("POST", f"/ui/account/sessions/{other}/end").status_code == 303
    assert there.ask("GET", "/ui/account").status_code == 200, "it is not Eve's to end"
    assert here.ask("POST", f"/ui/account/sessions/{other}/end").status_code == 303
    assert there.ask("GET", "/ui/account").status_code == 401
    assert here.ask("GET", "/ui/account").status_code == 200


def test_a_session_ends_by_silence_and_by_age(doors: Doors) -> None:
    start = clock.now()
    settings = get_settings()
    idle, longest = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_max_hours)
    with clock.set_now(start):
        silent, busy = (visitor(doors.client, account(name)) for name in ("Ann", "Eve"))
    at = start
    while at + idle * 0.9 < start + longest:
        at += idle * 0.9
        with clock.set_now(at):
            assert busy.ask("GET", "/ui/account").status_code == 200
        if at == start + idle * 0.9:
            with clock.set_now(start + idle - timedelta(seconds=1)):
                assert silent.ask("GET", "/ui/account").status_code == 200, "one look keeps it"
            silent_since = start + idle - timedelta(seconds=1)
    with clock.set_now(silent_since + idle):
        assert silent.ask("GET", "/ui/account").status_code == 401
    with clock.set_now(start + longest):
        assert busy.ask("GET", "/ui/account").status_code == 401


def test_a_changed_password_ends_all_sessions_but_this_one(doors: Doors, ann: Any) -> None:
    _, here, there = ann
    wrong = here.ask("POST", "/ui/account/password", data={"current": "no", "new": "nine copper kettles hum"})
    assert wrong.status_code == 403
    weak = here.ask("POST", "/ui/account/password", data={"current": PASSWORD, "new": "ann ann ann ann"})
    assert weak.status_code == 400
    assert there.ask("GET", "/ui/account").status_code == 200
    form = {"current": PASSWORD, "new": " nine copper kettles hum "}
    done = here.ask("POST", "/ui/account/password", data=form)
    assert done.status_code == 303
    assert {here.ask("GET", "/ui/account").status_code, there.ask("GET", "/ui/account").status_code} == {401}
    renewed = cookie_of(done).split("=", 1)[1].split(";")[0]
    assert doors.client.get("/ui/account", headers={"Cookie": f"7t_session={renewed}"}).status_code == 200
    doors.client.cookies.clear()
    assert log_in(doors.client, {"name": "ann", "password": form["new"].strip()}).status_code == 401, "blanks count"
    assert log_in(doors.client, {"name": "ann", "password": form["new"]}).status_code == 303


def test_an_admin_makes_changes_and_disables_accounts(doors: Doors) -> None:
    boss = visitor(doors.client, account("Boss", "admin"))
    plan = {"name": "Eve", "password": PASSWORD, "role": "viewer"}
    assert boss.ask("POST", "/ui/admin/accounts", data=plan).status_code == 303
    assert boss.ask("POST", "/ui/admin/accounts", data={**plan, "name": "EVE"}).status_code == 409
    assert boss.ask("POST", "/ui/admin/accounts", data={**plan, "name": "x", "password": "eve"}).status_code == 400
    assert boss.ask("POST", "/ui/admin/accounts", data={**plan, "name": "x", "role": "god"}).status_code == 400
    page = boss.ask("GET", "/ui/admin/accounts")
    assert "Eve" in page.text
    listed = {one["name"]: one["id"] for one in boss.ask("GET", "/api/accounts").json()}
    with session_scope() as db:
        eve = visitor(doors.client, logins.find(db, "eve"))
    assert eve.ask("GET", "/api/accounts").status_code == 403
    path = f"/ui/admin/accounts/{listed['Eve']}"
    assert boss.ask("POST", path, data={"role": "admin"}).status_code == 303
    assert eve.ask("GET", "/api/accounts").status_code == 200, "a role counts from the next request on"
    assert boss.ask("POST", path, data={"disabled": "true"}).status_code == 303
    assert eve.ask("GET", "/api/session").status_code == 401
    assert log_in(doors.client, {"name": "eve", "password": PASSWORD}).status_code == 401
    own = boss.ask("PATCH", f"/api/accounts/{listed['Boss']}", json={"disabled": True})
    assert own.status_code == 409
    assert boss.ask("PATCH", f"/api/accounts/{listed['Eve']}", json={"disabled": False}).status_code == 200
    assert log_in(doors.client, {"name": "eve", "password": PASSWORD}).status_code == 303
    done = [(actor, act) for actor, act, _ in acts() if act.startswith("account.") and actor == "account Boss"]
    assert [act for _, act in done] == ["account.create", "account.role", "account.disable", "account.enable"]


def test_nobody_gives_more_than_they_have(doors: Doors) -> None:
    manager = token("accounts:write", "keys:write", "reports:read", name="manager")
    plan = {"name": "Eve", "password": PASSWORD, "role": "admin"}
    assert doors.client.post("/api/accounts", json=plan, headers=manager).status_code == 403
    boss = account("Boss", "admin")
    taken = doors.client.patch(f"/api/accounts/{boss.id}", json={"password": PASSWORD + "!"}, headers=manager)
    assert taken.status_code == 403
    wanted = {"name": "x", "scopes": ["people:write"]}
    assert doors.client.post("/api/tokens", json=wanted, headers=manager).status_code == 403
    given = doors.client.post("/api/tokens", json={"name": "x", "scopes": ["reports:read"]}, headers=manager)
    assert given.status_code == 201
    assert given.json()["created_by"] == "token manager"


def test_tokens_end_when_they_expire_or_are_revoked_and_tell_when_they_were_used(doors: Doors) -> None:
    start = clock.now()
    with clock.set_now(start):
        program = token("reports:read", days=2)
        assert doors.client.get("/api/cohorts", headers=program).status_code == 200
    first = doors.client.get("/api/tokens", headers=doors.admin).json()[0]
    assert first["last_used_at"] is not None
    with clock.set_now(start + timedelta(seconds=59)):
        doors.client.get("/api/cohorts", headers=program)
    assert doors.client.get("/api/tokens", headers=doors.admin).json()[0] == first, "written once a minute at most"
    with clock.set_now(start + timedelta(days=2)):
        assert doors.client.get("/api/cohorts", headers=program).status_code == 401
    with clock.set_now(start + timedelta(days=1)):
        assert doors.client.get("/api/cohorts", headers=program).status_code == 200
        assert doors.client.get("/api/tokens", headers=doors.admin).json()[0]["last_used_at"] != first["last_used_at"]
        assert doors.client.delete(f"/api/tokens/{first['id']}", headers=doors.admin).status_code == 200
        assert doors.client.get("/api/cohorts", headers=program).status_code == 401


def test_a_token_relays_sign_ups_only_with_its_scope(doors: Doors) -> None:
    doors.client.put("/api/cohorts/spring", json={"name": "Spring"}, headers=doors.admin)
    form = {"name": "Ann Lee", "email": "ann@example.org", "cohort": "spring"}
    for scope, status in (("people:write", 200), ("learners:read", 403)):
        assert doors.client.post("/api/signup", json=form, headers=token(scope, name=scope)).status_code == status
    ended = {"Authorization": "Bearer 7t_something"}
    assert doors.client.post("/api/signup", json=form, headers=ended).status_code == 401


def test_the_audit_log_tells_who_and_no_secrets(doors: Doors) -> None:
    boss = visitor(doors.client, account("Boss", "admin"))
    assert boss.ask("PUT", "/api/cohorts/spring", json={"name": "Spring"}).status_code == 200
    log_in(doors.client, {"name": PASSWORD, "password": "x"})
    log_in(doors.client, {"name": "boss", "password": PASSWORD + "?"})
    assert boss.ask("POST", "/api/tokens", json={"name": "bot", "scopes": ["reports:read"]}).status_code == 201
    page = doors.client.get("/api/audit", params={"limit": 2}, headers=doors.admin).json()
    older = doors.client.get("/api/audit", params={"before": page["more"]}, headers=doors.admin)
    told = [*page["acts"], *older.json()["acts"]]
    assert [(one["actor"], one["act"]) for one in told] == [
        ("account Boss", "token.create"),
        ("nobody", "session.refuse"),
        ("nobody", "session.refuse"),
        ("account Boss", "cohort.put"),
        ("a test", "account.create"),
    ]
    for secret in (PASSWORD, boss.cookie, os.environ["ADMIN_TOKEN"], "7t_"):
        assert secret not in str(told)


def test_a_login_that_was_under_way_while_the_password_changed_is_none(doors: Doors) -> None:
    ann, start = account("Ann"), clock.now()
    with session_scope() as db, clock.set_now(start + timedelta(minutes=1)):
        logins.set_password(db, "a test", logins.find(db, ann.id), "nine copper kettles hum")
    with clock.set_now(start):
        late = visitor(doors.client, ann)
    assert late.ask("GET", "/ui/account").status_code == 401
