"""`python -m app loader …`: whether the loader has stopped itself, and letting it go on. Needs no running API."""

import argparse
import sys
from typing import Any

import redis

from app.consumers.flood import resume_loader
from app.database import session_scope
from app.etl_streaming import stream_state, the_stream
from app.streaming import why_halted

ACTOR = "command line"


def add_command(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("loader", help="whether the loader has stopped itself, and letting it go on")
    parts = parser.add_subparsers(dest="part", required=True, metavar="status|resume")
    status = parts.add_parser("status", help="exit code 0: it may work, 1: it stands still; and what waits")
    status.set_defaults(run=_told(_status))
    resume = parts.add_parser("resume", help="let it go on, once the cause is mended")
    resume.set_defaults(run=_told(_resume))


def _told(run: Any) -> Any:
    """The command, which says so when Redis is away rather than end in a traceback."""

    def running(arguments: argparse.Namespace) -> int:
        try:
            return int(run(arguments))
        except redis.RedisError as error:
            print(f"python -m app: Redis does not answer: {error}", file=sys.stderr)
            return 2

    return running


def _status(_arguments: argparse.Namespace) -> int:
    reason, state = why_halted(the_stream()), stream_state()
    print("The loader may work." if reason is None else f"The loader stands still: {reason}")
    print(f"{state.length} entries wait on the stream, {state.pending} of them in the hands of a worker.")
    return 0 if reason is None else 1


def _resume(_arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        resumed = resume_loader(db, the_stream(), ACTOR)
    print("The loader goes on." if resumed else "Nothing had stopped the loader.")
    return 0
