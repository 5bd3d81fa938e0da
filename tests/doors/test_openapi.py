"""Every door against its own description, with data that fits it and data that does not (made by Schemathesis).

Whatever comes in, no door answers 5xx, each answer is one that the description announces, and what was accepted is
loaded. The same data each time; how long anything takes is nobody's business here.
"""

import base64
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import func, select

from app.database import session_scope
from app.ingest.models import DeadLetter
from app.models import StatementFlat, StatementRaw
from tests.conftest import Doors

EXAMPLES = 10
EXAMPLES_WITH_STATEMENTS = 4
"""A statement that fits its schema, or just does not, takes a hundred times longer to make up than to answer."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
CONFIG = SchemathesisConfig.from_dict({"seed": 1, "generation": {"with-security-parameters": False}})


def as_often_as(examples: int) -> settings:
    """The same examples on each run, however long they take; the first one that fails is told as it is."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def send(doors: Doors, case: schemathesis.Case) -> Any:
    """Send a case with the credentials that its door asks for."""
    made = case.as_transport_kwargs(base_url="http://testserver")
    schemes = {name for one in case.operation.definition.raw.get("security", ()) for name in one}
    basic = base64.b64encode(":".join(doors.sender).encode()).decode()
    headers = dict(made["headers"]) | (doors.admin if "Admin" in schemes else {"Authorization": f"Basic {basic}"})
    if "json" in made:
        body = {"json": made["json"]}
    else:
        # Fields of a form come as a mapping, everything else as bytes.
        body = {"data" if isinstance(made.get("data"), dict) else "content": made.get("data")}
    return doors.client.request(made["method"], made["url"], params=made.get("params"), headers=headers, **body)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_door_breaks_and_each_keeps_to_its_description(
    doors: Doors, drain: Callable[[], int], mode: GenerationMode
) -> None:
    document = doors.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document, config=CONFIG)
    for found in schema.get_all_operations():
        operation = found.ok()
        raw = operation.definition.raw
        if mode is GenerationMode.NEGATIVE and not raw.get("parameters") and "requestBody" not in raw:
            continue  # There is nothing that could be wrong.

        takes_statements = operation.method != "get" and operation.path.endswith("/statements")

        @as_often_as(EXAMPLES_WITH_STATEMENTS if takes_statements else EXAMPLES)
        @given(case=operation.as_strategy(generation_mode=mode))
        def knock(case: schemathesis.Case) -> None:
            case.validate_response(send(doors, case), checks=CHECKS)

        try:
            knock()
        except Unsatisfiable:
            # Any text may stand in the address of such a door, so that nothing about it could be wrong.
            assert mode is GenerationMode.NEGATIVE, operation.label
        drain()
    with session_scope() as db:
        assert set(db.scalars(select(DeadLetter.source))) <= {"door"}
        stored, flat = (db.scalar(select(func.count()).select_from(t)) for t in (StatementRaw, StatementFlat))
    assert stored == flat
    assert stored or mode is GenerationMode.NEGATIVE
