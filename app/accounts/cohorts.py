"""Cohorts: who takes the course together, which lessons in which order, due when."""

from datetime import date
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.identifiers import (
    Identifier,
    Person,
    account_identifier,
    email_identifiers,
    normal_phone,
)
from app.accounts.lessons import lesson_id_of, note_lessons
from app.accounts.models import Cohort, CohortLesson, CohortMember
from app.accounts.people import fill_in, recognise
from app.models import Lesson
from app.schemas import CohortPlan, CohortRead, LearnerPlan


def put_cohort(db: Session, slug: str, plan: CohortPlan) -> CohortRead:
    """Make the cohort be what the plan says: its name, its lessons in order, its learners. Running it again is safe.

    Learners are recognised by any identifier and never made twice; those the plan leaves out leave the cohort, they
    and their statements stay. What is known of a learner already is not overwritten.
    """
    cohort_id = _upsert(db, slug, plan.name, plan.time_zone)
    note_lessons(db, {lesson.activity_id: lesson.title for lesson in plan.lessons})
    for lesson in plan.lessons:
        if lesson.title:
            db.execute(update(Lesson).where(Lesson.id == lesson_id_of(lesson.activity_id)).values(title=lesson.title))
    _replace_lessons(db, cohort_id, [(lesson.activity_id, lesson.due_on) for lesson in plan.lessons])
    members = _recognise_learners(db, plan.learners)
    _replace_members(db, cohort_id, members)
    return CohortRead(
        id=cohort_id,
        slug=slug,
        name=plan.name,
        time_zone=plan.time_zone,
        learners=len(members),
        lessons=len(plan.lessons),
    )


def find_cohort(db: Session, cohort_id: UUID) -> Cohort | None:
    """The cohort of this id."""
    return db.get(Cohort, cohort_id)


def list_cohorts(db: Session) -> list[Cohort]:
    """Every cohort, by name."""
    return list(db.execute(select(Cohort).order_by(Cohort.name)).scalars())


def _upsert(db: Session, slug: str, name: str, time_zone: str) -> UUID:
    row = insert(Cohort).values(slug=slug, name=name, time_zone=time_zone)
    changed = row.on_conflict_do_update(
        index_elements=[Cohort.slug],
        set_={"name": row.excluded.name, "time_zone": row.excluded.time_zone},
    )
    return db.execute(changed.returning(Cohort.id)).scalar_one()


def _replace_lessons(db: Session, cohort_id: UUID, lessons: list[tuple[str, date | None]]) -> None:
    db.execute(delete(CohortLesson).where(CohortLesson.cohort_id == cohort_id))
    rows = [
        {
            "cohort_id": cohort_id,
            "lesson_id": lesson_id_of(activity_id),
            "position": position,
            "due_on": due_on,
        }
        for position, (activity_id, due_on) in enumerate(lessons, start=1)
    ]
    if rows:
        db.execute(insert(CohortLesson), rows)


def _replace_members(db: Session, cohort_id: UUID, members: set[UUID]) -> None:
    db.execute(delete(CohortMember).where(CohortMember.cohort_id == cohort_id, CohortMember.user_id.not_in(members)))
    rows = [{"cohort_id": cohort_id, "user_id": user_id} for user_id in sorted(members)]
    if rows:
        db.execute(insert(CohortMember).on_conflict_do_nothing(), rows)


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
    identifiers: list[Identifier] = []
    if learner.email:
        identifiers.extend(email_identifiers(learner.email))
    phone = normal_phone(learner.phone) if learner.phone else None
    if phone:
        identifiers.append(Identifier("phone", phone))
    identifiers.extend(account_identifier(str(account.home_page), account.name) for account in learner.accounts)
    first = identifiers[0]
    return Person(
        actor_key=f"{first.kind}:{first.value}",
        identifiers=tuple(identifiers),
        name=learner.name,
        email=learner.email.strip().lower() if learner.email else None,
        phone=phone,
    )
