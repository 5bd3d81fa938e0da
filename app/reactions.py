"""What happens after statements are loaded, in order, in the same transaction. The causal map on one screen."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.facts import StatementLoaded, StatementVoided
from app.warehouse import gold


def react(db: Session, facts: Sequence[StatementLoaded | StatementVoided]) -> None:
    """Tell every room that has to know. Rooms that come later (progress, gamification, notifications) stand here."""
    gold.refresh_lesson_progress(
        db,
        {(fact.learner_id, fact.lesson_id) for fact in facts if fact.learner_id and fact.lesson_id},
    )
