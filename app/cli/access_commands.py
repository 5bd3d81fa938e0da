"""`python -m app accounts …` and `tokens …`: people who log in, and programs that present a token."""

import argparse
import getpass
import sys
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.accounts import logins, tokens
from app.accounts.access_schemas import Name
from app.accounts.passwords import MOST_CHARACTERS
from app.accounts.scopes import ROLES, SCOPES
from app.database import session_scope
from app.errors import BadRequest

ACTOR = "command line"


def add_command(subparsers: Any) -> None:
    """Declare both commands and their parts."""
    accounts = subparsers.add_parser("accounts", help="people who log in: make, list, disable, give a password")
    parts = accounts.add_subparsers(dest="part", required=True, metavar="create|list|disable|password")
    create = parts.add_parser("create", help="make an account; its password is asked for, or read from standard input")
    create.add_argument("name", type=_name)
    create.add_argument("--role", choices=ROLES, default="viewer", help="viewer looks, admin does (default: viewer)")
    create.set_defaults(run=_create_account)
    parts.add_parser("list", help="every account").set_defaults(run=_list_accounts)
    disable = parts.add_parser("disable", help="close an account and end its sessions")
    disable.add_argument("name")
    disable.add_argument("--undo", action="store_true", help="open it again")
    disable.set_defaults(run=_disable_account)
    password = parts.add_parser("password", help="give an account another password; ends its sessions")
    password.add_argument("name")
    password.set_defaults(run=_password)

    programs = subparsers.add_parser("tokens", help="programs that present a token: make, list, revoke")
    parts = programs.add_subparsers(dest="part", required=True, metavar="create|list|revoke")
    make = parts.add_parser("create", help="make a token and show it once")
    make.add_argument("name", type=_name)
    make.add_argument("--scope", action="append", required=True, choices=SCOPES, help="may be repeated")
    make.add_argument("--expires-days", type=_days, default=tokens.DEFAULT_DAYS, help="(default: %(default)s)")
    make.set_defaults(run=_create_token)
    parts.add_parser("list", help="every token, the newest first").set_defaults(run=_list_tokens)
    revoke = parts.add_parser("revoke", help="end a token")
    revoke.add_argument("name")
    revoke.set_defaults(run=_revoke_token)


def _create_account(arguments: argparse.Namespace) -> int:
    password = _asked_password()
    with session_scope() as db:
        made = logins.create(db, ACTOR, name=arguments.name, password=password, role=arguments.role)
        name, role = made.name, made.role
    print(f"Made the account “{name}” ({role}).")
    return 0


def _list_accounts(_arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        for one in logins.all_accounts(db):
            state = f"disabled {one.disabled_at:%Y-%m-%d %H:%M}Z" if one.disabled_at else "open"
            print(f"{one.name}  {one.role}  since {one.created_at:%Y-%m-%d %H:%M}Z  {state}")
    return 0


def _disable_account(arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        account = logins.find(db, arguments.name)
        logins.set_disabled(db, ACTOR, account, not arguments.undo)
        name = account.name
    print(f"“{name}” can log in again." if arguments.undo else f"“{name}” is disabled; its sessions have ended.")
    return 0


def _password(arguments: argparse.Namespace) -> int:
    password = _asked_password()
    with session_scope() as db:
        account = logins.find(db, arguments.name)
        logins.set_password(db, ACTOR, account, password)
        name = account.name
    print(f"“{name}” has another password; its sessions have ended.")
    return 0


def _create_token(arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        row, token = tokens.create(
            db, ACTOR, name=arguments.name, scopes=arguments.scope, expires_days=arguments.expires_days
        )
        told = f"Made the token “{row.name}” ({', '.join(row.scopes)}), until {row.expires_at:%Y-%m-%d %H:%M}Z."
    print(f"{told}\nIt is shown this once and kept nowhere.\n\n  Authorization: Bearer {token}")
    return 0


def _list_tokens(_arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        for one in tokens.all_tokens(db):
            ends = f"revoked {one.revoked_at:%Y-%m-%d %H:%M}Z" if one.revoked_at else f"until {one.expires_at:%Y-%m-%d}"
            used = f"last used {one.last_used_at:%Y-%m-%d %H:%M}Z" if one.last_used_at else "never used"
            print(f"{one.hint}…  {one.name}  {','.join(one.scopes)}  {ends}, {used}")
    return 0


def _revoke_token(arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        token = tokens.find(db, arguments.name)
        tokens.revoke(db, ACTOR, token)
        name = token.name
    print(f"Revoked “{name}”. It stops working at once.")
    return 0


def _asked_password() -> str:
    """From a terminal twice and unseen; otherwise the first line of standard input."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline(4 * MOST_CHARACTERS + 2)
        return line.removesuffix("\n").removesuffix("\r")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise BadRequest("The two are not the same.")
    return first


def _name(text: str) -> str:
    try:
        return str(TypeAdapter(Name).validate_python(text.strip()))
    except ValidationError:
        raise argparse.ArgumentTypeError("a name has 1 to 100 characters, none of them a control character") from None


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= tokens.MOST_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of days; a whole number from 1 to {tokens.MOST_DAYS}.")
