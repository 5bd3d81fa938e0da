"""Stores that go away and come back: nothing lost, nothing twice, and nobody has to help."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.consumers import statement_stream
from app.etl_streaming import stream_state, the_stream
from app.jobs.reconcile import sweep
from app.streaming import why_halted
from tests.conftest import Doors
from tests.doors.elsewhere import elsewhere
from tests.flow.cable import Cable, cable_to
from tests.flow.loading import at_work, letters, record
from tests.flow.system import wait_for
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_stream, "BLOCK_MS", 50)
    monkeypatch.setattr(statement_stream, "MAX_PAUSE_SECONDS", 0.5)


@dataclass
class Site:
    """The API in this process, both of its stores at the end of a cable."""

    doors: Doors
    postgresql: Cable
    redis: Cable
    urls: tuple[str, str]

    def send(self, expected: int = 204, **more: Any) -> str:
        """Send one statement; its id."""
        statement = completed(**more)
        answer = self.doors.put(statement, statement["id"])
        assert answer.status_code == expected, answer.text
        if expected == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return str(statement["id"])

    def record(self) -> tuple[list[str], list[str]]:
        """The ids in bronze and in silver, by a connection that no cable is in the way of."""
        return record(self.urls[0])


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With a stream that takes five entries."""
    urls = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    with (
        cable_to(urls[0]) as postgresql,
        cable_to(urls[1]) as stream,
        elsewhere(monkeypatch, DATABASE_URL=postgresql.url, REDIS_URL=stream.url, STREAM_MAX_ENTRIES="5") as doors,
    ):
        yield Site(doors, postgresql, stream, urls)
        postgresql.pull_out()
        stream.pull_out()


def test_while_postgresql_is_away_the_stream_fills_up_and_then_the_doors_refuse(site: Site) -> None:
    with at_work():
        site.postgresql.pull_out()
        sent = [site.send() for _ in range(5)]
        refused = completed()
        for path in ("/api/xapi/statements", "/api/xapi/statements"):
            answer = site.doors.put(refused, refused["id"], path)
            assert (answer.status_code, answer.json()["code"]) == (503, "stream_full"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
        assert site.record() == ([], [])
        site.postgresql.put_back()
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
        wait_for(lambda: site.doors.put(refused, refused["id"]).status_code == 204)
        sent.append(refused["id"])
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
    assert why_halted(the_stream()) is None
    assert letters() == []


def test_while_redis_is_away_the_doors_store_and_the_sweep_flattens_even_then(site: Site) -> None:
    with at_work():
        site.redis.pull_out()
        sent = [site.send() for _ in range(7)]
        assert site.record() == (sorted(sent), [])
        for door in ("/api/loader", "/api/debug/pipeline"):
            assert site.doors.client.get(door, headers=site.doors.admin).status_code == 503
        assert sweep(100).new == 7
        assert site.record() == (sorted(sent), sorted(sent))
        site.redis.put_back()
        # From here on by way of the stream again, with nobody's help; repeats change nothing.
        sent.append(site.send())
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
    assert stream_state().length == 0


def test_while_both_are_away_the_doors_refuse_and_then_take_the_same_again(site: Site) -> None:
    with at_work():
        site.postgresql.pull_out()
        site.redis.pull_out()
        statement = completed()
        for _ in range(2):
            answer = site.doors.put(statement, statement["id"])
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
        site.redis.put_back()
        assert site.doors.put(statement, statement["id"]).status_code == 204
        site.postgresql.put_back()
        wait_for(lambda: site.record() == ([statement["id"]], [statement["id"]]))


def test_a_worker_that_lost_postgresql_in_the_middle_loads_each_entry_once(site: Site) -> None:
    """Pulled out again and again while it loads; what was committed without being acknowledged comes twice."""
    sent: list[str] = []
    with at_work():
        for turn in range(6):
            sent.append(site.send())
            (site.postgresql, site.redis)[turn % 2].pull_out()
            sent.append(site.send())
            (site.postgresql, site.redis)[turn % 2].put_back()
            wait_for(lambda: set(site.record()[0]) == set(sent))
        sweep(100)
        wait_for(lambda: site.record() == (sorted(sent), sorted(sent)))
    assert letters() == []
