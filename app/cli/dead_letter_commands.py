"""`python -m app dead-letters …`: look at what could not be stored, replay it, or give it up. Needs no running API."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, redirect_stdout
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.accounts.credentials import environment_key
from app.api.durable import KnownIds, make_durable
from app.cli.reading import content_of
from app.config import Settings, get_settings
from app.database import session_scope
from app.errors import BadRequest
from app.etl_incremental import flatten_statement
from app.ingest import dead_letters, queries
from app.ingest.mending import Fix
from app.ingest.queries import printable
from app.ingest.replay import Replayer
from app.ingest.schemas import (
    Discarding,
    LetterFilter,
    LetterPage,
    LetterQuery,
    LetterRead,
    LetterRow,
    Mending,
    ReplayRead,
    VerdictRead,
)
from app.platform.clock import iso
from app.platform.redis import async_redis_client
from app.publishing import Publisher

ACTOR = "command line"
SHOWN_BODY_CHARACTERS = 2_000
SHOWN_REASON_CHARACTERS = 100
DONE = ("replayed", "replayed_before")

_FILTERS = {
    "source": "where it was turned away: door, stream, loader, sweep",
    "code": "the reason's code, such as invalid_statement or conflict",
    "credential": "fingerprint of the sender's key, or its beginning",
    "path": "the beginning of the property path of the first problem",
    "text": "somewhere in the reason",
    "since": "last seen at this moment or later, such as 2026-03-02T08:00:00Z",
    "until": "last seen before this moment",
}
Model = TypeVar("Model", bound=BaseModel)


def add_command(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("dead-letters", help="look at what could not be stored, replay it, or give it up")
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|show|replay|discard")

    listing = parts.add_parser("list", help="the letters that fit, the one seen last first")
    listing.add_argument("--status", choices=("open", "replayed", "discarded"), help="default: every status")
    _add_filters(listing)
    listing.add_argument(
        "--order", choices=("newest", "oldest"), help="newest: last seen first; oldest: first seen first"
    )
    listing.add_argument("--limit", help="how many at most, 1 to 200 (default 50)")
    listing.add_argument("--after", help="go on where the list before ended")
    listing.set_defaults(run=_list)

    show = parts.add_parser("show", help="everything about one letter")
    show.add_argument("id", help="its id, or the beginning of it")
    show.add_argument("--body", action="store_true", help="print the bytes of its body and nothing else")
    show.set_defaults(run=_show)

    replay = parts.add_parser("replay", help="send letters in again by the door they came by")
    replay.add_argument("id", nargs="*", help="ids, or the beginnings of them")
    replay.add_argument("--all-open", action="store_true", help="every open letter that fits, the oldest first")
    _add_filters(replay)
    replay.add_argument(
        "--body-file", metavar="FILE", help="send this instead of the letter's body; - is standard input"
    )
    replay.add_argument("--content-type", help="what the file is, if it is multipart/mixed")
    replay.add_argument("--xapi-version", help="the edition to read it by, such as 1.0.3 or 2.0.0")
    replay.add_argument("--statement-id", help="the id under which to store its one statement")
    replay.set_defaults(run=_replay)

    discard = parts.add_parser("discard", help="give letters up; their bytes stay")
    discard.add_argument("id", nargs="+", help="ids, or the beginnings of them")
    discard.add_argument("--reason", required=True, help="why; it is kept, so name no learners in it")
    discard.set_defaults(run=_discard)

    for part in (listing, show, replay, discard):
        part.add_argument("--json", action="store_true", help="for machines")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    for name, help_text in _FILTERS.items():
        parser.add_argument(f"--{name}", help=help_text)


def _list(arguments: argparse.Namespace) -> int:
    query = _checked(LetterQuery, arguments, *_FILTERS, "status", "order", "limit", "after")
    more = queries.read_mark(query.after, query.order, "--after") if query.after else None
    letters: list[LetterRow] = []
    with session_scope() as db:
        totals = None if more else queries.totals(db)
        while True:  # One page looks at a bounded number of letters, and may have found few or none.
            missing = query.limit - len(letters)
            found, more = queries.find(db, query, status=query.status, order=query.order, after=more, limit=missing)
            letters += found
            if more is None or len(letters) == query.limit:
                break
    if arguments.json:
        print(LetterPage(letters=letters, more=str(more) if more else None, totals=totals).model_dump_json(indent=2))
        return 0
    print("\n".join(_table(letters)) if letters else "No dead letters fit.")
    if more:
        print(f"\nThere may be more: --after {more}")
    if totals:
        print("\nOf all dead letters:")
        print("\n".join(f"{one.letters:>9,}  {one.status}, {one.code}, {one.source}" for one in totals))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with session_scope() as db:
        letter_id = queries.id_that_starts(db, arguments.id)
        if arguments.body:
            sys.stdout.flush()
            sys.stdout.buffer.write(queries.body_of(db, letter_id))
            sys.stdout.buffer.flush()
            return 0
        letter = queries.show(db, letter_id)
    print(letter.model_dump_json(indent=2) if arguments.json else "\n".join(_lines(letter)))
    return 0


def _discard(arguments: argparse.Namespace) -> int:
    reason = _checked(Discarding, arguments, "reason").reason
    with session_scope() as db:  # All of them or none.
        ids = [queries.id_that_starts(db, text) for text in arguments.id]
        for letter_id in ids:
            dead_letters.discard(db, letter_id, reason, ACTOR)
    with session_scope() as db:
        letters = [queries.show(db, letter_id) for letter_id in ids]
    if arguments.json:
        print(TypeAdapter(list[LetterRead]).dump_json(letters, indent=2).decode())
    else:
        print("\n".join(f"{one.id}  {one.status}: {printable(one.resolution or '')}" for one in letters))
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    settings = get_settings()
    fix = _checked(Mending, arguments, "content_type", "xapi_version", "statement_id").fix()
    wanted = _checked(LetterFilter, arguments, *_FILTERS)
    if bool(arguments.id) == arguments.all_open or (arguments.id and wanted.model_dump(exclude_none=True)):
        raise BadRequest("replay takes either ids, or --all-open with as many filters as you like.")
    if arguments.body_file:
        body = content_of(arguments.body_file, settings.max_body_bytes, option="--body-file")
        fix = Fix(body, fix.content_type, fix.xapi_version, fix.statement_id)
    if fix.changes and len(arguments.id) != 1:
        raise BadRequest("--body-file, --content-type, --xapi-version and --statement-id mend one letter; give one id.")
    with session_scope() as db:
        ids = [queries.id_that_starts(db, text) for text in arguments.id]
    answer = sys.stdout
    results: list[VerdictRead] = []
    not_tried: list[UUID] = []

    def tell(part: ReplayRead) -> None:
        results.extend(part.results)
        not_tried.extend(part.not_tried)
        if not arguments.json:
            print("\n".join(line for verdict in part.results for line in _told(verdict)), file=answer, flush=True)

    with redirect_stdout(sys.stderr):  # What is logged on the way is no part of the answer.
        asyncio.run(_replay_all(settings, ids, wanted, fix, tell))
    done = sum(one.outcome in DONE for one in results)
    refused = sum(one.outcome == "refused" for one in results)
    if arguments.json:
        replayed = sum(one.outcome == "replayed" for one in results)
        whole = ReplayRead(results=results, replayed=replayed, refused=refused, not_tried=not_tried)
        print(whole.model_dump_json(indent=2))
    else:
        left = f", {len(not_tried):,} or more not tried: nothing takes statements right now" if not_tried else ""
        print(f"{done:,} replayed, {len(results) - done:,} not{left}")
    return 0 if done == len(results) and not not_tried else 1


async def _replay_all(
    settings: Settings, ids: Sequence[UUID], wanted: LetterFilter, fix: Fix, tell: Callable[[ReplayRead], None]
) -> None:
    """Replay these letters, or without ids all open ones that fit, by a door of our own; tell of them page by page."""
    door: Any = SimpleNamespace(settings=settings, publisher=None)
    if settings.etl_mode == "streaming":
        client = async_redis_client(settings.required_redis_url)
        door.publisher = Publisher(
            client, settings.stream_name, settings.stream_max_entries, settings.stream_max_memory_mib
        )
    with closing(KnownIds(settings)) as door.known_ids:
        replayer = Replayer(
            take=partial(make_durable, door),
            flatten=flatten_statement,
            actor=ACTOR,
            max_statements=settings.max_batch_statements,
            own_key=environment_key(settings.public_pem) if settings.public_pem else None,
            request_id="dead-letters",
        )
        try:
            if fix.changes:
                tell(ReplayRead(results=[(await replayer.one(ids[0], fix)).read()], replayed=0, refused=0))
                return
            async for part in replayer.everything(ids, wanted):
                tell(part)
        finally:
            if door.publisher is not None:
                await door.publisher.close()


def _checked(model: type[Model], arguments: argparse.Namespace, *names: str) -> Model:
    """The arguments of these names that were given, as the doors check them. BadRequest names the one that is wrong."""
    given = {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + "-".join(str(part).replace("_", "-") for part in first["loc"][:1])
        raise BadRequest(f"{option}: {first['msg'].removeprefix('Value error, ')}.") from None


def _table(letters: Sequence[LetterRow]) -> Iterator[str]:
    head = ("id", "status", "source", "code", "seen", "last seen", "bytes", "reason")
    rows = [
        (
            str(one.id),
            one.status,
            one.source,
            one.code,
            f"{one.seen_count:,}",
            f"{one.last_seen_at:%Y-%m-%d %H:%M:%S}Z",
            f"{one.size_bytes:,}",
            _cut(one.reason, SHOWN_REASON_CHARACTERS),
        )
        for one in letters
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        cells = (
            cell.rjust(width) if column in (4, 6) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _lines(letter: LetterRead) -> Iterator[str]:
    said = {
        "id": letter.id,
        "status": letter.status,
        "resolved": f"{iso(letter.resolved_at)} by {letter.resolved_by}" if letter.resolved_at else None,
        "because": letter.resolution,
        "source": letter.source,
        "code": letter.code,
        "reason": letter.reason,
        "seen": f"{letter.seen_count:,} times, {iso(letter.first_seen_at)} to {iso(letter.last_seen_at)}",
        "attempts": letter.attempts,
        "credential": " ".join(filter(None, (letter.credential_id, letter.credential_name))) or None,
        "request": letter.request_id,
        "statement": letter.statement_id,
        "version": letter.xapi_version,
        "content type": letter.content_type,
        "bytes": f"{letter.size_bytes:,}",
        "advice": letter.advice,
    }
    for name, value in said.items():
        if value is not None:
            yield f"{name:<13}{printable(str(value))}"
    for problem in letter.problems:
        yield f"{'problem':<13}{_problem(problem.path, problem.message, problem.expected)}"
    for act in letter.history:
        detail = ", ".join(f"{key} {value}" for key, value in act.detail.items())
        yield f"{'history':<13}{iso(act.at)} {act.act} by {act.actor}: {printable(detail)}"
    yield ""
    yield _cut(letter.body, SHOWN_BODY_CHARACTERS)


def _told(verdict: VerdictRead) -> Iterator[str]:
    yield f"{verdict.id}  {verdict.outcome.replace('_', ' ')}  {printable(verdict.detail)}".rstrip()
    for problem in verdict.problems:
        yield f"    {_problem(problem.path, problem.message, problem.expected)}"


def _problem(path: str, message: str, expected: str) -> str:
    return printable(f"{path} {message}" + (f" Expected: {expected}" if expected else ""))


def _cut(text: str, most: int) -> str:
    line = printable(" ".join(text[: most * 2].split()))
    return line if len(line) <= most and len(text) <= most * 2 else f"{line[: most - 1]}…"
