"""Contracts tell the truth: they follow their schema, name files and endpoints that are there, and leave none out."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

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
    paths = create_app().openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_follows_the_schema(name: str) -> None:
    jsonschema.validate(CONTRACTS[name], SCHEMA, format_checker=jsonschema.FormatChecker())
    assert CONTRACTS[name]["module"] == name


@pytest.mark.parametrize("name", CONTRACTS)
def test_its_files_and_tests_are_there(name: str) -> None:
    contract: dict[str, Any] = CONTRACTS[name]
    for pattern in (*contract["allowed_files"], *contract["tests"]):
        assert list(ROOT.glob(pattern)), f"{name} names {pattern}, which matches nothing"


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_it_promises_is_served(name: str, served: set[str]) -> None:
    assert set(CONTRACTS[name]["required_endpoints"]) <= served


@pytest.mark.parametrize("name", CONTRACTS)
def test_it_depends_on_modules_that_are_there_and_done_if_it_is(name: str) -> None:
    for other in CONTRACTS[name]["depends_on"]:
        assert other in CONTRACTS
        assert CONTRACTS[name]["status"] != "done" or CONTRACTS[other]["status"] == "done"


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
