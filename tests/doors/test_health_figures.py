"""What is counted for monitoring: what was accepted, stored, refused and buried, by door and by code."""

from collections.abc import Callable

import pytest

from app.config import get_settings
from tests.conftest import Doors
from tests.doors.elsewhere import elsewhere
from tests.doors.watching import figures, looked_at_each_time, name, store  # noqa: F401
from tests.statements import completed


def test_figures_are_for_admins_unless_they_are_opened(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    for headers in ({}, {"Authorization": "Bearer guessed"}):
        assert doors.client.get("/metrics", headers=headers).status_code == 401
    assert doors.client.get("/metrics", auth=doors.sender).status_code == 401
    assert doors.client.get("/metrics", headers=doors.admin).status_code == 200
    with elsewhere(monkeypatch, METRICS_OPEN="true") as opened:
        assert opened.client.get("/metrics").status_code == 200


def test_what_is_accepted_is_counted_by_door_on_both_ways(doors: Doors, drain: Callable[[], int]) -> None:
    before = figures(doors)
    for _ in range(2):  # The first request proves the credential on the long way, the second one takes the short way.
        statement = completed()
        assert doors.put(statement, statement["id"]).status_code == 204
        assert doors.post([completed(), completed(), completed()]).status_code == 200
    assert drain() == 4
    after = figures(doors)

    def more(sample: str, **labels: str) -> float:
        return after[name(sample, **labels)] - before[name(sample, **labels)]

    assert [more("requests_accepted_total", door=d) for d in ("plain", "standard")] == [2, 2]
    assert [more("statements_accepted_total", door=d) for d in ("plain", "standard")] == [2, 6]
    assert more("requests_queued_total", store="stream") == more("append_entries_sum") == 4
    assert more("append_seconds_count") == more("append_entries_count") == 4
    assert more("statements_loaded_total", outcome="new") == 8
    assert more("load_batch_entries_sum") == 4
    assert more("lag_seconds_count") == more("load_seconds_count") >= 1


@pytest.mark.usefixtures("clean")
def test_what_a_door_stores_itself_is_counted_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    with elsewhere(monkeypatch, ETL_MODE="incremental") as doors:
        before = figures(doors)
        assert doors.post(completed()).status_code == 200
        after = figures(doors)
    stored, queued = name("requests_queued_total", store="bronze"), name("requests_queued_total", store="stream")
    assert (after[stored] - before[stored], after[queued] - before[queued]) == (1, 0)


def test_what_is_refused_is_counted_by_the_code_that_was_told(doors: Doors) -> None:
    before = figures(doors)
    plain = "/api/xapi/statements"
    taken = completed()
    assert doors.post(taken).status_code == 200
    garbage = [{"actor": {"mbox": f"mailto:{n}@example.org"}, "verb": {}} for n in range(30)]
    other, missing = {**taken, "verb": {"id": "https://example.org/other"}}, "a9f9ad2e-7ee5-4d5f-8d39-0f4a5d7f6a53"
    too_much = b" " * (get_settings().max_body_bytes + 1)
    for send, code, door in (
        (lambda: doors.post(other), "conflict", "standard"),
        (lambda: doors.post(garbage), "invalid_statement", "standard"),  # long enough that its refusal is compressed
        (lambda: doors.client.post(plain, json={}, auth=doors.sender), "invalid_statement", "plain"),
        (lambda: doors.client.post(plain, json={}), "not_authenticated", "plain"),
        (lambda: doors.post(completed(), **{"Content-Encoding": "br"}), "unknown_encoding", "standard"),
        (lambda: doors.client.post(plain, content=too_much, auth=doors.sender), "too_large", "plain"),
        (lambda: doors.get(statementId=missing), "not_found", "standard"),
        (lambda: doors.client.get("/nowhere"), "not_found", "other"),
        (lambda: doors.client.delete("/health"), "method_not_allowed", "other"),
    ):
        answer = send()
        assert answer.status_code >= 400
        after = figures(doors)
        counted = name("requests_refused_total", code=code, door=door)
        assert after[counted] - before.get(counted, 0) == 1, (code, answer.text[:200])
        assert answer.json()["code"] == code
        before = after
    assert doors.client.get("/health").status_code == 200
    assert {k: v for k, v in figures(doors).items() if "refused" in k} == {
        k: v for k, v in before.items() if "refused" in k
    }


def test_dead_letters_are_counted_where_they_are_buried(doors: Doors, drain: Callable[[], int]) -> None:
    before = figures(doors)
    assert doors.post({"no": "statement"}).status_code == 400
    store().xadd("statements", {"format": "unheard of"})
    drain()
    after = figures(doors)
    for source in ("door", "stream"):
        counted = name("dead_letters_total", source=source)
        assert after[counted] - before[counted] == 1
