"""Keys of senders and tokens of programs: the page and its doors. What is secret is told once, and nowhere else."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select, text

from app.accounts.credentials import note_check
from app.accounts.models import Credential
from app.accounts.scopes import MEANINGS
from app.audit import AuditEntry
from app.database import get_engine, session_scope
from app.platform import clock
from app.security import CredentialCheck
from tests.conftest import Doors
from tests.doors.people import account, token, visitor
from tests.statements import completed

PATH = "/ui/admin/keys"
API = "/api/keys"
HOSTILE = "<script>alert(1)</script>\u202e\"'"


def post(doors: Doors, path: str = "", /, **fields: Any) -> Any:
    return doors.client.post(PATH + path, data=fields or {"x": ""}, headers=doors.admin, follow_redirects=False)


def made(doors: Doors, name: str = "7taps", *scopes: str) -> tuple[str, tuple[str, str]]:
    """A key made by the form: the page's text, and user name and password as they stand in it."""
    answer = post(doors, name=name, scope=list(scopes) or ["statements/write", "define"])
    assert answer.status_code == 200, answer.text
    codes = [unescape(one) for one in re.findall(r"<code>([A-Za-z0-9+/=]{50,})</code>", answer.text)]
    return answer.text, (codes[0], codes[1])


def keys(doors: Doors) -> dict[str, Any]:
    found = doors.client.get(PATH, params={"format": "json"}, headers=doors.admin).json()["keys"]
    return {one["name"]: one for one in found}


def sends(doors: Doors, auth: tuple[str, str]) -> int:
    headers = {"X-Experience-API-Version": "1.0.3"}
    return int(doors.client.post("/xapi/statements", json=completed(), auth=auth, headers=headers).status_code)


@pytest.mark.parametrize("path", [PATH, API])
def test_strangers_and_viewers_stay_outside(doors: Doors, path: str) -> None:
    assert doors.client.get(path).status_code == 401
    assert doors.client.post(path, data={"name": "x"}).status_code == 401
    assert visitor(doors.client, account()).ask("GET", path).status_code == 403
    away = doors.client.get(PATH, headers={"Accept": "text/html"}, follow_redirects=False)
    assert away.headers["location"].startswith("/ui/login")


def test_a_key_is_shown_once_with_what_to_paste_and_works(doors: Doors) -> None:
    seen, auth = made(doors, HOSTILE)
    assert "/api/xapi/statements" in seen
    assert "<script>alert" not in seen
    assert "PUBLIC_URL is not set" in seen
    assert f'<div data-secret><div class="code"><pre tabindex="0"><code>{auth[1]}' in seen
    assert sends(doors, auth) == 200
    answer = doors.client.get(PATH, headers={**doors.admin, "Accept": "text/html"})
    assert auth[1] not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert [key["scopes"] for key in keys(doors).values()] == [["define", "statements/write"]]


def test_the_page_says_where_agents_get_their_tokens_and_what_each_scope_opens(doors: Doors) -> None:
    seen = doors.client.get(PATH, headers={**doors.admin, "Accept": "text/html"}).text
    assert "Make a token for a program or agent" in seen
    assert all(f"<code>{scope}</code>" in seen and meaning in unescape(seen) for scope, meaning in MEANINGS.items())
    contracts = doors.client.get("/ui/contracts", headers={**doors.admin, "Accept": "text/html"}).text
    assert 'href="/ui/admin/keys#new-token"' in contracts


def test_the_secret_is_in_no_log_no_table_and_no_address(doors: Doors, capfd: pytest.CaptureFixture[str]) -> None:
    _, (_, secret) = made(doors)
    answer = post(doors, "/tokens", name="a program", scope="reports:read", days="30")
    shown = unescape(re.search(r"<code>(7t_[\w-]{20,})</code>", answer.text)[1])  # type: ignore[index]
    assert "location" not in answer.headers
    told = capfd.readouterr()
    with session_scope() as db:
        audited = str([(one.target, one.detail) for one in db.scalars(select(AuditEntry))])
        stored = str(db.execute(text("SELECT * FROM credentials")).all())
        stored += str(db.execute(text("SELECT * FROM agent_tokens")).all())
    assert "key.create" in str(audits())
    assert "token.create" in str(audits())
    for one in (secret, shown):
        assert all(one not in where for where in (told.out, told.err, audited, stored))
    header = {"Authorization": f"Bearer {shown}"}
    assert doors.client.get("/api/cohorts", headers=header).status_code == 200


def audits() -> list[tuple[str, str]]:
    with session_scope() as db:
        return [(one.act, one.actor) for one in db.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_a_form_that_is_sent_again_makes_no_second_key(doors: Doors) -> None:
    made(doors)
    again = post(doors, name="7TAPS", scope="define")
    assert again.status_code == 409
    assert "There is a key named" in again.text
    assert len(keys(doors)) == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "", "scope": "define"}, "at least 1 character"),
        ({"name": "x" * 101, "scope": "define"}, "at most 100"),
        ({"name": "a\x00", "scope": "define"}, "NUL"),
        ({"name": "a", "scope": "root"}, "There is no scope 'root'"),
        ({"name": "a"}, "at least 1 item"),
    ],
)
@pytest.mark.parametrize("path", ["", "/tokens"])
def test_a_wrong_form_is_told(doors: Doors, path: str, fields: dict[str, str], told: str) -> None:
    answer = post(doors, path, **{**fields, **({"days": "30"} if path else {})})
    assert answer.status_code == 400, answer.text
    assert told in unescape(answer.text), answer.text
    assert keys(doors) == {}


