"""Prebuilt queries for programs: the same as on /ui/db-terminal, and nothing else."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.access.callers import Caller, needs, require
from app.access.leaving import while_somebody_waits
from app.analytics import catalogue
from app.analytics.prebuilt import QueryResult, run_prebuilt
from app.analytics.tables import Table, csv_chunks
from app.api.problems import errors
from app.errors import BadRequest, Problem
from app.warehouse.free_sql import CSV_MAX_ROWS
from app.warehouse.readonly import Asking

router = APIRouter(prefix="/api/debug", tags=["Debug"], responses=errors(400, 401, 403, 409, 503))
Reading = Annotated[Caller, needs("reports:read")]
_OURS = ("name", "format")
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class QueryParameter(BaseModel):
    """What a query asks for. kind: cohort and lesson are ids; day is YYYY-MM-DD."""

    name: str
    label: str
    kind: catalogue.ParameterKind
    needed: bool
    default: str | float | None
    help: str


class QueryEntry(BaseModel):
    """A prebuilt query. scope: what a caller needs to run it."""

    name: str = Field(examples=["drop-off"])
    title: str
    question: str
    group: str
    scope: str
    parameters: list[QueryParameter]


class QueryOrder(BaseModel):
    """Which query to run, with which parameters."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, examples=["slow-learners"])
    parameters: dict[str, str | int | float | None] = Field(
        default={}, max_length=20, examples=[{"times": 3}], description="by name, as GET /api/debug/queries lists them"
    )


@router.get("/queries")
def get_queries(caller: Reading) -> list[QueryEntry]:
    """The prebuilt queries that the caller may run, with their parameters."""
    return [_entry(one) for one in catalogue.QUERIES.values() if caller.may(one.scope)]


@router.get("/query", response_model=QueryResult, responses={200: {"content": {"text/csv": {}}}, **errors(404)})
async def get_query(
    request: Request,
    caller: Reading,
    name: Annotated[str, Query(max_length=100, examples=["completion-by-cohort"])],
    format: Annotated[str, Query(pattern="^(json|csv)$")] = "json",
) -> Any:
    """Run a prebuilt query. Its parameters are query parameters too: `?name=drop-off&cohort=…`.

    Only prebuilt queries run here. `format=csv` has up to 10,000 rows.
    """
    given: dict[str, object] = {}
    for key, value in request.query_params.multi_items():
        if key in given:
            raise BadRequest(f"?{key} is given twice.", [Problem(f"?{key}", "is given twice.", "Once.")])
        if key not in _OURS:
            given[key] = value
    return await _run(request, caller, name, given, as_csv=format == "csv")


@router.post("/query", response_model=QueryResult, responses=errors(404))
async def post_query(request: Request, caller: Reading, order: QueryOrder) -> Any:
    """The same with the parameters in the body."""
    given: dict[str, object] = {key: value for key, value in order.parameters.items() if value is not None}
    return await _run(request, caller, order.name, given, as_csv=False)


async def _run(request: Request, caller: Caller, name: str, given: dict[str, object], *, as_csv: bool) -> Any:
    require(caller, catalogue.find(name).scope)

    def work(asking: Asking) -> QueryResult:
        return run_prebuilt(name, given, max_rows=CSV_MAX_ROWS if as_csv else None, asking=asking)

    result = await while_somebody_waits(request, work)
    return csv_answer(result) if as_csv else result


def csv_answer(result: QueryResult) -> Response:
    """The result as a file."""
    table = Table(result.name, [column.name for column in result.columns], result.rows)
    headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{result.name}.csv"'}
    return StreamingResponse(csv_chunks(table), 200, headers, "text/csv; charset=utf-8")


def _entry(query: catalogue.PrebuiltQuery) -> QueryEntry:
    parameters = [
        QueryParameter(
            name=one.name,
            label=one.label,
            kind=one.kind,
            needed=one.needed,
            default=_plain(one.default_value()),
            help=one.help,
        )
        for one in query.parameters
    ]
    return QueryEntry(
        name=query.name,
        title=query.title,
        question=query.question,
        group=query.group,
        scope=query.scope,
        parameters=parameters,
    )


def _plain(value: catalogue.Value) -> str | float | None:
    return value if value is None or isinstance(value, int | float) else str(value)
