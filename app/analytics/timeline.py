"""What one learner did, the newest first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.accounts import visibility
from app.analytics import queries_timeline
from app.analytics.cursors import read_cursor, write_cursor
from app.analytics.schemas import LearnerName, LearnerTimeline, TimelineEntry
from app.analytics.selection import Filters, Page, Part
from app.analytics.tables import Cell
from app.errors import NotFound
from app.platform import clock


def learner_timeline(db: Session, learner_id: UUID, filters: Filters, page: Page) -> LearnerTimeline:
    """One page of a learner's statements. NotFound when there is no such learner, or none that the viewer may see.

    Days are those of the time zone asked for, else of the learner's own.
    """
    learner = queries_timeline.learner(db, learner_id, Part(*filters.learners("u")))
    if learner is None:
        raise NotFound(f"There is no learner {learner_id}.")
    zone = filters.zone(learner.time_zone)
    part = Part("true", {}, *filters.span(zone))
    after = read_cursor(page.cursor, datetime, UUID) if page.cursor else None
    found = queries_timeline.statements(
        db, part, learner_id, lesson_id=filters.lesson_id, after=after, limit=page.limit + 1
    )
    shown = found[: page.limit]
    last = shown[-1] if len(found) > page.limit else None
    return LearnerTimeline.model_construct(
        learner=LearnerName.model_construct(**visibility.shown(filters.viewer, learner)),
        generated_at=clock.now(),
        time_zone=zone.key,
        entries=[_entry(filters.viewer, learner, row) for row in shown],
        next=page.next(last and write_cursor(last.occurred_at, last.statement_id)),
    )


def _entry(viewer: visibility.Viewer, learner: Row[Any], row: Row[Any]) -> TimelineEntry:
    """A statement as the viewer may read it. A statement about somebody names them in what it is about."""
    told = dict(row._mapping)
    kind = told.pop("object_type")
    if viewer.pseudonyms is not None:
        whose = (learner.name, learner.email, learner.phone, learner.avatar)
        if kind in ("Agent", "Group"):
            told |= {"object_id": kind, "object_name": None}
        for column in ("object_id", "object_name", "response"):
            if told[column] is not None:
                told[column] = visibility.masked(viewer, told[column], *whose, numbers=column == "response")
    return TimelineEntry.model_construct(**told)


COLUMNS = (
    "learner",
    "occurred_at",
    "verb",
    "object",
    "lesson",
    "completes_lesson",
    "success",
    "completion",
    "score_scaled",
    "response",
    "duration_s",
    "stored_at",
    "statement_id",
)


def rows(report: LearnerTimeline) -> Iterator[tuple[Cell, ...]]:
    """One row per statement."""
    for one in report.entries:
        yield (
            report.learner.name,
            one.occurred_at,
            one.verb,
            one.object_name or one.object_id,
            one.lesson_title,
            one.completes_lesson,
            one.success,
            one.completion,
            one.score_scaled,
            one.response,
            one.duration_s,
            one.stored_at,
            one.statement_id,
        )
