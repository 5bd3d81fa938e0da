"""What surrounds every page: navigation, errors, tables and charts on phones, the account."""

import re
from collections.abc import Callable
from html import unescape

import pytest

from app.ui.browsers import browser_words
from app.ui.figures import NARROW_WIDTH
from tests.conftest import Doors
from tests.doors.people import account, visitor
from tests.doors.test_pages_course import FIRST, page, plan, send
from tests.doors.test_reports import put_plan
from tests.statements import completed

HTML = {"Accept": "text/html"}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36 Edg/126.0.0.0"
)


@pytest.fixture
def spring(doors: Doors, drain: Callable[[], int]) -> str:
    """The id of a cohort in which somebody has completed a lesson."""
    cohort = put_plan(doors, plan())
    send(doors, drain, completed("ann@example.org", 1))
    return str(cohort["id"])


def test_whoever_is_logged_in_keeps_the_navigation_where_no_page_is(doors: Doors) -> None:
    ann = visitor(doors.client, account("Ann", "viewer"))
    lost = ann.ask("GET", "/ui/no<b>where", headers=HTML)
    assert lost.status_code == 404
    assert "There is no such page" in lost.text
    assert "Nothing is at /ui/no%3Cb%3Ewhere" in lost.text or "Nothing is at /ui/no&lt;b&gt;where" in lost.text
    assert '<nav class="side"' in lost.text
    refused = ann.ask("GET", "/ui/admin/keys", headers=HTML)
    assert (refused.status_code, "You may not see this" in refused.text) == (403, True)
    assert "You are Ann, as viewer." in refused.text


def test_who_is_not_logged_in_sees_no_navigation_where_no_page_is(doors: Doors) -> None:
    lost = doors.client.get("/ui/nowhere", headers=HTML)
    assert lost.status_code == 404
    assert '<nav class="side"' not in lost.text
    assert 'href="/ui/login"' in lost.text


@pytest.mark.parametrize(("path", "here"), [("/ui/cohorts", False), ("/ui/statements", True), ("/ui/search", False)])
def test_more_is_marked_when_the_page_is_behind_it(doors: Doors, path: str, here: bool) -> None:
    more = re.search(r'<button[^>]*popovertarget="all-pages"[^>]*>', page(doors, path).text)
    assert more is not None
    assert ("data-here" in more[0]) is here


def test_the_account_names_browsers_and_its_twin(doors: Doors) -> None:
    ann = visitor(doors.client, account("Ann", "viewer"))
    text = ann.ask("GET", "/ui/account", headers=HTML).text
    assert "a test" in text
    assert '<a href="/api/session">This page as JSON</a>' in text
    assert ann.ask("GET", "/api/session").json()["name"] == "Ann"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on a Mac"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "A browser that does not say which"),
        ("x" * 400, "x" * 60),
    ],
)
def test_browsers_in_words(sent: str, said: str) -> None:
    assert browser_words(sent) == said


def names_in(head: str) -> set[str]:
    """What the columns are called, without arrows of sorting and what they mean."""
    found = re.findall(r"<th[^>]*>(.*?)</th>", head, re.DOTALL)
    return {re.sub(r"<[^>]*>", "", re.sub(r"<(span|button).*", "", one, flags=re.DOTALL)).strip() for one in found}


def test_what_stands_as_blocks_on_phones_says_what_each_value_is(doors: Doors, spring: str) -> None:
    paths = ("/ui/cohorts", f"/ui/cohorts/{spring}", "/ui/lessons", f"/ui/lessons/{FIRST}", "/ui/learners")
    seen = set()
    for path in (*paths, "/ui/search?q=an"):
        text = unescape(page(doors, path).text)
        for table in re.findall(r'<div class="table-frame stacked".*?</table>', text, re.DOTALL):
            head, body = table.split("<tbody>")
            labels = set(re.findall(r'<td[^>]*data-label="([^"]*)"', body))
            assert labels, path
            assert labels <= names_in(head), path
            seen.add(path)
    assert seen >= {"/ui/cohorts", "/ui/lessons", f"/ui/lessons/{FIRST}", "/ui/learners"}


def test_a_phone_gets_charts_that_fit_it(doors: Doors, spring: str) -> None:
    for path in ("/ui", f"/ui/cohorts/{spring}", f"/ui/lessons/{FIRST}"):
        assert "data-narrow" not in page(doors, path).text
        headers = {**doors.admin, **HTML, "Cookie": "narrow=1"}
        narrow = doors.client.get(path, headers=headers).text
        charts = re.findall(
            r'<figure class="chart" data-narrow data-chart="([^"]*)".*?viewBox="0 0 (\d+)', narrow, re.S
        )
        assert charts, path
        for address, width in charts:
            assert "narrow=1" in address
            assert int(width) <= NARROW_WIDTH
