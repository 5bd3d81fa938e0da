"""Keys: those of senders such as 7taps, and tokens of programs. What is secret is shown once, and kept nowhere."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.access import managing
from app.access.callers import Caller, needs
from app.access.forms import Form
from app.accounts import rotation, tokens
from app.accounts.access_schemas import TokenMade, TokenPlan, TokenRead
from app.accounts.credentials import environment_key
from app.accounts.rotation import KeyMade, KeyPlan, KeyRead, Overlap
from app.accounts.scopes import MEANINGS
from app.config import Settings
from app.database import get_db
from app.errors import AppError, NotFound
from app.ui.pages import HTML, show
from app.ui.telling import Asked, Told, back, told, wrongs

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
KeyWriter = Annotated[Caller, needs("keys:write")]
Fingerprint = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
PATH = "/ui/admin/keys"
ENDPOINT = "/api/xapi/statements"
"""7taps asks for an address that ends in /statements."""
DAYS = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("1095", "three years")]
_TOLD = {
    "revoked": Told(kind="done", title="The key is revoked", text="It stops working within a minute."),
    "token-revoked": Told(kind="done", title="The token is revoked", text="It stops working with the next request."),
}


class KeyShown(KeyRead):
    """A key with its part in a change of keys. successor: the key in force that takes over from it.

    used_last: which of this one and its successor was.
    """

    successor: str | None = None
    successor_name: str | None = None
    used_last: Overlap | None = None


class KeysPage(BaseModel):
    """The page. made_key, made_token: what was just made, in the answer to the form and nowhere else.

    own: the fingerprint of the key of the settings, which is in no table.
    """

    keys: list[KeyShown]
    tokens: list[TokenRead]
    own: str | None
    endpoint: str
    made_key: KeyMade | None = None
    made_token: TokenMade | None = None


@router.get(PATH, response_model=KeysPage, responses=HTML)
def get_keys_page(request: Request, db: Db, _caller: KeyWriter, asked: Annotated[Asked, Query()]) -> Response:
    """Every key and token, and the forms to make them."""
    return _page(request, db, told=told(_TOLD, asked.done))


@router.post(PATH, include_in_schema=False)
def post_key(request: Request, db: Db, caller: KeyWriter, form: Form) -> Response:
    """Make a key, and show it this once."""
    try:
        plan = KeyPlan.model_validate({"name": form.get("name", ""), "scopes": form.getlist("scope")})
        made = rotation.make(db, caller.actor, plan)
    except (AppError, ValidationError) as error:
        return _refused(request, db, error, "key", form)
    return _page(request, db, made_key=rotation.shown_once(made, _endpoint(request)))


@router.post(PATH + "/tokens", include_in_schema=False)
def post_token(request: Request, db: Db, caller: KeyWriter, form: Form) -> Response:
    """Make a token, and show it this once. Nobody gives a scope that they do not have."""
    try:
        plan = TokenPlan.model_validate(
            {
                "name": form.get("name", ""),
                "scopes": form.getlist("scope"),
                "expires_days": form.get("days", ""),
            }
        )
        managing.may_give(caller, plan.scopes)
        row, token = tokens.create(db, caller.actor, name=plan.name, scopes=plan.scopes, expires_days=plan.expires_days)
    except (AppError, ValidationError) as error:
        return _refused(request, db, error, "token", form)
    made = TokenMade(**TokenRead.model_validate(row).model_dump(), token=token)
    return _page(request, db, made_token=made)


@router.post(PATH + "/tokens/{token_id}/revoke", include_in_schema=False)
def post_revoke_token(request: Request, token_id: UUID, db: Db, caller: KeyWriter, _form: Form) -> Response:
    """Revoke a token."""
    tokens.revoke(db, caller.actor, tokens.find(db, token_id))
    return back(request, PATH, done="token-revoked")


@router.post(PATH + "/{key_id}/successor", include_in_schema=False)
def post_successor(request: Request, key_id: Fingerprint, db: Db, caller: KeyWriter, _form: Form) -> Response:
    """Make a key that takes over from another one, and show it this once."""
    try:
        made = rotation.succeed(db, caller.actor, key_id)
    except NotFound:
        raise
    except (AppError, ValidationError) as error:
        return _refused(request, db, error, "", None)
    return _page(request, db, made_key=rotation.shown_once(made, _endpoint(request)))


@router.post(PATH + "/{key_id}/revoke", include_in_schema=False)
def post_revoke(request: Request, key_id: Fingerprint, db: Db, caller: KeyWriter, _form: Form) -> Response:
    """Revoke a key."""
    rotation.end(db, caller.actor, key_id)
    return back(request, PATH, done="revoked")


def _refused(request: Request, db: Session, error: AppError | ValidationError, which: str, form: Any) -> Response:
    db.rollback()
    wrong = wrongs(error)
    given = (
        {"name": form.get("name", ""), "days": form.get("days", "90"), "scopes": form.getlist("scope")} if form else {}
    )
    status = error.status if isinstance(error, AppError) else 400
    return _page(request, db, status=status, which=which, wrong=wrong, given=given)


def _page(
    request: Request,
    db: Session,
    *,
    status: int = 200,
    told: Told | None = None,
    made_key: KeyMade | None = None,
    made_token: TokenMade | None = None,
    which: str = "",
    wrong: dict[str, str] | None = None,
    given: dict[str, Any] | None = None,
) -> Response:
    settings: Settings = request.app.state.settings
    caller: Caller = request.state.caller
    page = KeysPage(
        keys=_shown([KeyRead.model_validate(row) for row in rotation.listed(db)]),
        tokens=[TokenRead.model_validate(row) for row in tokens.all_tokens(db)],
        own=environment_key(settings.public_pem).id if settings.public_pem else None,
        endpoint=_endpoint(request),
        made_key=made_key,
        made_token=made_token,
    )
    more = {"told": told, "which": which, "wrong": wrong or {}, "given": given or {}, "path": PATH, "days": DAYS}
    offered = {
        "sender_scopes": rotation.SCOPES,
        "usual_scopes": rotation.USUAL_SCOPES,
        "token_scopes": {one: meaning for one, meaning in MEANINGS.items() if caller.may(one)},
        "reachable": settings.public_url is not None,
        "cache_seconds": settings.credential_cache_seconds,
    }
    return show(request, "keys.html", page, status=status, **more, **offered)


def _shown(keys: list[KeyRead]) -> list[KeyShown]:
    heirs = {one.succeeds: one for one in keys if one.succeeds and one.revoked_at is None}
    found = []
    for key in keys:
        new = heirs.get(key.id) if key.revoked_at is None else None
        part: dict[str, Any] = {}
        if new is not None:
            part = {"successor": new.id, "successor_name": new.name, "used_last": rotation.used_last(key, new)}
        found.append(KeyShown(**key.model_dump(), **part))
    return found


def _endpoint(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return f"{settings.base_url}{ENDPOINT}"
