"""Real statements through the real door. The whole files were loaded by hand; the suite takes slices."""

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementFlat, StatementRaw
from tests.conftest import Doors

pytestmark = pytest.mark.shared_data


def lines(path: Path, most: int) -> list[dict[str, Any]]:
    with gzip.open(path) as file:
        return [orjson.loads(line) for line in itertools.islice(file, most)]


def counts() -> tuple[int, int, int]:
    with session_scope() as db:
        raw, flat, dead = (
            db.scalar(select(func.count()).select_from(t)) or 0 for t in (StatementRaw, StatementFlat, DeadLetter)
        )
    return raw, flat, dead


def post(doors: Doors, statements: list[dict[str, Any]]) -> None:
    for start in range(0, len(statements), 500):
        answer = doors.post(statements[start : start + 500])
        assert answer.status_code == 200, answer.text[:500]


def test_real_video_statements_load_once_however_often_they_are_sent(
    doors: Doors, drain: Callable[[], int], shared_data: Path
) -> None:
    statements = lines(shared_data / "fun-mooc-statements.jsonl.gz", 1_500)
    for _ in range(2):
        post(doors, statements)
        drain()
        assert counts() == (1_500, 1_500, 0)
    with session_scope() as db:
        learners = db.scalar(select(func.count(StatementFlat.learner_id.distinct())))
    assert learners == len({s["actor"]["account"]["name"] for s in statements})


def test_simulated_statements_of_many_verbs_all_load(doors: Doors, drain: Callable[[], int], shared_data: Path) -> None:
    with gzip.open(shared_data / "datasim-tc3-statements.json.gz") as file:
        statements = orjson.loads(file.read())
    post(doors, statements)
    drain()
    assert counts() == (2_814, 2_814, 0)


def test_generated_invalid_statements_are_all_refused_by_the_property_that_is_wrong(
    doors: Doors, drain: Callable[[], int], shared_data: Path
) -> None:
    statements = lines(shared_data / "adl-generated-invalid-names.jsonl.gz", 300)
    for statement in statements[:50]:
        error = doors.put(statement, statement["id"]).json()
        assert [p["path"] for p in error["problems"]] == ["object.definition.name"]
    error = doors.post(statements).json()
    assert error["refused"] == list(range(300))
    assert {p["path"].split(".", 1)[1] for p in error["problems"]} == {"object.definition.name"}
    assert (drain(), counts()) == (0, (0, 0, 51))


def test_mended_they_are_taken(doors: Doors, drain: Callable[[], int], shared_data: Path) -> None:
    statements = lines(shared_data / "adl-generated-invalid-names.jsonl.gz", 300)
    for statement in statements:
        definition = statement["object"]["definition"]
        definition["name"] = {"en-US": definition["name"]}
    post(doors, statements)
    drain()
    assert counts() == (300, 300, 0)
