"""SQLPad in the page, in a real browser: what its pages do passes, and what leaves the host does not."""

from typing import Any

import pytest

from tests.browser.serving import PATIENCE_S, api
from tests.conftest import Doors
from tests.doors.people import PASSWORD, account
from tests.doors.sqlpad import running_sqlpad

PAD = "/ui/sqlpad"
ASK = f"""fetch("{PAD}/api/batches", {{
    method: "POST", headers: {{"Content-Type": "application/json"}}, body: JSON.stringify({{batchText: "SELECT 1"}})
}}).then(answer => answer.status)"""
JOIN = """address => new Promise(told => {
    const socket = new WebSocket(address);
    socket.onmessage = message => told(message.data);
    socket.onerror = () => told("refused");
})"""
LEAVE = 'fetch("http://127.0.0.1:9/").then(() => "left", () => "kept").then(how => how)'
WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_frame_works_under_its_policy(doors: Doors, browser: Any, width: int, theme: str) -> None:
    account("Ann", "admin")
    with running_sqlpad() as pad, api(sqlpad_url=pad.url, superset_url=pad.url) as address:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        page.set_default_timeout(PATIENCE_S * 1_000)
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/ui/db-terminal")
        page.get_by_label("Name", exact=True).fill("ann")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url(f"{address}/ui/db-terminal")
        page.locator("iframe").scroll_into_view_if_needed()
        page.frame_locator("iframe").get_by_text("SQLPad of account-").wait_for()
        frame = next(one for one in page.frames if one.url == f"{address}{PAD}/")
        assert frame.evaluate(ASK) == 200
        assert frame.evaluate(JOIN, f"{address.replace('http', 'ws', 1)}{PAD}/echo").startswith("account-")
        assert told == []
        assert frame.evaluate(LEAVE) == "kept"
        assert "connect-src" in told[0]
        assert page.evaluate(WIDTH) <= width
        page.close()
