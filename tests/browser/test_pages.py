"""Every page in a real Chromium with the demo course: nothing breaks, nothing leaves the host, axe finds nothing."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.cli.demo_plan import generate
from app.database import get_engine
from app.warehouse.reader_role import grant_reading
from tests import sql_reader
from tests.browser.serving import api
from tests.conftest import empty_stores, load_what_waits
from tests.doors.access_table import ROUTES
from tests.statements import completed

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
LEARNERS, DAYS = 24, 10
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
NO_PAGES = {
    # Pages of others, and only where they run.
    "/ui/sqlpad/{path:path}",
    "/ui/superset/{path:path}",
    "/ui/live",
    "/ui/static/{hash}/{name}",
    "/ui/charts/{name}",
    "/ui/dead-letters/file",
    "/ui/learners/file",
    "/ui/statements/file",
    "/ui/test-reminders/file",
    "/ui/test-reminders/history/file",
    "/ui/learners/{learner_id}/export",
    "/ui/test-reminders/outbox/{name}/file",
    # Mails, shut away so that nothing runs in them, axe included.
    "/ui/test-reminders/learners/{learner_id}/html",
    "/ui/test-reminders/outbox/{name}/html",
    "/ui/reminder-templates/{cohort_id}/preview",
    "/ui/login",
}
"""Addresses under /ui that answer something other than a page, and the one for which nobody has to be logged in."""
MOST_BYTES = 200_000


@dataclass(frozen=True)
class Course:
    """The running API with the demo course loaded."""

    address: str
    admin_token: str
    client: httpx.Client

    def get(self, path: str, **parameters: str) -> Any:
        """What a JSON door answers."""
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def course() -> Iterator[Course]:
    empty_stores()
    plan = generate(seed=7, ends_on=datetime.now(UTC).date(), learners=LEARNERS, days=DAYS, cohorts=2)
    sender = (os.environ["PUBLIC_PEM"], os.environ["SECRET_PEM"])
    token = os.environ["ADMIN_TOKEN"]
    granted = grant_reading(get_engine(), sql_reader.PASSWORD, timeout_seconds=10)
    sql_reader.forget()
    with (
        api(reader_password=sql_reader.PASSWORD) as address,
        httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        for cohort in plan.cohorts:
            assert client.put(f"/api/cohorts/{cohort.slug}", json=cohort.as_request()).status_code < 300
        for one in plan.deliveries():
            client.put("/api/xapi/statements", params={"statementId": one.statement_id}, content=one.body, auth=sender)
        load_what_waits()
        yield Course(address, token, client)
    sql_reader.forget()
    sql_reader.drop(granted.role)
    empty_stores()


@dataclass
class Visit:
    """A browser tab that notes what goes wrong while somebody looks around."""

    page: Any
    complaints: list[str]

    def open(self, path: str) -> None:
        """Go there; whatever the page asks for has to come."""
        answer = self.page.goto(path, wait_until="load")
        if answer.status >= 400:
            self.complaints.append(f"{path} answered {answer.status}")


def tab(browser: Any, course: Course, theme: str, viewport: dict[str, int]) -> Visit:
    """Logged in, with an eye on the console and on where requests go."""
    context = browser.new_context(
        base_url=course.address, color_scheme=theme, viewport=viewport, timezone_id="Europe/Berlin"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: told.type == "error" and complaints.append(f"{page.url}: {told.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    host = urlsplit(course.address).netloc

    def leaves(request: Any) -> None:
        where = urlsplit(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and where.netloc != host:
            complaints.append(f"{page.url} asks {request.url}")

    page.on("request", leaves)
    page.goto("/ui/login")
    page.get_by_text("Log in with the admin token").click()
    page.get_by_label("Admin token").fill(course.admin_token)
    page.get_by_role("button", name="Log in with the token").click()
    page.wait_for_url(f"{course.address}/ui")
    return Visit(page, complaints)


def addresses(course: Course) -> list[str]:
    """Every page that access_table.py lists, those about one thing with the id of a thing that the course has."""
    cohort = course.get("/api/cohorts")[0]["id"]
    lesson = course.get(f"/api/reports/cohorts/{cohort}/completions")["lessons"][0]["id"]
    learner = course.get(f"/api/reports/lessons/{lesson}/incomplete")["learners"][0]["id"]
    answers = course.get(f"/api/reports/cohorts/{cohort}/answers", limit="50")["questions"]
    told = next((one for one in answers if one["kind"] == "text"), answers[0])
    statement = course.get("/ui/statements", format="json")["statements"][0]["id"]
    table = {"file": ("staff.csv", b"First Name,Email,Group\nZo,zo@example.org,Blue\n,not an address,Blue\n")}
    upload = course.client.post("/ui/roster", files=table, data={"kind": "roster"}).headers["location"]
    course.client.post("/ui/test-reminders/send", data={"x": "y"})
    mail = course.get("/ui/test-reminders/outbox", format="json")["mails"][0]["name"]
    known = {
        "cohort_id": cohort,
        "learner_id": learner,
        "statement_id": statement,
        "letter_id": course.get("/api/dead-letters")["letters"][0]["id"],
        "upload_id": upload.split("?")[0].rpartition("/")[2],
        "name": mail,
    }
    query = course.get("/api/debug/queries")[0]["name"]
    texts = {"lesson_id": told["lesson"]["id"], "question_id": told["question_id"]}
    paths = [line.removeprefix("GET ") for line in ROUTES if line.startswith("GET /ui")]
    return [
        path.replace("queries/{name}", f"queries/{query}").format(
            **(texts | known if "question_id" in path else {"lesson_id": lesson} | known)
        )
        for path in paths
        if path not in NO_PAGES
    ] + ["/ui/search?q=espresso"]


WIDTH = "document.documentElement.scrollWidth"
SENT = """performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
    .filter(one => !one.name.includes("/vega")).reduce((sum, one) => sum + one.transferSize, 0)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_well_and_open_to_everybody(browser: Any, course: Course, theme: str) -> None:
    visit = tab(browser, course, theme, DESK)
    checker = axe.Axe()
    for path in addresses(course):
        visit.open(path)
        found = checker.run(visit.page).response["violations"]
        visit.complaints += [f"{path}: {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"][:3]]
        sent = visit.page.evaluate(SENT)
        if sent > MOST_BYTES:
            visit.complaints.append(f"{path}: {sent} bytes")
    visit.page.context.close()
    assert visit.complaints == []


