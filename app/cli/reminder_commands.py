"""`python -m app reminders …`: who would be reminded and why not the others; one run by hand."""

import argparse
from collections import Counter
from typing import Any
from uuid import UUID

from app.config import get_settings
from app.database import session_scope
from app.jobs.reminder import send_daily_reminders
from app.notifications.preview import WHY, preview
from app.notifications.schemas import PreviewQuery
from app.platform.clock import iso
from app.platform.logs import configure_logs

PAGE_LEARNERS = 500


def add_command(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("reminders", help="who is reminded when, or send what is due now")
    parts = parser.add_subparsers(dest="part", required=True, metavar="preview|send")
    preview_ = parts.add_parser("preview", help="each learner with what is decided for them now, and why")
    preview_.add_argument("--reason", choices=sorted(WHY), help="only these")
    preview_.set_defaults(run=_preview)
    send = parts.add_parser("send", help="send what is due now, by the same rules as the scheduler")
    send.add_argument("--dry-run", action="store_true", help="send nothing; count who would get one and why others not")
    send.set_defaults(run=_send)


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
