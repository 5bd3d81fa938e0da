"""A contract as its file holds it. `contract_schema.json` is the JSON Schema of this model; a test compares them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.schemas import Strict

Status = Literal["planned", "in_progress", "done"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
MOST_ENTRIES = 500
_MODULE = r"^[a-z][a-z0-9_]*$"


def _inside(path: str) -> str:
    if path.startswith("/") or "\\" in path or ".." in path.split("/") or "\x00" in path:
        raise ValueError("has to be a path below the root of the project, such as app/lrs/**")
    return path


def _is_moment(text: str) -> str:
    try:
        if len(text) > len("2026-11-21"):
            if datetime.fromisoformat(text).tzinfo is None:
                raise ValueError("has no time zone")
        else:
            date.fromisoformat(text)
    except ValueError:
        raise ValueError("has to be a day or a moment with its time zone, such as 2026-11-21T14:53:01Z") from None
    return text


ModuleName = Annotated[str, Field(pattern=_MODULE, max_length=60)]
Path = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra={"pattern": r"^(?!/)(?!(.*/)?\.\.(/|$))[^\\]+$"}),
    AfterValidator(_inside),
]
Endpoint = Annotated[str, Field(pattern=r"^(GET|HEAD|PUT|POST|PATCH|DELETE) /\S*$", max_length=200)]
_A_MOMENT: dict[str, Any] = {"anyOf": [{"format": "date"}, {"format": "date-time"}]}


class Contract(BaseModel):
    """Which files a module owns, what it has to serve, how far it is, and what it stands on."""

    model_config = ConfigDict(extra="forbid", title="The contract of one module")

    module: Annotated[ModuleName, Field(description="the name of this file without .json")]
    agent: Annotated[Name | None, Field(description="who works on it now; null: nobody")]
    purpose: Annotated[str, Field(max_length=500, description="one sentence")] = ""
    allowed_files: Annotated[
        list[Path],
        Field(min_length=1, max_length=MOST_ENTRIES, description="paths or globs from the root of the project"),
    ]
    required_endpoints: Annotated[
        list[Endpoint], Field(max_length=MOST_ENTRIES, description="method and path as /openapi.json has them")
    ]
    tests: Annotated[list[Path], Field(max_length=MOST_ENTRIES, description="paths or globs that prove it")] = []
    status: Annotated[Status, Field(description="see docs/contracts.md for the steps between them")]
    depends_on: Annotated[list[ModuleName], Field(max_length=MOST_ENTRIES, description="modules that come first")]
    updated_at: Annotated[
        str,
        Field(
            max_length=40, description="of its status: a day, or a moment with its zone", json_schema_extra=_A_MOMENT
        ),
        AfterValidator(_is_moment),
    ]


class Unreadable(BaseModel):
    """A file that is no contract, and why."""

    file: str
    problem: str


class ContractsRead(BaseModel):
    """Every contract by name, and what could not be read as one."""

    contracts: list[Contract]
    unreadable: list[Unreadable]


class ContractChange(Strict):
    """A step of a contract. agent: who does it; only admins may name somebody else than themselves."""

    status: Status
    agent: Name | None = None

    model_config = ConfigDict(
        **{**Strict.model_config, "json_schema_extra": {"examples": [{"status": "in_progress"}, {"status": "done"}]}}
    )


SCHEMA_ID = "urn:7taps-analytics:contract"


def json_schema() -> dict[str, Any]:
    """What contract_schema.json holds (JSON Schema 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **Contract.model_json_schema(),
    }
