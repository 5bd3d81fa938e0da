"""Cohorts: who takes the course together, which lessons in which order, due when."""

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.identifiers import Person, person_known_by
from app.accounts.lessons import lesson_id_of, note_lessons
from app.accounts.models import Cohort, CohortLesson, CohortMember
from app.accounts.people import fill_in, recognise, take_turn
from app.accounts.schemas import CoursePlan, CourseRead, LessonPlace, LessonPlanRead
from app.errors import BadRequest, NotFound, Problem
from app.models import Lesson
from app.schemas import CohortPlan, CohortRead, LearnerPlan, LessonPlan


def put_cohort(db: Session, slug: str, plan: CohortPlan) -> CohortRead:
    """Make the cohort be what the plan says: its name, its lessons in order, its learners. Running it again is safe.

    Learners are recognised by any identifier and never made twice; those the plan leaves out leave the cohort, they
    and their statements stay. What is known of a learner already is not overwritten.
    """
    # Nobody merges or splits learners until they are in the cohort.
    take_turn(db)
    cohort = _upsert(db, slug, plan)
    cohort_id = cohort.id
    _put_lessons(db, cohort_id, plan.starts_on, plan.lessons)
    members = _recognise_learners(db, plan.learners)
    _replace_members(db, cohort_id, members)
    return CohortRead(
        id=cohort_id,
        slug=slug,
        name=plan.name,
        time_zone=plan.time_zone,
        reminder_hour=cohort.reminder_hour,
        quiet_from_hour=cohort.quiet_from_hour,
        quiet_until_hour=cohort.quiet_until_hour,
        learners=len(members),
        lessons=len(plan.lessons),
    )


def join(db: Session, user_id: UUID, slugs: Collection[str]) -> None:
    """Let a learner be in these cohorts too. NotFound names one that is not there."""
    found = ids_of(db, slugs)
    if missing := [slug for slug in slugs if slug not in found]:
        raise NotFound(f"There is no cohort {missing[0]}.")
    enter(db, [(cohort_id, user_id) for cohort_id in found.values()])


def ids_of(db: Session, slugs: Collection[str]) -> dict[str, UUID]:
    """The ids of those of these cohorts that are there."""
    return {row.slug: row.id for row in db.execute(select(Cohort.slug, Cohort.id).where(Cohort.slug.in_(slugs)))}


def enter(db: Session, members: Collection[tuple[UUID, UUID]]) -> None:
    """Let learners be in cohorts, given as (cohort, learner); who is in already stays as they are."""
    rows = [{"cohort_id": cohort_id, "user_id": user_id} for cohort_id, user_id in sorted(set(members))]
    if rows:
        db.execute(insert(CohortMember).on_conflict_do_nothing(), rows)


def find_cohort(db: Session, cohort_id: UUID) -> Cohort | None:
    """The cohort of this id."""
    return db.get(Cohort, cohort_id)


def list_cohorts(db: Session) -> list[Cohort]:
    """Every cohort, by name."""
    return list(db.execute(select(Cohort).order_by(Cohort.name)).scalars())


def put_lessons(db: Session, slug: str, plan: CoursePlan) -> CourseRead:
    """Give a cohort these lessons, in this order, due on these days. NotFound when there is no such cohort."""
    cohort = _by_slug(db, slug)
    cohort.starts_on = plan.starts_on
    db.flush()
    _put_lessons(db, cohort.id, plan.starts_on, plan.lessons)
    return show_lessons(db, slug)


def show_lessons(db: Session, slug: str) -> CourseRead:
    """The lessons of a cohort in order. NotFound when there is no such cohort."""
    cohort = _by_slug(db, slug)
    rows = db.execute(
        select(CohortLesson, Lesson)
        .join(Lesson, Lesson.id == CohortLesson.lesson_id)
        .where(CohortLesson.cohort_id == cohort.id)
        .order_by(CohortLesson.position, CohortLesson.lesson_id)
    )
    return CourseRead(
        cohort=slug,
        starts_on=cohort.starts_on,
        lessons=[
            LessonPlanRead(
                id=lesson.id,
                activity_id=lesson.activity_id,
                title=lesson.title,
                position=planned.position,
                due_on=planned.due_on,
                due_after_days=planned.due_after_days,
            )
            for planned, lesson in rows
        ],
    )


