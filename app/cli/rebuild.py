"""`python -m app rebuild silver|gold`: make derived tables anew from the record, while everything goes on."""

import argparse
import time
from typing import Any

from app.config import get_settings
from app.etl_rebuild import rebuild_gold, rebuild_silver
from app.mending import Rebuilt
from app.platform.logs import configure_logs

LINE_EVERY_SECONDS = 3.0


def add_command(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("rebuild", help="make derived tables anew from the record; safe while running")
    parser.add_argument(
        "layer",
        choices=("silver", "gold"),
        help="silver: flat rows, links, references, definitions, and gold where it follows; gold: progress from silver",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Rebuild, with a line every few seconds, and say what was not right. Ctrl-C leaves nothing half done."""
    settings = get_settings()
    configure_logs(settings.log_level, settings.log_format, "rebuild")
    progress = _Progress()
    try:
        if arguments.layer == "silver":
            done = rebuild_silver(batch_statements=settings.etl_batch_statements, tell=progress)
            told = silver_summary(done)
        else:
            done = rebuild_gold(batch_keys=settings.etl_batch_statements, tell=progress)
            told = f"{done.walked} pairs of learner and lesson recomputed"
    except KeyboardInterrupt:
        print("stopped; what was rebuilt stays, and the rest is as it was. Start it again to go through all of it.")
        return 130
    print(f"{arguments.layer} rebuilt in {progress.seconds:.1f} s: {told}", flush=True)
    return 0


def silver_summary(done: Rebuilt) -> str:
    """What a rebuild of silver found and mended, in words."""
    return (
        f"{done.walked} statements; flat rows {done.flat_written} written, {done.flat_removed} removed; "
        f"links {done.links_written} written, {done.links_removed} removed; {done.references} references, "
        f"{done.marks} voided marks and {done.definitions} definitions put right; "
        f"{done.loaded} flattened for the first time, {done.buried} buried"
    )


class _Progress:
    """Prints how far it has come, at most every LINE_EVERY_SECONDS."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def __call__(self, done: Rebuilt) -> None:
        if time.monotonic() - self._told >= LINE_EVERY_SECONDS:
            self._told = time.monotonic()
            print(f"{self.seconds:.0f} s: {done.stage}, {done.walked} done", flush=True)
