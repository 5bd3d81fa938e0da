"""The SELECTs on one learner."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.analytics.queries import Rows
from app.analytics.selection import Part


def learner(db: Session, learner_id: UUID, part: Part) -> Row[Any] | None:
    """The learner of this id, if they fulfil the condition on u: id, name, email, phone, avatar, time_zone."""
    return db.execute(
        text(
            "SELECT u.id, u.name, u.email, u.phone, u.avatar, u.time_zone FROM users u "
            f"WHERE u.id = :id AND {part.condition}"
        ),
        part.bind(id=learner_id),
    ).one_or_none()


def statements(
    db: Session,
    part: Part,
    learner_id: UUID,
    *,
    lesson_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Rows:
    """The next statements of a learner, the newest first, as the columns of TimelineEntry, and object_type."""
    lesson = "AND flat.lesson_id = :lesson_id" if lesson_id else ""
    beyond = "AND (flat.occurred_at, flat.statement_id) < (:after_at, :after_id)" if after else ""
    sql = f"""
SELECT
    flat.statement_id, flat.occurred_at, flat.stored_at, flat.verb, flat.verb_id, flat.object_type, flat.object_id,
    flat.object_name,
    flat.lesson_id, lessons.title AS lesson_title, flat.completes_lesson, flat.success, flat.completion,
    flat.score_scaled, flat.response, flat.duration_s
FROM silver.statements_flat flat
LEFT JOIN lessons ON lessons.id = flat.lesson_id
WHERE flat.learner_id = :learner_id AND {part.within('flat.occurred_at')} {lesson} {beyond}
ORDER BY flat.occurred_at DESC, flat.statement_id DESC LIMIT :limit
"""
    return db.execute(
        text(sql),
        part.bind(
            learner_id=learner_id,
            lesson_id=lesson_id,
            after_at=after and after[0],
            after_id=after and after[1],
            limit=limit,
        ),
    ).all()


def definitions(db: Session, keys: Collection[UUID]) -> dict[UUID, Any]:
    """What is known of activities, by their key (stable_id of their IRI): the canonical definition, parsed."""
    sql = "SELECT key, definition FROM silver.activities WHERE key = ANY(CAST(:keys AS uuid[]))"
    return {row.key: row.definition for row in db.execute(text(sql), {"keys": list(keys)})}


def actor_counts(db: Session, learner_id: UUID) -> Rows:
    """Under what a learner's statements came: actor_key, statements, last_at."""
    sql = """
SELECT actor_key, count(*) AS statements, max(occurred_at) AS last_at FROM silver.statements_flat
WHERE learner_id = :id GROUP BY actor_key
"""
    return db.execute(text(sql), {"id": learner_id}).all()
