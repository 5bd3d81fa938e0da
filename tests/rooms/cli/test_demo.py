"""`demo` against a real server: it sends what was planned and tells what became of it."""

from datetime import date
from typing import Any

import pytest

from app.cli.demo import run_demo
from app.cli.demo_plan import generate
from tests.rooms.cli.door import PASSWORD, TOKEN, USER, Door

SMALL: dict[str, Any] = {"learners": 12, "days": 20, "cohorts": 2, "ends_on": date(2026, 3, 2)}


def run(door: Door, **more: Any) -> int:
    """A small demo with the right credentials unless told otherwise."""
    secrets = {"user": USER, "password": PASSWORD, "admin_token": TOKEN}
    return run_demo(**{"url": door.url, "patience_seconds": 20, **secrets, **SMALL, **more})


def test_everything_is_sent_and_told(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(door) == 0
    plan = generate(seed=7, **SMALL)
    planned = list(plan.deliveries())
    good = {one.statement_id: one.body for one in planned if not one.to_be_refused}
    assert door.texts == good
    assert door.buried == sum(one.to_be_refused for one in planned)
    assert door.cohorts == {one.slug: one.as_request() for one in plan.cohorts}
    out = capsys.readouterr().out
    for cohort in plan.cohorts:
        assert cohort.name in out
    assert "Welcome behind the bar" in out
    assert "50%" in out
    assert f"{len(good):,} statements are new" in out
    assert f"{door.url}/ui" in out
    assert "$ADMIN_TOKEN" in out
    assert TOKEN not in out


def test_running_it_again_adds_nothing(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(door) == 0
    stored = dict(door.stored)
    capsys.readouterr()
    assert run(door) == 0
    assert door.stored == stored
    assert "Nothing is new" in capsys.readouterr().out


def test_503_is_waited_for(door: Door) -> None:
    door.busy = 7
    assert run(door) == 0
    assert door.busy == 0


def test_what_was_not_planned_is_told(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    first = next(one for one in generate(seed=7, **SMALL).deliveries() if one.quirk is None)
    door.stored[first.statement_id] = {"id": first.statement_id, "of": "somebody else"}
    assert run(door) == 1
    assert f"  {first.statement_id} was answered 409" in capsys.readouterr().out


def test_what_keeps_it_from_running(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    attempts: list[tuple[dict[str, Any], str]] = [
        ({"url": "http://127.0.0.1:1"}, "`make run` in another terminal"),
        ({"admin_token": "wrong"}, "ADMIN_TOKEN"),
        ({"password": "wrong"}, "credentials"),
        ({"cohorts": 0}, "cohorts"),
        ({"learners": 1}, "learner"),
        ({"in_flight": 0}, "--in-flight"),
    ]
    for arguments, sentence in attempts:
        assert run(door, **arguments) == 2
        assert sentence in capsys.readouterr().err
    door.healthy = False
    assert run(door) == 2
    assert "/health answers 503" in capsys.readouterr().err
    assert door.stored == {}