def test_both_keys_work_until_the_old_one_is_revoked(doors: Doors) -> None:
    doors.client.app.state.credential_check = CredentialCheck(None, 0)  # type: ignore[attr-defined]
    _, old_auth = made(doors)
    old = keys(doors)["7taps"]["id"]
    with clock.set_now(clock.now() - timedelta(minutes=5)):
        assert sends(doors, old_auth) == 200
    answer = post(doors, f"/{old}/successor")
    codes = re.findall(r"<code>([A-Za-z0-9+/=]{50,})</code>", answer.text)
    new_auth = (unescape(codes[0]), unescape(codes[1]))
    found = keys(doors)
    heir = next(one for one in found.values() if one["succeeds"] == old)
    assert heir["name"].startswith("7taps from 20")
    assert heir["scopes"] == found["7taps"]["scopes"]
    assert (found["7taps"]["successor"], found["7taps"]["used_last"]) == (heir["id"], "old")
    assert "the sender still has it" in doors.client.get(PATH, headers=doors.admin).text
    assert (sends(doors, old_auth), sends(doors, new_auth)) == (200, 200)
    assert keys(doors)["7taps"]["used_last"] == "new"
    assert post(doors, f"/{old}/successor").status_code == 409
    assert post(doors, f"/{old}/revoke").headers["location"] == f"{PATH}?done=revoked"
    assert (sends(doors, old_auth), sends(doors, new_auth)) == (401, 200)
    assert keys(doors)["7taps"]["successor"] is None
    assert post(doors, f"/{old}/successor").status_code == 409
    assert [act for act, _ in audits()] == ["key.create", "key.create", "key.revoke"]
    for wrong in ("0" * 64, "x", "..%2F"):
        assert post(doors, f"/{wrong}/revoke").status_code in (400, 404)


def test_the_use_of_a_key_that_only_reads_is_noted_once_a_minute(doors: Doors) -> None:
    reader = doors.holding("statements/read")
    first = clock.now()
    with clock.set_now(first):
        assert reader.get().status_code == 200
    with session_scope() as db:
        assert db.scalars(select(Credential.last_used_at)).one() == first
    check: CredentialCheck = doors.client.app.state.credential_check  # type: ignore[attr-defined]
    check._proven.clear()
    with clock.set_now(first + timedelta(seconds=30)):
        assert reader.get().status_code == 200
    with session_scope() as db:
        assert db.scalars(select(Credential.last_used_at)).one() == first


def test_noting_never_waits_for_somebody_who_writes_the_same_row(doors: Doors) -> None:
    doors.holding("define")
    with session_scope() as db:
        key = db.scalars(select(Credential.id)).one()
    with get_engine().begin() as loader, session_scope() as db:
        loader.execute(text("UPDATE credentials SET name = 'held'"))
        db.execute(text("SET LOCAL lock_timeout = '2s'"))
        note_check(db, key, clock.now())


def test_a_token_is_made_with_no_more_than_its_maker_has_and_revoked(doors: Doors) -> None:
    few = token("keys:write", "reports:read", name="few")
    page = doors.client.get(PATH, headers={**few, "Accept": "text/html"}).text
    assert 'value="reports:read"' in page
    assert 'value="accounts:write"' not in page
    fields = {"name": "more", "scope": "accounts:write", "days": "30"}
    assert doors.client.post(f"{PATH}/tokens", data=fields, headers=few).status_code == 403
    assert post(doors, "/tokens", name="one", scope="reports:read", days="30").status_code == 200
    found = doors.client.get(PATH, params={"format": "json"}, headers=doors.admin).json()["tokens"]
    one = next(row for row in found if row["name"] == "one")
    assert "secret" not in str(found).lower()
    assert "token_hash" not in one
    assert post(doors, f"/tokens/{one['id']}/revoke").headers["location"] == f"{PATH}?done=token-revoked"
    assert "Revoked" in doors.client.get(PATH, headers=doors.admin).text


def test_the_doors_do_the_same(doors: Doors) -> None:
    answer = doors.client.post(API, json={"name": "7taps"}, headers=doors.admin)
    key = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert key["scopes"] == ["define", "statements/write"]
    assert key["endpoint"].endswith("/api/xapi/statements")
    assert sends(doors, (key["username"], key["password"])) == 200
    heir = doors.client.post(f"{API}/{key['id']}/successor", json={"name": "next"}, headers=doors.admin).json()
    assert (heir["succeeds"], heir["name"]) == (key["id"], "next")
    listed = doors.client.get(API, headers=doors.admin).json()
    assert {one["name"] for one in listed} == {"7taps", "next"}
    assert "password" not in str(listed)
    gone = doors.client.delete(f"{API}/{key['id']}", headers=doors.admin).json()
    assert gone["revoked_at"] == doors.client.delete(f"{API}/{key['id']}", headers=doors.admin).json()["revoked_at"]
    for body in ({}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["root"]}, {"name": "x", "more": 1}):
        assert doors.client.post(API, json=body, headers=doors.admin).status_code == 400
    assert doors.client.delete(f"{API}/{'0' * 64}", headers=doors.admin).status_code == 404
    assert doors.client.post(API, json={"name": "NEXT"}, headers=doors.admin).status_code == 409
