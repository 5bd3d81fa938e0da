"""What may be done to accounts and tokens by whom: nobody gives more than they have, or locks themselves out."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from app.access.callers import Caller, session_limits
from app.accounts import logins, sessions
from app.accounts.access_models import Account
from app.accounts.access_schemas import AccountChange, AccountPlan, SessionRead
from app.accounts.scopes import scopes_of
from app.config import Settings
from app.errors import Conflict, NotAllowed


def may_give(caller: Caller, scopes: Iterable[str]) -> None:
    """NotAllowed when the caller does not have all of these scopes."""
    if missing := sorted(set(scopes) - caller.scopes):
        raise NotAllowed(f"{caller.actor} does not have the scope {missing[0]}, so they cannot give it or take it.")


def create_account(db: Session, caller: Caller, plan: AccountPlan) -> Account:
    """A new account. Only who may do everything makes an admin."""
    may_give(caller, scopes_of(plan.role))
    return logins.create(db, caller.actor, name=plan.name, password=plan.password, role=plan.role)


def change_account(db: Session, caller: Caller, account_id: UUID, change: AccountChange) -> Account:
    """Another role or password; disabled, or opened again. NotFound, NotAllowed, BadRequest; Conflict for one's own."""
    account = logins.find(db, account_id)
    may_give(caller, scopes_of(account.role))
    if caller.account_id == account_id and (change.disabled or change.role not in (None, account.role)):
        raise Conflict("This is your own account. Let another admin change its role or disable it.")
    if change.role is not None:
        may_give(caller, scopes_of(change.role))
        logins.set_role(db, caller.actor, account, change.role)
    if change.password is not None:
        logins.set_password(db, caller.actor, account, change.password)
    if change.disabled is not None:
        logins.set_disabled(db, caller.actor, account, change.disabled)
    return account


def own_sessions(db: Session, caller: Caller, settings: Settings) -> list[SessionRead]:
    """The sessions of whoever asks, the one seen last first."""
    return [
        SessionRead(
            id=one.id,
            user_agent=one.user_agent,
            created_at=one.created_at,
            last_seen_at=one.last_seen_at,
            expires_at=one.expires_at,
            current=one.id == caller.session_id,
        )
        for one in sessions.living(db, session_limits(settings), caller.account_id)
    ]
