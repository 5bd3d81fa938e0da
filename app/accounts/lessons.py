"""The catalogue of lessons. They are found by themselves, in statements and in the plan of a cohort."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Lesson
from app.platform.ids import stable_id


def lesson_id_of(activity_id: str) -> UUID:
    """The id of the lesson whose activity has this IRI."""
    return stable_id("activity", activity_id)


def link_of(lesson: Lesson) -> str | None:
    """Where learners open the lesson: the link an admin gave, else its activity id if that is a web address."""
    return next(
        (link for link in (lesson.link, lesson.activity_id) if link and link.startswith(("https://", "http://"))), None
    )


def note_lessons(db: Session, titles: Mapping[str, str | None]) -> None:
    """Enter lessons, by activity id, that the catalogue does not have; give a title to those that have none."""
    ids = {lesson_id_of(activity_id): activity_id for activity_id in titles}
    known = {row.id: row.title for row in db.execute(select(Lesson.id, Lesson.title).where(Lesson.id.in_(ids)))}
    missing = [
        {"id": key, "activity_id": ids[key], "title": titles[ids[key]]} for key in sorted(ids) if key not in known
    ]
    if missing:
        db.execute(insert(Lesson).on_conflict_do_nothing(), missing)
    for key in sorted(ids):
        if key in known and known[key] is None and titles[ids[key]]:
            db.execute(
                update(Lesson).where(Lesson.id == key).values(title=func.coalesce(Lesson.title, titles[ids[key]]))
            )
