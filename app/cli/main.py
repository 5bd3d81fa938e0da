"""The command line: what `python -m app` offers."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.exc import OperationalError

from app.cli import (
    access_commands,
    backup_commands,
    dead_letter_commands,
    demo,
    etl,
    key_commands,
    load,
    loader_commands,
    migrate,
    people_commands,
    rebuild,
    reminder_commands,
    secrets,
    serve,
    up,
)
from app.errors import AppError

COMMANDS = (
    *(up, serve, migrate, secrets, key_commands, etl, rebuild, dead_letter_commands, loader_commands, people_commands),
    reminder_commands,
    access_commands,
    backup_commands,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 done in part or refused, 2 could not run."""
    parser = argparse.ArgumentParser(prog="python -m app", description="7taps Analytics")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_command(subparsers)
    _add_sender(subparsers, "load", load.add_arguments, load.run_load, "send a file of statements through the door")
    _add_sender(subparsers, "demo", demo.add_arguments, demo.run_demo, "send a made-up course and print its report")
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (AppError, LookupError) as error:
        print(f"{parser.prog}: {getattr(error, 'message', error)}", file=sys.stderr)
        return 2
    except OperationalError as error:
        print(
            f"{parser.prog}: the database does not answer: {str(error.orig).strip()}",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Somebody piped us into `head`; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _add_sender(
    subparsers: Any,
    name: str,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Callable[..., int],
    help_text: str,
) -> None:
    """Declare a command whose arguments are, name by name, the parameters of the function that runs it."""
    parser = subparsers.add_parser(name, help=help_text)
    add_arguments(parser)

    def call(arguments: argparse.Namespace) -> int:
        return run(**{key: value for key, value in vars(arguments).items() if key not in ("command", "run")})

    parser.set_defaults(run=call)
