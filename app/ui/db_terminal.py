"""Questions to the database: prebuilt ones for everybody who reads reports, and SQL in own words for analysts.

Prebuilt queries have an address that can be shared: name and parameters. What analysts write is run only when they
press the button, never by opening an address.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from app.access.callers import Caller, needs, require
from app.access.forms import Form
from app.access.leaving import while_somebody_waits
from app.accounts import cohorts, lessons
from app.analytics import catalogue
from app.analytics.prebuilt import QueryResult, ResultColumn, run_prebuilt
from app.analytics.tables import Table, csv_chunks
from app.config import get_settings
from app.database import session_scope
from app.errors import AppError, BadRequest, NotAllowed
from app.ui.db_terminal_charts import figure_of
from app.ui.mail_frame import framing
from app.ui.pages import HTML, PRIVATE, show, wants_json, zone_of
from app.ui.sql_tools import tools_for, why_not
from app.warehouse import sql_history
from app.warehouse.free_sql import CSV_MAX_ROWS, explain_freely, run_freely, why_off
from app.warehouse.readonly import Asking, Plan, Result
from app.warehouse.schema_browser import TableMeaning, readable_tables

router = APIRouter(prefix="/ui/db-terminal", tags=["Pages"], include_in_schema=False)
Reading = Annotated[Caller, needs("reports:read")]
Analyst = Annotated[Caller, needs("sql:read")]
LESSONS_OFFERED = 1_000
STARTING_QUERY = "SELECT verb, count(*) AS statements\nFROM statements_flat\nGROUP BY verb\nORDER BY statements DESC"


class QueryOffer(BaseModel):
    """A prebuilt query, as the list shows it."""

    name: str
    title: str
    question: str


class QueryGroup(BaseModel):
    """Prebuilt queries that belong together."""

    title: str
    queries: list[QueryOffer]


class Tool(BaseModel):
    """Another tool that analysts reach from here. path: of its page. framed: whether this page shows it."""

    title: str
    text: str
    path: str
    framed: bool


class TerminalPage(BaseModel):
    """What can be asked. own_words_off: why SQL in own words is off for everybody; empty when it is on."""

    groups: list[QueryGroup]
    tools: list[Tool]
    own_words_off: str


class QueryField(BaseModel):
    """A parameter, as the form shows it. options: (value, text); empty for what is typed."""

    name: str
    label: str
    kind: str
    value: str
    help: str
    needed: bool
    options: list[tuple[str, str]]
    error: str = ""


class QueryPage(BaseModel):
    """A prebuilt query. result: None while something that it needs was not said."""

    name: str
    title: str
    question: str
    fields: list[QueryField]
    result: QueryResult | None
    problem: str = ""
    advice: str = ""


class HistoryEntry(BaseModel):
    """A query that this analyst ran."""

    asked_at: datetime
    query: str
    outcome: str
    rows: int | None
    seconds: float | None


class FreeResult(BaseModel):
    """What a query in own words gave."""

    columns: list[ResultColumn]
    rows: list[list[str | int | float | bool | None]]
    more: bool
    cut: bool
    seconds: float


class SqlPage(BaseModel):
    """SQL in own words. off: why it is not to be had. plan: of Explain. problem, advice: why nothing was given."""

    sql: str
    off: str
    max_rows: int
    timeout_seconds: float
    result: FreeResult | None = None
    plan: Plan | None = None
    problem: str = ""
    advice: str = ""
    tables: list[TableMeaning]
    history: list[HistoryEntry]


def get_prebuilt_queries() -> list[catalogue.PrebuiltQuery]:
    """Every prebuilt query, in the order of the page."""
    return list(catalogue.QUERIES.values())


def execute_safe_query(
    name: str, params: Mapping[str, object], *, max_rows: int | None = None, asking: Asking | None = None
) -> QueryResult:
    """Run a prebuilt query as the read-only role. NotFound for every other name, BadRequest for wrong parameters."""
    return run_prebuilt(name, params, max_rows=max_rows, asking=asking)


def other_tools(caller: Caller) -> list[Tool]:
    """Where else this caller can ask: SQLPad or Superset, once they stand behind our server."""
    found = tools_for(caller, get_settings())
    return [Tool(title=one.title, text=one.text, path=one.start, framed=one.framed) for one in found]


@router.get("", response_model=TerminalPage, responses=HTML)
def get_terminal(request: Request, caller: Reading) -> Response:
    """The prebuilt queries that the caller may run."""
    groups: dict[str, list[QueryOffer]] = {}
    for one in get_prebuilt_queries():
        if caller.may(one.scope):
            offer = QueryOffer(name=one.name, title=one.title, question=one.question)
            groups.setdefault(one.group, []).append(offer)
    found = [QueryGroup(title=title, queries=offers) for title, offers in groups.items()]
    tools = other_tools(caller)
    page = show(request, "db_terminal.html", TerminalPage(groups=found, tools=tools, own_words_off=_off(caller)))
    return framing(page) if any(one.framed for one in tools) else page


@router.get("/queries/{name}", response_model=QueryPage, responses=HTML)
async def get_query_page(request: Request, name: str, caller: Reading) -> Response:
    """A prebuilt query with its result, once everything that it needs is there. `as=csv`: up to 10,000 rows."""
    query = catalogue.find(name)
    require(caller, query.scope)
    given = {key: value for key, value in request.query_params.items() if key not in ("as", "format")}
    as_csv = request.query_params.get("as") == "csv"
    asked = all(given.get(one.name, "").strip() for one in query.parameters if one.needed)

    def work(asking: Asking) -> Response:
        result, error = None, None
        try:
            if asked:
                result = execute_safe_query(name, given, max_rows=CSV_MAX_ROWS if as_csv else None, asking=asking)
            else:
                _refuse_unknown(query, given)
        except BadRequest as refused:
            if wants_json(request) or as_csv:
                raise
            error = refused
        if result is not None and as_csv:
            return _csv(result.name, [one.name for one in result.columns], result.rows)
        page = _query_page(query, given, result, error)
        chart = figure_of(result, zone_of(request)) if result is not None else None
        return show(request, "db_terminal_query.html", page, status=400 if error else 200, figure=chart)

    return await while_somebody_waits(request, work)


@router.get("/sql", response_model=SqlPage, responses=HTML)
def get_sql(request: Request, caller: Analyst, q: str = "") -> Response:
    """SQL in own words. q: what the editor begins with; it is not run."""
    return _sql_page(request, caller, q or STARTING_QUERY)


@router.post("/sql", response_model=SqlPage, responses=HTML)
async def post_sql(request: Request, caller: Analyst, form: Form) -> Response:
    """Run what the form has in `sql`; `act` is run, explain or csv."""
    sql, act = form.get("sql", ""), form.get("act", "run")

    def work(asking: Asking) -> Response:
        if off := _off(caller):
            raise NotAllowed(off)
        try:
            if act == "explain":
                return _sql_page(request, caller, sql, plan=explain_freely(caller.actor, sql, asking=asking))
            rows = CSV_MAX_ROWS if act == "csv" else None
            result = run_freely(caller.actor, sql, max_rows=rows, asking=asking)
        except AppError as error:
            if wants_json(request):
                raise
            return _sql_page(request, caller, sql, status=error.status, error=error)
        if act == "csv":
            return _csv("query", [one.name for one in result.columns], result.rows)
        return _sql_page(request, caller, sql, result=result)

    return await while_somebody_waits(request, work)


def _off(caller: Caller) -> str:
    if told := why_not(caller, get_settings()):
        return told
    try:
        return why_off()
    except AppError as error:
        return error.message


def _refuse_unknown(query: catalogue.PrebuiltQuery, given: Mapping[str, str]) -> None:
    """A form that was not filled in yet is no mistake; everything else that was sent is looked at."""
    try:
        query.read(given)
    except BadRequest as error:
        wrong = [one for one in error.problems if one.message != "is needed."]
        if wrong:
            raise BadRequest(wrong[0].sentence(), wrong) from None


def _query_page(
    query: catalogue.PrebuiltQuery, given: Mapping[str, str], result: QueryResult | None, error: BadRequest | None
) -> QueryPage:
    wrong = {one.path.removeprefix("?"): one for one in error.problems} if error else {}
    options = _options({one.kind for one in query.parameters})
    fields = []
    for one in query.parameters:
        value = given.get(one.name, "")
        default = one.default_value()
        if not value and default is not None:
            value = str(default)
        problem = wrong.pop(one.name, None)
        fields.append(
            QueryField(
                name=one.name,
                label=one.label,
                kind=one.kind,
                value=value,
                help=one.help,
                needed=one.needed,
                options=(
                    [] if one.kind not in options else [("", "Choose one" if one.needed else "All"), *options[one.kind]]
                ),
                error=f"{problem.message.capitalize()} {problem.expected}" if problem else "",
            )
        )
    told = next(iter(wrong.values()), None)
    return QueryPage(
        name=query.name,
        title=query.title,
        question=query.question,
        fields=fields,
        result=result,
        problem="" if told is None else told.message if told.path == "sql" else told.sentence(),
        advice=told.expected if told is not None and told.path == "sql" else "",
    )


def _options(kinds: set[Any]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    with session_scope() as db:
        if "cohort" in kinds:
            found["cohort"] = [(str(one.id), one.name) for one in cohorts.list_cohorts(db)]
        if "lesson" in kinds:
            offered = lessons.list_lessons(db, limit=LESSONS_OFFERED)
            found["lesson"] = sorted(
                ((str(one.id), one.title or one.activity_id) for one in offered), key=lambda pair: pair[1].lower()
            )
    return found


def _sql_page(
    request: Request,
    caller: Caller,
    sql: str,
    *,
    status: int = 200,
    result: Result | None = None,
    plan: Plan | None = None,
    error: AppError | None = None,
) -> Response:
    settings, off = get_settings(), _off(caller)
    with session_scope() as db:
        history = [
            HistoryEntry.model_validate(one, from_attributes=True) for one in sql_history.last_queries(db, caller.actor)
        ]
    columns = [ResultColumn(name=one.name, kind=one.kind) for one in result.columns] if result else []
    page = SqlPage(
        sql=sql,
        off=off,
        max_rows=settings.sql_max_rows,
        timeout_seconds=settings.sql_timeout_seconds,
        result=(
            FreeResult(
                columns=columns,
                rows=[list(row) for row in result.rows],
                more=result.more,
                cut=result.cut,
                seconds=round(result.seconds, 3),
            )
            if result
            else None
        ),
        plan=plan,
        problem=error.message if error else "",
        advice=error.problems[0].expected if error and error.problems else "",
        tables=readable_tables() if not off else [],
        history=history,
    )
    return show(request, "db_terminal_sql.html", page, status=status)


def _csv(name: str, columns: list[str], rows: Any) -> Response:
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(csv_chunks(Table(name, columns, rows)), 200, headers, "text/csv; charset=utf-8")
