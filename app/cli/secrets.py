"""`python -m app secrets`: everything secret that docker-compose.yml asks for, made anew."""

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from app.platform import keys

PASSWORDS = (
    "MAIL_SECRET",
    "PSEUDONYM_SECRET",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "READER_PASSWORD",
    "SQLPAD_PASSPHRASE",
    "SUPERSET_SECRET_KEY",
)
"""Passwords and keys of which the only thing that matters is that nobody guesses them. Letters and digits only, because
some become part of an address."""


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("secrets", help="make the secrets that docker-compose.yml asks for")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="write them there if there is no such file; if there is, print what it lacks and leave it alone",
    )
    parser.set_defaults(run=run)


def fresh() -> dict[str, str]:
    """One of each, by name."""
    pair = keys.new_key_pair()
    return {
        "PUBLIC_PEM": keys.one_line(pair.public_pem),
        "SECRET_PEM": keys.one_line(pair.secret_pem),
        "ADMIN_TOKEN": secrets.token_urlsafe(32),
        **{name: secrets.token_hex(24) for name in PASSWORDS},
    }


def run(arguments: argparse.Namespace) -> int:
    """Print them, or write them to a file that only its owner reads. An existing file is never changed."""
    made = fresh()
    path: Path | None = arguments.write
    if path is not None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            made = _lacking(made, path)
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(_lines(made))
            print(f"Wrote {path}. Keep it: with a lost password the data behind it is out of reach.")
            return 0
        if made:
            print(f"{path} is there and stays as it is. What it lacks:", file=sys.stderr)
        else:
            print(f"{path} has everything, and stays as it is.", file=sys.stderr)
    print(_lines(made), end="")
    return 0


def _lacking(made: dict[str, str], path: Path) -> dict[str, str]:
    """What the file does not set. A key pair is made whole or not at all."""
    known = {name for name, value in dotenv_values(path, interpolate=False).items() if value}
    if "PUBLIC_PEM" in known:
        known.add("SECRET_PEM")
    return {name: value for name, value in made.items() if name not in known}


def _lines(made: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in made.items())
