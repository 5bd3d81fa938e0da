"""Accounts of people who log in: made, changed, disabled, listed. Every change is written in the audit log."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.accounts import passwords
from app.accounts.access_models import Account, LoginSession
from app.accounts.scopes import Role
from app.errors import Conflict, NotFound
from app.platform import clock

MOST_ACCOUNTS_SHOWN = 1_000


def create(db: Session, actor: str, *, name: str, password: str, role: Role) -> Account:
    """A new account. BadRequest when the password is not good, Conflict when the name is taken in any case."""
    passwords.check_new(password, name)
    now = clock.now()
    values = {"name": name, "role": role, "password_hash": passwords.hashed(password)}
    row = insert(Account).values(**values, created_at=now, password_changed_at=now)
    made = db.scalars(row.on_conflict_do_nothing().returning(Account)).first()
    if made is None:
        raise Conflict(f"There is an account named “{name}” already; upper and lower case count as the same.")
    audit.note(db, actor, "account.create", _target(made), {"name": name, "role": role})
    return made


def all_accounts(db: Session) -> Sequence[Account]:
    """Accounts by name, disabled ones among them."""
    return db.scalars(select(Account).order_by(func.lower(Account.name)).limit(MOST_ACCOUNTS_SHOWN)).all()


def is_any_open(db: Session) -> bool:
    """Whether there is an account that somebody can log in with."""
    return bool(db.scalar(select(exists().where(Account.disabled_at.is_(None)))))


def named(db: Session, name: str) -> Account | None:
    """The account of this name, in any case."""
    return db.scalars(select(Account).where(func.lower(Account.name) == func.lower(name))).first()


def find(db: Session, account: UUID | str) -> Account:
    """The account with this id or name. NotFound."""
    found = db.get(Account, account) if isinstance(account, UUID) else named(db, account)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def set_role(db: Session, actor: str, account: Account, role: Role) -> None:
    """Give another role; it counts from the next request on, also in sessions that have begun."""
    if account.role != role:
        audit.note(db, actor, "account.role", _target(account), {"was": account.role, "role": role})
        account.role = role


def set_disabled(db: Session, actor: str, account: Account, disabled: bool) -> None:
    """Close an account, which ends its sessions, or open it again."""
    if (account.disabled_at is not None) == disabled:
        return
    account.disabled_at = clock.now() if disabled else None
    ended = end_sessions(db, account.id) if disabled else 0
    audit.note(
        db, actor, "account.disable" if disabled else "account.enable", _target(account), {"sessions_ended": ended}
    )


def set_password(db: Session, actor: str, account: Account, password: str) -> None:
    """Give another password, which ends every session of the account. BadRequest when it is not good."""
    passwords.check_new(password, account.name)
    account.password_hash = passwords.hashed(password)
    account.password_changed_at = clock.now()
    ended = end_sessions(db, account.id)
    audit.note(db, actor, "account.password", _target(account), {"sessions_ended": ended})


def end_sessions(db: Session, account_id: UUID | None) -> int:
    """End every session of an account; None: every one that was begun with ADMIN_TOKEN. Returns how many there were."""
    mine = LoginSession.account_id.is_(None) if account_id is None else LoginSession.account_id == account_id
    return len(db.scalars(delete(LoginSession).where(mine).returning(LoginSession.id)).all())


def _target(account: Account) -> str:
    return f"account:{account.id}"