def plan_lesson(db: Session, cohort_id: UUID, lesson_id: UUID, change: LessonPlace) -> None:
    """Move one lesson of a cohort to another place and day; the other lessons keep their order.

    A first day of the cohort that is given moves every lesson that is due some days after it. NotFound: no such cohort,
    or the lesson is not in its plan. BadRequest: due some days after a first day that the cohort does not have.
    """
    cohort = db.get(Cohort, cohort_id, with_for_update=True)
    if cohort is None:
        raise NotFound(f"There is no cohort {cohort_id}.")
    query = select(CohortLesson).where(CohortLesson.cohort_id == cohort_id)
    rows = list(db.scalars(query.order_by(CohortLesson.position, CohortLesson.lesson_id)))
    moved = next((row for row in rows if row.lesson_id == lesson_id), None)
    if moved is None:
        raise NotFound(f"The lesson {lesson_id} is not in the plan of {cohort.name}.")
    if change.starts_on is not None:
        cohort.starts_on = change.starts_on
    if change.due_after_days is not None and cohort.starts_on is None:
        wrong = Problem("starts_on", "is missing: the days are counted from it.", "The first day of the cohort.")
        raise BadRequest(f"starts_on {wrong.message}", [wrong])
    moved.due_on, moved.due_after_days = change.due_on, change.due_after_days
    rows.remove(moved)
    rows.insert(change.position - 1, moved)
    for position, row in enumerate(rows, start=1):
        row.position = position
        if row.due_after_days is not None and cohort.starts_on is not None:
            row.due_on = cohort.starts_on + timedelta(days=row.due_after_days)
    db.flush()


def _by_slug(db: Session, slug: str) -> Cohort:
    found = db.scalar(select(Cohort).where(Cohort.slug == slug).with_for_update())
    if found is None:
        raise NotFound(f"There is no cohort {slug}.")
    return found


_KEPT_UNLESS_GIVEN = ("reminder_hour", "quiet_from_hour", "quiet_until_hour")


def _upsert(db: Session, slug: str, plan: CohortPlan) -> Cohort:
    values = {"name": plan.name, "time_zone": plan.time_zone, "starts_on": plan.starts_on}
    values |= {name: getattr(plan, name) for name in _KEPT_UNLESS_GIVEN if name in plan.model_fields_set}
    row = insert(Cohort).values(slug=slug, **values)
    changed = row.on_conflict_do_update(
        index_elements=[Cohort.slug], set_={name: row.excluded[name] for name in values}
    )
    return db.scalars(changed.returning(Cohort), execution_options={"populate_existing": True}).one()


def _put_lessons(db: Session, cohort_id: UUID, starts_on: date | None, lessons: list[LessonPlan]) -> None:
    note_lessons(db, {lesson.activity_id: lesson.title for lesson in lessons})
    for lesson in sorted(lessons, key=lambda lesson: lesson_id_of(lesson.activity_id).bytes):
        if said := {name: value for name in ("title", "link") if (value := getattr(lesson, name))}:
            db.execute(update(Lesson).where(Lesson.id == lesson_id_of(lesson.activity_id)).values(said))
    db.execute(delete(CohortLesson).where(CohortLesson.cohort_id == cohort_id))
    rows = [
        {
            "cohort_id": cohort_id,
            "lesson_id": lesson_id_of(lesson.activity_id),
            "position": position,
            "due_on": due_day(starts_on, lesson),
            "due_after_days": lesson.due_after_days,
        }
        for position, lesson in enumerate(lessons, start=1)
    ]
    if rows:
        db.execute(insert(CohortLesson), rows)


def due_day(starts_on: date | None, lesson: LessonPlan) -> date | None:
    """The day that a lesson is due, in the learner's own time zone; None while its cohort has no first day."""
    if lesson.due_after_days is None:
        return lesson.due_on
    return starts_on + timedelta(days=lesson.due_after_days) if starts_on else None


def _replace_members(db: Session, cohort_id: UUID, members: set[UUID]) -> None:
    db.execute(delete(CohortMember).where(CohortMember.cohort_id == cohort_id, CohortMember.user_id.not_in(members)))
    enter(db, [(cohort_id, user_id) for user_id in members])


def _recognise_learners(db: Session, learners: list[LearnerPlan]) -> set[UUID]:
    persons = [person_of_plan(learner) for learner in learners]
    found = recognise(db, persons, source="roster")
    for learner, person in zip(learners, persons, strict=True):
        fill_in(
            db,
            found[person.actor_key],
            {
                "name": learner.name,
                "email": person.email,
                "phone": person.phone,
                "time_zone": learner.time_zone,
                "language": learner.language,
            },
        )
    return set(found.values())


def person_of_plan(learner: LearnerPlan) -> Person:
    """The person that a plan describes, known by every identifier it gives."""
    accounts = [(str(account.home_page), account.name) for account in learner.accounts]
    return person_known_by(learner.name, learner.email, learner.phone, accounts)
