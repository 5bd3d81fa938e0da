"""The doors of access: who am I, accounts of people, tokens of programs, and what was done."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from app import audit
from app.access import managing
from app.access.callers import Asking, Caller, needs
from app.accounts import logins, tokens
from app.accounts.access_schemas import (
    AccountChange,
    AccountPlan,
    AccountRead,
    AuditPage,
    AuditRead,
    CallerRead,
    TokenMade,
    TokenPlan,
    TokenRead,
)
from app.api.problems import errors
from app.config import Settings
from app.database import get_db

_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PAGE_ACTS = 100
PAGE_MAX_ACTS = 500
_BIGGEST_ID = 2**63 - 1

router = APIRouter(prefix="/api", tags=["Access"], responses=errors(400, 401, 403, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
AccountWriter = Annotated[Caller, needs("accounts:write")]
KeyWriter = Annotated[Caller, needs("keys:write")]


@router.get("/session")
def get_session(request: Request, db: Db, caller: Asking, response: Response) -> CallerRead:
    """Who asks, what they may do, and the sessions they have; with the token for requests of this session."""
    response.headers.update(_PRIVATE)
    settings: Settings = request.app.state.settings
    return CallerRead(
        kind=caller.kind,
        name=caller.name,
        role=caller.role,
        scopes=sorted(caller.scopes),
        csrf_token=caller.form_token(),
        sessions=managing.own_sessions(db, caller, settings) if caller.kind == "session" else [],
    )


@router.get("/accounts")
def get_accounts(db: Db, _caller: AccountWriter, response: Response) -> list[AccountRead]:
    """Every account, by name."""
    response.headers.update(_PRIVATE)
    return [AccountRead.model_validate(one) for one in logins.all_accounts(db)]


@router.post("/accounts", status_code=201, responses=errors(409))
def post_account(plan: AccountPlan, db: Db, caller: AccountWriter) -> AccountRead:
    """Make an account. Only who may do everything makes an admin."""
    return AccountRead.model_validate(managing.create_account(db, caller, plan))


@router.patch("/accounts/{account_id}", responses=errors(404, 409))
def patch_account(account_id: UUID, change: AccountChange, db: Db, caller: AccountWriter) -> AccountRead:
    """Give an account another role or password, disable it or open it again."""
    return AccountRead.model_validate(managing.change_account(db, caller, account_id, change))


@router.get("/tokens")
def get_tokens(db: Db, _caller: KeyWriter, response: Response) -> list[TokenRead]:
    """Every token of a program, the newest first; of the token itself only how it begins."""
    response.headers.update(_PRIVATE)
    return [TokenRead.model_validate(one) for one in tokens.all_tokens(db)]


@router.post("/tokens", status_code=201, responses=errors(409))
def post_token(plan: TokenPlan, db: Db, caller: KeyWriter, response: Response) -> TokenMade:
    """Make a token; it is shown this once. Nobody gives a scope that they do not have."""
    response.headers.update(_PRIVATE)
    managing.may_give(caller, plan.scopes)
    row, token = tokens.create(db, caller.actor, name=plan.name, scopes=plan.scopes, expires_days=plan.expires_days)
    return TokenMade(**TokenRead.model_validate(row).model_dump(), token=token)


@router.delete("/tokens/{token_id}", responses=errors(404))
def delete_token(token_id: UUID, db: Db, caller: KeyWriter) -> TokenRead:
    """Revoke a token; it ends with the next request. Again: nothing."""
    row = tokens.find(db, token_id)
    tokens.revoke(db, caller.actor, row)
    return TokenRead.model_validate(row)


@router.get("/audit", dependencies=[needs("audit:read")])
def get_audit(
    db: Db,
    response: Response,
    before: Annotated[int | None, Query(ge=1, le=_BIGGEST_ID, description="`more` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX_ACTS)] = PAGE_ACTS,
) -> AuditPage:
    """Who did what to what, the newest first."""
    response.headers.update(_PRIVATE)
    acts = audit.find(db, audit.Wanted(), before=before, limit=limit)
    return AuditPage(
        acts=[AuditRead.model_validate(one) for one in acts], more=acts[-1].id if len(acts) == limit else None
    )
