"""`python -m app serve`: the API alone, for containers, where something else looks after stores and processes."""

import argparse
import sys
from typing import Any

from app.api.serving import serve
from app.config import get_settings


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("serve", help="run the API alone on HOST and PORT (`::` is every address, IPv4 too)")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Until SIGTERM, which lets requests in hand finish; 1 when the port cannot be had."""
    settings = get_settings()
    try:
        serve(settings.host, settings.port)
    except OSError as error:
        print(f"HOST={settings.host} PORT={settings.port} cannot be listened on: {error.strerror}", file=sys.stderr)
        return 1
    return 0
