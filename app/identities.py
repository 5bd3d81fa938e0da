"""Who is who: two learners that are one are merged, a wrong merge is split. What is derived follows at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from app import audit
from app.accounts import cohorts, learners, people
from app.accounts.schemas import Merge, Moved, Split
from app.errors import BadRequest, Problem
from app.facts import StatementLoaded, StatementVoided
from app.linking import take_turn
from app.models import User
from app.notifications.acts import follow_merge
from app.reactions import react
from app.warehouse import gold, silver


def merge(db: Session, learner_id: UUID, merging: Merge, actor: str) -> Moved:
    """Make the other learner part of this one, in the caller's transaction.

    Identifiers, cohorts and whatever else refers to the other one go over, and with them the statements: also those
    that come later. Of this learner nothing is overwritten. NotFound when there is no such learner.
    """
    if merging.other == learner_id:
        told = "is this learner; there is nothing to merge."
        raise BadRequest(f"other {told}", [Problem("other", told, "The id of another learner.")])
    _alone(db)
    target, source = learners.lock_learners(db, learner_id, merging.other)
    follow_merge(db, source.id, target.id)
    identifiers = learners.move_everything(db, source.id, target.id)
    moved = silver.change_learner(db, source.id, target.id)
    lessons = _follow(db, source.id, target.id, moved)
    learners.fill_from(db, target, source)
    learners.remember_merge(db, merging.other, target.id)
    detail = {"other": str(merging.other), "identifiers": identifiers, "statements": len(moved)}
    audit.note(db, actor, "learner.merge", target_of(learner_id), detail)
    return Moved(learner_id=learner_id, identifiers=identifiers, statements=len(moved), lessons=lessons)


def split(db: Session, learner_id: UUID, splitting: Split, actor: str) -> Moved:
    """Give some identifiers of a learner to another one or a new one, with the statements that came under them.

    The hash of an address goes with it. Cohorts stay as they are, but for those that are named. NotFound when the
    learner, an identifier or a cohort is not there; BadRequest when no identifier would be left.
    """
    if splitting.into == learner_id:
        told = "is this learner; there is nothing to split."
        raise BadRequest(f"into {told}", [Problem("into", told, "Another learner, or none for a new one.")])
    _alone(db)
    others = [splitting.into] if splitting.into else []
    source, *_ = learners.lock_learners(db, learner_id, *others)
    keys = learners.implied_keys(db, learner_id, splitting.identifiers)
    if len(keys) == learners.count_identifiers(db, learner_id):
        told = "are all that the learner is known by."
        expected = "Leave at least one; to make the two one, merge them."
        raise BadRequest(f"identifiers {told} {expected}", [Problem("identifiers", told, expected)])
    target_id = splitting.into or _new_learner(db, splitting)
    actor_keys = learners.actor_keys(db, keys)
    learners.move_identifiers(db, source, target_id, keys)
    cohorts.join(db, target_id, splitting.cohorts)
    moved = silver.change_learner(db, learner_id, target_id, actor_keys)
    lessons = _follow(db, learner_id, target_id, moved)
    detail = {"into": str(target_id), "identifiers": len(keys), "statements": len(moved)}
    audit.note(db, actor, "learner.split", target_of(learner_id), detail)
    return Moved(learner_id=target_id, identifiers=len(keys), statements=len(moved), lessons=lessons)


def target_of(learner_id: UUID) -> str:
    """How the audit log names a learner."""
    return f"learner:{learner_id}"


def _alone(db: Session) -> None:
    """Nobody loads statements and nobody makes people until this transaction ends.

    A loader that has looked up who somebody is holds its turn until its rows are committed; so those are seen here, and
    the next one looks up who it is by then. The turn of loaders comes first, as it does for them.
    """
    take_turn(db, alone=True)
    people.take_turn(db)


def _new_learner(db: Session, splitting: Split) -> UUID:
    user = User(name=splitting.name, source="split")
    db.add(user)
    db.flush()
    return user.id


def _follow(db: Session, source: UUID, target: UUID, moved: Sequence[silver.MovedRow]) -> int:
    """Let every room recompute what it derived from these statements, for both learners."""
    facts: list[StatementLoaded | StatementVoided] = []
    for row in moved:
        facts.append(StatementVoided(row.statement_id, source, row.lesson_id))
        facts.append(StatementLoaded(row.statement_id, target, row.lesson_id, row.completes_lesson, row.occurred_at))
    react(db, facts)
    lessons = sorted({row.lesson_id for row in moved if row.lesson_id})
    # Rows of gold that no statement stands behind any more go as well.
    stale = gold.lessons_of(db, source)
    gold.refresh_lesson_progress(db, [(source, lesson_id) for lesson_id in stale])
    return len(lessons)
