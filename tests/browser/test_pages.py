"""Every page in a real Chromium with the demo course: nothing breaks, nothing leaves the host, axe finds nothing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import APIRoute

from app.cli.demo_plan import generate
from tests.browser.serving import api
from tests.conftest import empty_stores, load_what_waits

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
LEARNERS, DAYS = 24, 10
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
NO_PAGES = {"/ui/live"}
"""Addresses under /ui that answer something other than a page."""


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
    with api() as address, httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as client:
        for cohort in plan.cohorts:
            assert client.put(f"/api/cohorts/{cohort.slug}", json=cohort.as_request()).status_code < 300
        for one in plan.deliveries():
            client.put("/api/xapi/statements", params={"statementId": one.statement_id}, content=one.body, auth=sender)
        load_what_waits()
        yield Course(address, token, client)
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
    page.fill("input[name=token]", course.admin_token)
    page.click("main button[type=submit], main form button")
    page.wait_for_url(f"{course.address}/ui")
    return Visit(page, complaints)


def addresses(course: Course) -> list[str]:
    """Every page there is, those about one thing with the id of a thing that the demo course has."""
    from app.main import create_app

    cohort = course.get("/api/cohorts")[0]["id"]
    lesson = course.get(f"/api/reports/cohorts/{cohort}/completions")["lessons"][0]["id"]
    learner = course.get(f"/api/reports/lessons/{lesson}/incomplete")["learners"][0]["id"]
    statement = course.get(f"/api/reports/learners/{learner}/timeline")["entries"]
    known = {
        "cohort_id": cohort,
        "lesson_id": lesson,
        "learner_id": learner,
        "statement_id": statement[0]["statement_id"] if statement else None,
        "letter_id": course.get("/api/dead-letters")["dead_letters"][0]["id"],
    }
    return [path for path in _pages(create_app(), known) if path not in NO_PAGES]


def _pages(app: Any, known: dict[str, str | None]) -> Iterator[str]:
    for route in app.routes:
        if isinstance(route, APIRoute) and "GET" in route.methods and route.path.startswith("/ui"):
            yield route.path.format(**known)
