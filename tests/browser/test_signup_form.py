"""The form of docs/signup.md on a page of another origin, filled in by a real browser."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.accounts.models import CohortMember
from app.database import session_scope
from app.models import User
from tests.browser.serving import api
from tests.conftest import Doors

DOCUMENT = Path(__file__).parents[2] / "docs" / "signup.md"


@contextmanager
def site(page: str) -> Iterator[str]:
    """Somebody's site with one page, and another one that says thanks."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = ("<h1>Thanks</h1>" if self.path.startswith("/thanks") else page).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def form(action: str) -> str:
    found = re.search(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    return re.sub(r'action="[^"]*"', f'action="{action}/api/signup"', found[1])


def test_somebody_signs_up_on_another_site(doors: Doors, browser: Any) -> None:
    doors.client.put("/api/cohorts/spring", json={"name": "Spring"}, headers=doors.admin)
    with site("") as thanks, api(signup_redirect_url=f"{thanks}/thanks") as address, site(form(address)) as home:
        page = browser.new_page()

        def fill(email: str) -> None:
            page.goto(home)
            page.fill("[name=name]", "Zoë Öz")
            page.fill("[name=email]", email)
            page.fill("[name=avatar]", "zoe")
            with page.expect_navigation():
                page.click("button")

        fill("zoe@example.org")
        assert page.url == f"{thanks}/thanks"
        fill("other@example.org")
        assert page.url == f"{address}/api/signup"
        assert "Avatar" in page.inner_text("main")
        assert "is taken" in page.inner_text("main")
    with session_scope() as db:
        (zoe,) = db.scalars(select(User)).all()
        assert (zoe.name, zoe.email, zoe.avatar, zoe.time_zone) == ("Zoë Öz", "zoe@example.org", "zoe", "Europe/Berlin")
        assert db.scalar(select(CohortMember.user_id)) == zoe.id


POST = """async ([address, email]) => {
    const sent = {method: "POST", headers: {"Content-Type": "application/json"},
                  body: JSON.stringify({name: "Ann", email})};
    try { return (await (await fetch(address + "/api/signup", sent)).json()).email; } catch { return "refused"; }
}"""


def test_a_script_may_from_the_configured_origin_and_from_no_other(doors: Doors, browser: Any) -> None:
    with site("<p>ours</p>") as ours, site("<p>theirs</p>") as theirs, api(signup_origins=ours) as address:
        page = browser.new_page()
        page.goto(ours)
        assert page.evaluate(POST, [address, "ann@example.org"]) == "ann@example.org"
        page.goto(theirs)
        assert page.evaluate(POST, [address, "ben@example.org"]) == "refused"
    with session_scope() as db:
        assert db.scalars(select(User.email)).all() == ["ann@example.org"]
