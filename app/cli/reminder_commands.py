"""`python -m app reminders …`: who would be reminded and why not the others; one run by hand."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from app.config import get_settings
from app.database import session_scope
from app.errors import BadRequest
from app.jobs.reminder import send_daily_reminders
from app.notifications.bounces import record_report
from app.notifications.delivery_reports import MAX_BYTES
from app.notifications.preview import WHY, preview
from app.notifications.schemas import PreviewQuery
from app.platform.clock import iso
from app.platform.logs import configure_logs

PAGE_LEARNERS = 500


def add_command(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("reminders", help="who is reminded when, or send what is due now")
    parts = parser.add_subparsers(dest="part", required=True, metavar="preview|send|bounce")
    preview_ = parts.add_parser("preview", help="each learner with what is decided for them now, and why")
    preview_.add_argument("--reason", choices=sorted(WHY), help="only these")
    preview_.set_defaults(run=_preview)
    send = parts.add_parser("send", help="send what is due now, by the same rules as the scheduler")
    send.add_argument("--dry-run", action="store_true", help="send nothing; count who would get one and why others not")
    send.set_defaults(run=_send)
    bounce = parts.add_parser("bounce", help="write down that a reminder came back, from the mail that says so")
    bounce.add_argument("file", help="the mail as it arrived (RFC 3464); - is standard input")
    bounce.set_defaults(run=_bounce)


def _preview(arguments: argparse.Namespace) -> int:
    _walk(arguments.reason)
    return 0


def _send(arguments: argparse.Namespace) -> int:
    settings = get_settings()
    configure_logs(settings.log_level, settings.log_format, "reminders")
    if arguments.dry_run:
        for reason, count in _walk(None, show=False).most_common():
            print(f"{count:>8}  {reason:<16} {WHY[reason]}")
        return 0
    run = send_daily_reminders()
    if run.busy:
        print("another run is on its way; nothing was done")
        return 1
    print(f"sent {run.sent}, waiting {run.waiting}, bounced {run.bounced}, failed {run.failed}, unknown {run.unknown}")
    if run.stopped:
        print(f"stopped before the end: {run.stopped}")
    return 1 if run.stopped else 0


def _bounce(arguments: argparse.Namespace) -> int:
    try:
        if arguments.file == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(arguments.file).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"{arguments.file}: {error.strerror or error}.") from None
    with session_scope() as db:
        told = record_report(db, raw, "command line")
    for one in told.recorded:
        what = "its address is not mailed any more" if one.address_stopped else "the address may be right"
        print(f"learner {one.learner_id}: {what}{' (known before)' if one.known_before else ''}")
    for other in told.ignored:
        print(f"{other.recipient.encode('ascii', 'backslashreplace').decode()}: nothing was changed. {other.why}")
    return 0 if told.recorded else 1


def _walk(reason: Any, *, show: bool = True) -> Counter[str]:
    """Go through all learners, a page at a time; how many there are of each reason."""
    counts: Counter[str] = Counter()
    after: UUID | None = None
    while True:
        with session_scope() as db:
            query = PreviewQuery(reason=reason, after=after, limit=PAGE_LEARNERS)
            page = preview(db, query, get_settings())
        counts.update(page.counts)
        if show:
            for row in page.learners:
                at = iso(row.at)[:16] + "Z" if row.at else "-"
                who = (row.email or row.name or str(row.learner_id)).encode("ascii", "backslashreplace").decode()
                print(f"{row.reason:<16} {at:<18} {row.lessons_left:>3} left  {who}  {row.why}")
        if page.more is None:
            return counts
        after = page.more
