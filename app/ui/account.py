"""One's own account: the password, and where one is logged in. JSON twin: GET /api/session."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app import audit
from app.access import cookies
from app.access.callers import Caller, LoggedIn
from app.access.entering import TooManyLogins, change_own_password
from app.access.forms import Form
from app.access.managing import own_sessions
from app.accounts import sessions
from app.config import Settings
from app.database import get_db, session_scope
from app.errors import AppError, BadRequest, NotAllowed
from app.ui.browsers import browser_words
from app.ui.pages import page

router = APIRouter(prefix="/ui/account", include_in_schema=False)
Db = Annotated[Session, Depends(get_db, scope="function")]
_TOLD = {"password": "Your password is changed, and your other logins have ended.", "ended": "That login has ended."}


@router.get("")
def get_account(request: Request, caller: LoggedIn, done: str = "") -> Response:
    """The page."""
    return _page(request, caller, told=_TOLD.get(done, ""))


@router.post("/password")
async def post_password(request: Request, caller: LoggedIn, form: Form) -> Response:
    """Change one's own password; this browser stays logged in, under a new token."""
    try:
        token = await run_in_threadpool(
            change_own_password, request, caller, form.get("current", ""), form.get("new", "")
        )
    except (BadRequest, NotAllowed, TooManyLogins) as error:
        return await run_in_threadpool(_refused, request, caller, error)
    response = _back(request, "password")
    cookies.put(request, response, cookies.SESSION, token)
    return response


@router.post("/sessions/{session_id}/end")
def post_end_session(request: Request, session_id: UUID, db: Db, caller: LoggedIn) -> Response:
    """End one of one's own sessions."""
    if sessions.end(db, session_id, caller.account_id):
        audit.note(db, caller.actor, "session.end", f"session:{session_id}", {})
    return _back(request, "ended")


def _page(request: Request, caller: Caller, status: int = 200, *, told: str = "", wrong: str = "") -> Response:
    settings: Settings = request.app.state.settings
    with session_scope() as db:
        own = own_sessions(db, caller, settings)
    return page(
        request,
        "account.html",
        status,
        told=told,
        wrong=wrong,
        sessions=own,
        browser=browser_words,
        twin="/api/session",
    )


def _refused(request: Request, caller: Caller, error: AppError) -> Response:
    response = _page(request, caller, error.status, wrong=error.message)
    if (seconds := getattr(error, "retry_after_seconds", None)) is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _back(request: Request, done: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/ui/account?done={done}", 303)
