"""Accounts of people: make one, give it another role or password, disable it. JSON twin: /api/accounts."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.access import managing
from app.access.callers import Caller, needs
from app.access.forms import Form
from app.accounts import logins
from app.accounts.access_schemas import AccountChange, AccountPlan
from app.accounts.scopes import ROLES
from app.database import session_scope
from app.errors import AppError
from app.ui.pages import page

router = APIRouter(prefix="/ui/admin/accounts", include_in_schema=False)
Manager = Annotated[Caller, needs("accounts:write")]
_TOLD = {"made": "The account is made.", "changed": "The account is changed."}


@router.get("")
def get_accounts(request: Request, _caller: Manager, done: str = "") -> Response:
    """The page."""
    return _page(request, told=_TOLD.get(done, ""))


@router.post("")
async def post_account(request: Request, caller: Manager, form: Form) -> Response:
    """Make an account."""
    return await run_in_threadpool(_made, request, caller, _given(form, "name", "password", "role"))


@router.post("/{account_id}")
async def post_change(request: Request, account_id: UUID, caller: Manager, form: Form) -> Response:
    """Change what the form names."""
    return await run_in_threadpool(_changed, request, caller, account_id, _given(form, "role", "disabled", "password"))


def _given(form: Form, *names: str) -> dict[str, str]:
    return {name: form[name] for name in names if name in form}


def _made(request: Request, caller: Caller, given: dict[str, Any]) -> Response:
    try:
        with session_scope() as db:
            managing.create_account(db, caller, AccountPlan.model_validate(given))
    except (AppError, ValidationError) as error:
        return _refused(request, error)
    return _back(request, "made")


def _changed(request: Request, caller: Caller, account_id: UUID, given: dict[str, Any]) -> Response:
    try:
        with session_scope() as db:
            managing.change_account(db, caller, account_id, AccountChange.model_validate(given))
    except (AppError, ValidationError) as error:
        return _refused(request, error)
    return _back(request, "changed")


def _refused(request: Request, error: AppError | ValidationError) -> Response:
    if isinstance(error, AppError):
        return _page(request, error.status, wrong=error.message)
    first = error.errors(include_url=False, include_input=False)[0]
    told = f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}."
    return _page(request, 400, wrong=told)


def _page(request: Request, status: int = 200, *, told: str = "", wrong: str = "") -> Response:
    with session_scope() as db:
        accounts = logins.all_accounts(db)
    values = {"told": told, "wrong": wrong, "accounts": accounts, "roles": ROLES, "twin": "/api/accounts"}
    return page(request, "accounts_admin.html", status, **values)


def _back(request: Request, done: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/ui/admin/accounts?done={done}", 303)
