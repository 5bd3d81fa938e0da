"""The doors of senders' keys: made, succeeded by another one while both work, revoked. The secret is shown once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy.orm import Session

from app.access.callers import Caller, needs
from app.accounts import rotation
from app.accounts.access_schemas import Name
from app.accounts.rotation import KeyMade, KeyPlan, KeyRead
from app.api.problems import errors
from app.config import Settings
from app.database import get_db
from app.schemas import Strict

_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
STATEMENTS_PATH = "/api/xapi/statements"

router = APIRouter(prefix="/api/keys", tags=["Access"], responses=errors(400, 401, 403, 503))
Db = Annotated[Session, Depends(get_db, scope="function")]
KeyWriter = Annotated[Caller, needs("keys:write")]
Fingerprint = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="of the key, in full")]


class Successor(Strict):
    """What a successor is called; made up when it is left out."""

    name: Name | None = None


@router.get("")
def get_keys(db: Db, _caller: KeyWriter, response: Response) -> list[KeyRead]:
    """Keys in the table, those in force first; the key of PUBLIC_PEM is in no table."""
    response.headers.update(_PRIVATE)
    return [KeyRead.model_validate(row) for row in rotation.listed(db)]


@router.post("", status_code=201, responses=errors(409))
def post_key(request: Request, plan: KeyPlan, db: Db, caller: KeyWriter, response: Response) -> KeyMade:
    """Make a key pair; its password is shown this once."""
    response.headers.update(_PRIVATE)
    return rotation.shown_once(rotation.make(db, caller.actor, plan), _endpoint(request))


@router.post("/{key_id}/successor", status_code=201, responses=errors(404, 409))
def post_successor(
    request: Request, key_id: Fingerprint, wanted: Successor, db: Db, response: Response, *, caller: KeyWriter
) -> KeyMade:
    """Make a key with the same scopes that takes over; both work until the old one is revoked."""
    response.headers.update(_PRIVATE)
    return rotation.shown_once(rotation.succeed(db, caller.actor, key_id, wanted.name), _endpoint(request))


@router.delete("/{key_id}", responses=errors(404))
def delete_key(key_id: Fingerprint, db: Db, caller: KeyWriter) -> KeyRead:
    """Revoke a key; it stops working within CREDENTIAL_CACHE_SECONDS. Again: nothing."""
    return KeyRead.model_validate(rotation.end(db, caller.actor, key_id))


def _endpoint(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return f"{settings.base_url}{STATEMENTS_PATH}"
