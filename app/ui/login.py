"""Log in, log out, log out everywhere."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.access import cookies, forgery
from app.access.callers import LOGIN_PATH, LoggedIn, session_of
from app.access.entering import Presented, TooManyLogins, WrongLogin, log_in, log_out
from app.access.forms import Fields, Form
from app.accounts.logins import is_any_open
from app.database import session_scope
from app.ui.pages import page

START = "/ui"
"""Where a login leads that began at the login page."""
_COOKIE_BYTES = 32
_MOST_CHARACTERS = 2_000
# A path of ours: no scheme, no host (`//`, which `/\` means too), nothing that browsers drop or turn around.
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)

router = APIRouter(prefix="/ui", include_in_schema=False)


def own_path(wanted: str | None, root: str = "") -> str:
    """Where to go after a login: the wanted path if it is one of this site, else the start page."""
    if wanted and len(wanted) <= _MOST_CHARACTERS and _OWN_PATH.fullmatch(wanted):
        return wanted
    return f"{root}{START}"


@router.get("/login")
async def get_login(request: Request, next: Annotated[str, Query()] = "") -> Response:
    """The form; whoever is logged in goes on."""
    if await session_of(request) is not None:
        return RedirectResponse(own_path(next, _root(request)), 303)
    return await _form(request, next_=next)


@router.post("/login")
async def post_login(request: Request, form: Form) -> Response:
    """Begin a session, and go on to `next`. The form is tied to the browser that asked for it (login CSRF)."""
    tie = cookies.read(request, cookies.LOGIN)
    try:
        await forgery.check(request, forgery.secret_of(tie or secrets.token_urlsafe(_COOKIE_BYTES)))
    except forgery.Forged as error:
        return await _form(request, form, error.status, "This form was out of date. Please fill it in once more.")
    presented = Presented(form.get("name", "").strip(), form.get("password", ""), form.get("admin_token", "").strip())
    try:
        token = await run_in_threadpool(log_in, request, presented)
    except WrongLogin as error:
        response = await _form(request, form, error.status, error.message)
        response.headers["WWW-Authenticate"] = error.challenge
        return response
    except TooManyLogins as error:
        response = await _form(request, form, error.status, error.message)
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    response = RedirectResponse(own_path(form.get("next"), _root(request)), 303)
    cookies.put(request, response, cookies.SESSION, token)
    cookies.clear(request, response, cookies.LOGIN)
    return response


@router.post("/logout")
def post_logout(request: Request, caller: LoggedIn) -> Response:
    """End this session."""
    return _out(request, log_out(caller, everywhere=False))


@router.post("/logout-everywhere")
def post_logout_everywhere(request: Request, caller: LoggedIn) -> Response:
    """End every session of whoever asks."""
    return _out(request, log_out(caller, everywhere=True))


def _out(request: Request, _ended: int) -> Response:
    response = RedirectResponse(f"{_root(request)}{LOGIN_PATH}", 303)
    cookies.clear(request, response, cookies.SESSION)
    return response


async def _form(
    request: Request, form: Fields | None = None, status: int = 200, told: str = "", next_: str = ""
) -> Response:
    tie = cookies.read(request, cookies.LOGIN)
    fresh = tie or secrets.token_urlsafe(_COOKIE_BYTES)
    next_ = form.get("next", "") if form is not None else next_
    response = page(
        request,
        "login.html",
        status,
        told=told,
        next=next_ if own_path(next_) == next_ else "",
        name=form.get("name", "") if form is not None else "",
        has_accounts=await run_in_threadpool(_has_accounts),
        by_token=form is not None and "admin_token" in form,
        csrf_token=forgery.masked(forgery.secret_of(fresh)),
    )
    if tie is None:
        cookies.put(request, response, cookies.LOGIN, fresh)
    return response


def _has_accounts() -> bool:
    with session_scope() as db:
        return is_any_open(db)


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))
