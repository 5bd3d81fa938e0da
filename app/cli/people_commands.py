"""`python -m app roster …`, `responses …` and `retention …`: what the doors of people do, on files and by hand."""

import argparse
import sys
from typing import Any

from app import retention
from app.accounts import roster_import
from app.accounts.roster import ID_HOME_PAGE, read_roster
from app.accounts.roster_files import read_table
from app.accounts.schemas import RowRead
from app.cli.reading import content_of
from app.config import get_settings
from app.database import session_scope
from app.errors import BadRequest
from app.etl_streaming import the_stream
from app.ingest.transformers.response_export import COURSE
from app.response_import import import_responses

ACTOR = "command line"
SHOWN_PROBLEMS = 50
MOST_DAYS = 36_500


def add_command(subparsers: Any) -> None:
    """Declare the commands."""
    roster = subparsers.add_parser("roster", help="enter a roster of learners from CSV or XLSX")
    part = roster.add_subparsers(dest="part", required=True, metavar="import").add_parser("import")
    _add_file(part)
    part.add_argument("--time-zone", default="UTC", help="of cohorts that are new (default UTC)")
    part.add_argument("--id-home-page", default=ID_HOME_PAGE, help="the system that the column ID counts in")
    part.set_defaults(run=_roster)

    responses = subparsers.add_parser("responses", help="take in an export of responses from 7taps")
    part = responses.add_subparsers(dest="part", required=True, metavar="import").add_parser("import")
    _add_file(part)
    part.add_argument("--cohort", help="whose plan says which lesson has which number")
    part.add_argument("--course", default=COURSE, help="where lessons are placed that no plan knows")
    part.set_defaults(run=_responses)

    aging = subparsers.add_parser("retention", help="delete what is older than RETENTION_DAYS")
    _add_how(aging)
    aging.add_argument("--days", type=_days, help="instead of RETENTION_DAYS")
    aging.set_defaults(run=_retention)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="CSV or XLSX; - is standard input")
    _add_how(parser)


def _add_how(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--dry-run", action="store_true", help="only say what would happen")
    how.add_argument("--apply", action="store_true", help="do it")


def _roster(arguments: argparse.Namespace) -> int:
    roster = read_roster(read_table(content_of(arguments.file, get_settings().max_body_bytes)), arguments.id_home_page)
    if arguments.dry_run:
        with session_scope() as db:
            told = roster_import.look_at(db, roster)
    else:
        told = roster_import.apply(
            session_scope,
            roster,
            time_zone=arguments.time_zone,
            actor=ACTOR,
            tell=lambda done: print(f"{done:,} of {len(roster.rows):,} rows", file=sys.stderr, flush=True),
        )
    for heading, meaning in told.columns.items():
        print(f"column {heading!r} is {meaning if meaning != heading else 'kept as an attribute'}")
    shown = [one for one in told.verdicts if one.verdict == "invalid"]
    print("\n".join(line for one in shown[:SHOWN_PROBLEMS] for line in _lines(one)))
    if len(shown) > SHOWN_PROBLEMS:
        print(f"… and {len(shown) - SHOWN_PROBLEMS:,} more rows that are not right")
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(told.counts.items()))
    print(f"{told.rows:,} rows: {counts or 'nothing'}; {len(told.cohorts):,} cohorts{_how(told.applied)}")
    return 1 if shown else 0


def _responses(arguments: argparse.Namespace) -> int:
    told = import_responses(
        session_scope,
        the_stream() if get_settings().etl_mode == "streaming" else None,
        read_table(content_of(arguments.file, get_settings().max_body_bytes)),
        course=arguments.course,
        cohort=arguments.cohort,
        actor=ACTOR,
        dry_run=arguments.dry_run,
    )
    print("\n".join(f"{one.path} {one.message}" for one in told.problems[:SHOWN_PROBLEMS]))
    print(
        f"{told.rows:,} rows: {told.queued:,} new, {told.known:,} stored before, {told.repeated:,} repeated, "
        f"{told.skipped:,} not right{_how(told.applied)}"
    )
    return 1 if told.skipped else 0


def _retention(arguments: argparse.Namespace) -> int:
    days = arguments.days or get_settings().retention_days
    if not days:
        raise BadRequest("RETENTION_DAYS is 0: everything is kept. Give --days to delete all the same.")
    if arguments.dry_run:
        with session_scope() as db:
            told = retention.look_at(db, days)
    else:
        told = retention.expire(
            session_scope, days, ACTOR, lambda done: print(f"{done:,} statements", file=sys.stderr, flush=True)
        )
    print(
        f"older than {days:,} days (before {told.before}): {told.statements:,} statements, "
        f"{told.documents:,} documents, {told.dead_letters:,} dead letters{_how(arguments.apply)}"
    )
    return 0


def _how(applied: bool) -> str:
    return "" if applied else " (dry run; nothing was changed)"


def _lines(one: RowRead) -> list[str]:
    return [f"row {one.row}: {problem.path} {problem.message} {problem.expected}".rstrip() for problem in one.problems]


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of days; a whole number from 1 to {MOST_DAYS}.")