def test_no_page_is_wider_than_a_phone(browser: Any, course: Course) -> None:
    visit = tab(browser, course, "light", PHONE)
    for path in addresses(course):
        visit.open(path)
        if (width := visit.page.evaluate(WIDTH)) > PHONE["width"]:
            visit.complaints.append(f"{path} is {width} wide")
    visit.page.context.close()
    assert visit.complaints == []


def test_a_dead_letter_is_mended_and_replayed(browser: Any, course: Course) -> None:
    visit = tab(browser, course, "light", DESK)
    page = visit.page
    wrong = completed(actor={"mbox": "mailto:mended at example.org"})
    sender = (os.environ["PUBLIC_PEM"], os.environ["SECRET_PEM"])
    refused = course.client.put("/api/xapi/statements", params={"statementId": wrong["id"]}, json=wrong, auth=sender)
    assert refused.status_code == 400
    page.goto("/ui/dead-letters")
    page.get_by_role("link", name=re.compile("mbox|address|actor", re.I)).first.click()
    page.get_by_role("link", name="Mend it").click()
    body = page.locator("textarea").first
    body.fill(body.input_value().replace("mended at example.org", "mended@example.org"))
    page.get_by_role("button", name=re.compile("replay", re.I)).last.click()
    page.wait_for_load_state()
    load_what_waits()
    assert course.get("/ui/statements/" + wrong["id"], format="json")
    assert visit.complaints == []


def test_a_key_is_made_shown_once_and_revoked(browser: Any, course: Course) -> None:
    visit = tab(browser, course, "light", DESK)
    page = visit.page
    page.goto("/ui/admin/keys")
    page.locator("#new-key").get_by_role("textbox").first.fill("the browser's key")
    page.locator("#new-key").get_by_role("button").last.click()
    page.get_by_text("is shown this once").first.wait_for()
    user, password = (page.locator("[data-shown-once] code").nth(place).inner_text() for place in (1, 2))
    answer = course.client.put(
        "/api/xapi/statements", params={"statementId": (one := completed())["id"]}, json=one, auth=(user, password)
    )
    assert answer.status_code == 204
    page.goto("/ui/admin/keys")
    assert password not in page.content()
    page.get_by_role("row", name=re.compile("the browser's key")).get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name=re.compile("Revoke “the browser")).click()
    page.get_by_role("row", name=re.compile("the browser's key.*Revoked")).wait_for()
    assert visit.complaints == []


def test_a_reminder_is_sent_to_the_outbox_and_read(browser: Any, course: Course) -> None:
    visit = tab(browser, course, "light", DESK)
    page = visit.page
    page.goto("/ui/test-reminders")
    page.locator("tr .row-link").first.click()
    page.get_by_label(re.compile("address|e-mail", re.I)).first.fill("me@example.org")
    page.get_by_role("button", name=re.compile("send", re.I)).first.click()
    page.goto("/ui/test-reminders/outbox")
    assert "me@example.org" in page.inner_text("main")
    assert visit.complaints == []


def test_a_chart_tells_what_is_under_the_pointer(browser: Any, course: Course) -> None:
    visit = tab(browser, course, "dark", DESK)
    page = visit.page
    page.goto("/ui")
    figure = page.locator("figure.chart").first
    figure.hover()
    page.wait_for_selector("figure[data-chart-state=live]")
    figure.locator(".chart-live .mark-rect path").first.hover()
    page.wait_for_selector("#chart-tooltip.visible")
    assert page.locator("#chart-tooltip").inner_text().strip()
    visit.page.context.close()
    assert visit.complaints == []


def test_a_chart_is_downloaded_in_its_own_colours(course: Course) -> None:
    cohort = course.get("/api/cohorts")[0]["id"]
    svg = course.client.get("/ui/charts/drop-off", params={"cohort": cohort, "as": "svg"}).text
    assert "var(--" not in svg
    assert "#0f6b6b" in svg
