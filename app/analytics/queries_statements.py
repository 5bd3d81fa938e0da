"""The SELECTs beside a statement: whose it is, about which lesson, and which verbs there are."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.analytics.queries import Rows


def names(db: Session, learner_id: UUID | None, lesson_id: UUID | None) -> Row[Any]:
    """What the learner and the lesson are called: learner, lesson."""
    sql = """
SELECT
    (SELECT coalesce(u.name, u.email, u.phone, 'No name') FROM users u WHERE u.id = :learner_id) AS learner,
    (SELECT coalesce(l.title, l.activity_id) FROM lessons l WHERE l.id = :lesson_id) AS lesson
"""
    return db.execute(text(sql), {"learner_id": learner_id, "lesson_id": lesson_id}).one()


def is_seen(db: Session, condition: str, learner_id: UUID) -> bool:
    """Whether the learner fulfils the condition on u."""
    sql = f"SELECT EXISTS (SELECT FROM users u WHERE u.id = :learner_id AND {condition})"
    return bool(db.execute(text(sql), {"learner_id": learner_id}).scalar_one())


def verbs(db: Session, limit: int) -> Rows:
    """Verbs that statements have used: iri."""
    return db.execute(text("SELECT iri FROM silver.verbs ORDER BY iri LIMIT :limit"), {"limit": limit}).all()
