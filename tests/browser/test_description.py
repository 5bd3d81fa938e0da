"""The description of the doors works without a way out: every file is ours, under the strict policy, all usable."""

from typing import Any
from urllib.parse import urlsplit

from tests.browser.serving import PATIENCE_S, api
from tests.conftest import Doors
from tests.doors.people import token


def test_the_description_works_with_no_network_but_us(doors: Doors, browser: Any) -> None:
    header = token("progress:read")["Authorization"]
    with api() as address:
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1_000)
        told: list[str] = []
        elsewhere: list[str] = []
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))

        def only_us(route: Any) -> None:
            if urlsplit(route.request.url).netloc == urlsplit(address).netloc:
                route.continue_()
            else:
                elsewhere.append(route.request.url)
                route.abort()

        context.route("http*://**/*", only_us)
        answer = page.goto(f"{address}/docs")
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        page.wait_for_selector(".opblock")
        assert page.locator(".opblock").count() > 50
        # A door is opened, shows its schema and example, and is tried with a token.
        page.locator("button.authorize").first.click()
        page.locator(".auth-container input").first.fill(header.removeprefix("Bearer "))
        page.locator(".auth-btn-wrapper button.authorize").first.click()
        page.locator(".auth-btn-wrapper button.btn-done").first.click()
        door = page.locator('.opblock:has([data-path="/api/debug/test-report"])')
        door.locator(".opblock-summary-control").click()
        door.locator(".model-example").first.wait_for()
        door.get_by_role("button", name="Try it out").click()
        door.get_by_role("button", name="Execute").click()
        shown = door.locator(".live-responses-table .response-col_description pre").first
        shown.wait_for()
        assert "No test run is known here" in shown.inner_text()
        example = page.locator('.opblock:has([data-path="/api/debug/last-statement"])')
        example.locator(".opblock-summary-control").click()
        example.locator(".model-example").first.wait_for()
        assert "Ana Souza" in example.inner_text()
        context.close()
    assert elsewhere == []
    assert told == []
