"""The login and the description of the doors in a real browser, under the policy that pages are sent with."""

from typing import Any

from tests.browser.serving import PATIENCE_S, api
from tests.conftest import Doors
from tests.doors.people import PASSWORD, account


def test_somebody_logs_in_and_out_and_nothing_is_blocked(doors: Doors, browser: Any) -> None:
    account("Ann", "admin")
    with api() as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1_000)
        told: list[str] = []
        elsewhere: list[str] = []
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on(
            "request", lambda asked: None if asked.url.startswith((address, "data:")) else elsewhere.append(asked.url)
        )
        page.goto(f"{address}/docs")
        page.wait_for_selector(".opblock")
        page.goto(f"{address}/ui/admin/accounts")
        page.get_by_label("Name", exact=True).fill("ann")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url(f"{address}/ui/admin/accounts")
        page.get_by_label("Name", exact=True).fill("Eve")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        page.get_by_text("The account is made.").wait_for()
        page.goto(f"{address}/ui/account")
        page.get_by_role("button", name="Log out", exact=True).click()
        page.wait_for_url(f"{address}/ui/login")
        page.close()
    assert told == []
    assert elsewhere == []
