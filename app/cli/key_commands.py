"""`python -m app keys …`: credentials of senders."""

import argparse
from typing import Any

from app.accounts import credentials
from app.accounts.rotation import SCOPES
from app.config import get_settings
from app.database import session_scope
from app.platform import keys


def add_command(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("keys", help="make, list and revoke credentials of senders")
    parts = parser.add_subparsers(dest="part", required=True, metavar="create|list|revoke")
    create = parts.add_parser("create", help="make a key pair, register its public half, show the secret half once")
    create.add_argument("--name", default="7taps", help="what people call it (default: 7taps)")
    create.add_argument(
        "--scope",
        action="append",
        choices=tuple(SCOPES),
        help="may be repeated (default: statements/write and define)",
    )
    create.add_argument("--print-only", action="store_true", help="register nothing: for PUBLIC_PEM and SECRET_PEM")
    create.set_defaults(run=_create)
    parts.add_parser("list", help="every credential").set_defaults(run=_list)
    revoke = parts.add_parser("revoke", help="end a credential")
    revoke.add_argument("fingerprint", help="its fingerprint, or the beginning of it")
    revoke.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace) -> int:
    pair = keys.new_key_pair()
    public, secret = keys.one_line(pair.public_pem), keys.one_line(pair.secret_pem)
    if arguments.print_only:
        print(f"PUBLIC_PEM={public}\nSECRET_PEM={secret}")
        return 0
    scopes = arguments.scope or [credentials.WRITE_STATEMENTS, credentials.DEFINE]
    with session_scope() as db:
        made = credentials.register(db, name=arguments.name, public_key=public, scopes=scopes)
    print(f"Registered “{made.name}” ({', '.join(made.scopes)}), fingerprint {made.id[:16]}.")
    print("The password is shown this once and kept nowhere.\n")
    print(f"  statement URL  {get_settings().base_url}/api/xapi/statements")
    print(f"  user name      {public}")
    print(f"  password       {secret}")
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    own = get_settings().public_pem
    if own:
        print(f"{credentials.environment_key(own).id[:16]}  PUBLIC_PEM  all  (from the environment)")
    with session_scope() as db:
        for row in credentials.all_credentials(db):
            state = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}Z" if row.revoked_at else "active"
            used = f"last used {row.last_used_at:%Y-%m-%d %H:%M}Z" if row.last_used_at else "never used"
            print(f"{row.id[:16]}  {row.name}  {','.join(row.scopes)}  {state}, {used}")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        revoked = credentials.revoke(db, arguments.fingerprint)
        name, fingerprint = revoked.name, revoked.id
    seconds = get_settings().credential_cache_seconds
    print(f"Revoked “{name}” ({fingerprint[:16]}). It stops working within {seconds:g} seconds.")
    return 0
