"""Contracts tell the truth: they follow their schema, name files and endpoints that are there, and leave none out."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from app.contracts.progress import endpoints_of, missing
from app.contracts.schemas import Contract, json_schema
from app.main import create_app

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "orchestrator_contracts"
SCHEMA = json.loads((FOLDER / "contract_schema.json").read_text())
CONTRACTS = {
    path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json")) if path.stem != "contract_schema"
}


@pytest.fixture(scope="module")
def served() -> set[str]:
    """Every endpoint of the application, as METHOD /path, from its own description of itself."""
    return set(endpoints_of(create_app().openapi()))


def test_the_schema_is_that_of_the_model() -> None:
    assert json_schema() == SCHEMA, "write json.dumps(app.contracts.schemas.json_schema(), indent=2) into the file"
    issue = {"module", "agent", "allowed_files", "required_endpoints", "status", "depends_on", "updated_at"}
    assert set(SCHEMA["required"]) == issue


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_follows_the_schema(name: str) -> None:
    jsonschema.validate(CONTRACTS[name], SCHEMA, format_checker=jsonschema.FormatChecker())
    assert Contract.model_validate(CONTRACTS[name]).module == name
    assert CONTRACTS[name]["purpose"]
    assert CONTRACTS[name]["tests"]


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_it_claims_is_there(name: str, served: set[str]) -> None:
    """Files, tests and endpoints; what is planned, or being worked on, may still come."""
    contract = Contract.model_validate(CONTRACTS[name])
    assert contract.status != "done" or missing(contract, ROOT, served) == []


@pytest.mark.parametrize(
    ("field", "claim"),
    [
        ("allowed_files", "app/nothing_of_the_kind.py"),
        ("allowed_files", "app/nothing/**"),
        ("tests", "tests/unit/test_nothing_of_the_kind.py"),
        ("required_endpoints", "GET /api/nothing-of-the-kind"),
        ("required_endpoints", "DELETE /api/contracts"),
    ],
)
def test_a_claim_that_is_not_true_is_found(field: str, claim: str, served: set[str]) -> None:
    told: dict[str, Any] = CONTRACTS["contracts"]
    contract = Contract.model_validate({**told, field: [*told[field], claim]})
    assert missing(contract, ROOT, served) == [claim]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "finished"},
        {"allowed_files": []},
        {"allowed_files": ["/etc/passwd"]},
        {"allowed_files": ["app/../../secrets"]},
        {"required_endpoints": ["api/contracts"]},
        {"required_endpoints": ["FETCH /api/contracts"]},
        {"updated_at": "yesterday"},
        {"updated_at": "2026-11-21T10:00:00"},
        {"module": "Not A Name"},
        {"agent": ""},
        {"surprise": 1},
    ],
)
def test_what_is_no_contract_is_refused_by_the_model_and_by_the_schema(wrong: dict[str, Any]) -> None:
    told = {**CONTRACTS["contracts"], **wrong}
    with pytest.raises(ValidationError):
        Contract.model_validate(told)
    if "updated_at" not in wrong:
        # Whether a text is a moment is left to the format checkers that a validator has.
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(told, SCHEMA)


@pytest.mark.parametrize("name", CONTRACTS)
def test_it_stands_on_modules_that_are_there_and_built_if_it_is(name: str) -> None:
    """One that is done may stand on one that somebody works on again, not on one that is only planned."""
    for other in CONTRACTS[name]["depends_on"]:
        assert other in CONTRACTS
        assert CONTRACTS[name]["status"] != "done" or CONTRACTS[other]["status"] != "planned"


def test_every_endpoint_belongs_to_a_contract(served: set[str]) -> None:
    promised = {endpoint for contract in CONTRACTS.values() for endpoint in contract["required_endpoints"]}
    assert served - promised == set()


def test_every_module_belongs_to_a_contract() -> None:
    owned = {
        path for contract in CONTRACTS.values() for pattern in contract["allowed_files"] for path in ROOT.glob(pattern)
    }
    modules = {path for path in (ROOT / "app").rglob("*.py") if "__pycache__" not in path.parts}
    folders = {path for path in owned if path.is_dir()}
    orphans = {
        str(path.relative_to(ROOT))
        for path in modules - owned
        if path.name != "__init__.py" and not folders & set(path.parents)
    }
    assert orphans == set()
