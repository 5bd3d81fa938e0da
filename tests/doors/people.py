"""People and programs at the doors: accounts with sessions, tokens with scopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from app.access import forgery
from app.access.callers import session_limits
from app.accounts import logins, sessions, tokens
from app.accounts.access_models import Account
from app.accounts.scopes import Role
from app.config import get_settings
from app.database import session_scope
from app.platform import clock

PASSWORD = "seven wooden spoons sing"
ADMIN_TOKEN = "the admin token of the tests"


def account(name: str = "Ann", role: Role = "viewer", password: str = PASSWORD) -> Account:
    """An account in the database."""
    with session_scope() as db:
        return logins.create(db, "a test", name=name, password=password, role=role)


def token(*scopes: str, name: str = "a program", days: int = 1) -> dict[str, str]:
    """The header of a program with these scopes."""
    with session_scope() as db:
        _, made = tokens.create(db, "a test", name=name, scopes=scopes, expires_days=days)
    return {"Authorization": f"Bearer {made}"}


@dataclass(frozen=True)
class Visitor:
    """A browser with a session."""

    client: TestClient
    cookie: str

    @property
    def csrf(self) -> str:
        """A token for one request, as a page would hold it."""
        return forgery.masked(forgery.secret_of(self.cookie))

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """A request as a page of ours sends it."""
        headers = {"Cookie": f"7t_session={self.cookie}", "X-CSRF-Token": self.csrf, **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, follow_redirects=False, **more)

    def bare(self, method: str, path: str, **more: Any) -> Any:
        """A request with the cookie and nothing else."""
        headers = {"Cookie": f"7t_session={self.cookie}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, follow_redirects=False, **more)


def visitor(client: TestClient, whose: Account | None) -> Visitor:
    """Somebody who is logged in; None: with ADMIN_TOKEN."""
    client.cookies.clear()
    with session_scope() as db:
        cookie = sessions.begin(
            db,
            session_limits(get_settings()),
            account=whose,
            admin_token=get_settings().admin_token,
            user_agent="a test",
            at=clock.now(),
        )
    return Visitor(client, cookie)


def log_in(client: TestClient, fields: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    """Ask for the form and send it filled in, as a browser does: the client keeps the cookies."""
    page = client.get("/ui/login", headers={"Accept": "text/html", **(headers or {})})
    found = page.text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    return client.post("/ui/login", data={"csrf_token": found, **fields}, headers=headers, follow_redirects=False)


def acts() -> Sequence[tuple[str, str, str]]:
    """The audit log, in the order of writing."""
    from sqlalchemy import select

    from app.audit import AuditEntry

    with session_scope() as db:
        rows = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(row.actor, row.act, row.target) for row in rows]
