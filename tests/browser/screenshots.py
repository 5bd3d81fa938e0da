"""The pictures of the README, of the running system with the demo course: `python -m tests.browser.screenshots`.

Needs what `make run` and `make demo` made, and Chromium; address and token come from the settings, as for the demo.
"""

import sys
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from app.config import get_settings
from tests.browser.serving import ARGUMENTS, CHROMIUM

FOLDER = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1280, "height": 860}


def main() -> int:
    """Three pages, one of them in the dark theme."""
    settings = get_settings()
    token = settings.admin_token or ""
    with httpx.Client(base_url=settings.base_url, headers={"Authorization": f"Bearer {token}"}) as client:
        cohort = client.get("/api/cohorts").json()[0]["id"]
        report = client.get(f"/api/reports/cohorts/{cohort}/completions").json()
    lesson = report["lessons"][3]["id"]
    pages = {
        "overview": ("/ui", "light"),
        "cohort": (f"/ui/cohorts/{cohort}", "light"),
        "lesson": (f"/ui/lessons/{lesson}", "dark"),
    }
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, (path, theme) in pages.items():
            context = browser.new_context(
                base_url=settings.base_url, viewport=SIZE, color_scheme=theme, timezone_id="Europe/Lisbon"
            )
            page = context.new_page()
            page.goto("/ui/login")
            page.get_by_text("Log in with the admin token").click()
            page.get_by_label("Admin token").fill(token)
            page.get_by_role("button", name="Log in with the token").click()
            page.goto(path)
            page.wait_for_timeout(1_000)
            page.screenshot(path=FOLDER / f"{name}.png")
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
