"""The catalogue of lessons. They are found by themselves, in statements and in the plan of a cohort."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.schemas import PAGE_LESSONS, LessonChange, LessonRead
from app.errors import NotFound
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


def list_lessons(db: Session, after: UUID | None = None, limit: int = PAGE_LESSONS) -> list[LessonRead]:
    """The catalogue by id, a page of it. after: the id of the last one of the page before."""
    query = select(Lesson).order_by(Lesson.id).limit(limit)
    rows = db.scalars(query.where(Lesson.id > after) if after else query)
    return [_read(lesson) for lesson in rows]


def read_lesson(db: Session, lesson_id: UUID) -> LessonRead:
    """The lesson of this id. NotFound when the catalogue does not have it."""
    lesson = db.get(Lesson, lesson_id)
    if lesson is None:
        raise NotFound(f"There is no lesson {lesson_id}.")
    return _read(lesson)


def change_lesson(db: Session, lesson_id: UUID, change: LessonChange) -> LessonRead:
    """Give a lesson a title and a link. NotFound when the catalogue does not have it."""
    lesson = db.get(Lesson, lesson_id, with_for_update=True)
    if lesson is None:
        raise NotFound(f"There is no lesson {lesson_id}.")
    lesson.title, lesson.link = change.title, change.link
    db.flush()
    return _read(lesson)


def _read(lesson: Lesson) -> LessonRead:
    own = lesson.activity_id if lesson.activity_id.lower().startswith(("https://", "http://")) else None
    return LessonRead(
        id=lesson.id, activity_id=lesson.activity_id, title=lesson.title, link=lesson.link, url=lesson.link or own
    )
