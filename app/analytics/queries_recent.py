"""The SELECTs on what came in last."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.analytics.queries import Rows
from app.analytics.selection import Part

LOOKED_AT_STATEMENTS = 1_000
"""How many of the newest statements are looked through for one that is loaded and may be seen."""


def last_statement(db: Session, part: Part) -> Row[Any] | None:
    """The flat row of the newest statement that is loaded, with loaded_at, if the condition on flat holds for it."""
    sql = f"""
WITH newest AS MATERIALIZED (
    SELECT id, seq, stored_at, flattened_at FROM bronze.statements_raw WHERE voided_by IS NULL
    ORDER BY stored_at DESC, seq DESC LIMIT :looked_at
)
SELECT flat.*, newest.flattened_at AS loaded_at
FROM newest JOIN silver.statements_flat flat ON flat.statement_id = newest.id
WHERE newest.flattened_at IS NOT NULL AND {part.condition}
ORDER BY newest.stored_at DESC, newest.seq DESC LIMIT 1
"""
    return db.execute(text(sql), part.bind(looked_at=LOOKED_AT_STATEMENTS)).one_or_none()


def completions(db: Session, part: Part, *, after: tuple[datetime, UUID] | None, limit: int) -> Rows:
    """The next statements that complete a lesson, the newest first, with learner and lesson.

    A walk along ix_statements_flat_completions that ends with a full page.
    """
    beyond = "AND (flat.occurred_at, flat.statement_id) < (:after_at, :after_id)" if after else ""
    sql = f"""
WITH page AS MATERIALIZED (
    SELECT flat.statement_id, flat.occurred_at, flat.stored_at, flat.learner_id, flat.lesson_id, flat.verb,
        flat.success, flat.score_scaled
    FROM silver.statements_flat flat
    WHERE flat.completes_lesson AND {part.condition} {beyond}
    ORDER BY flat.occurred_at DESC, flat.statement_id DESC LIMIT :limit
)
SELECT page.*, u.name, u.email, u.phone, lessons.activity_id, lessons.title,
    coalesce(progress.completed_at = page.occurred_at, false) AS first
FROM page
JOIN lessons ON lessons.id = page.lesson_id
LEFT JOIN users u ON u.id = page.learner_id
LEFT JOIN gold.lesson_progress progress
    ON progress.learner_id = page.learner_id AND progress.lesson_id = page.lesson_id
ORDER BY page.occurred_at DESC, page.statement_id DESC
"""
    return db.execute(text(sql), part.bind(after_at=after and after[0], after_id=after and after[1], limit=limit)).all()


def raw_statement(db: Session, part: Part, statement_id: UUID) -> Row[Any] | None:
    """A statement of the record, payload as text. One that is not loaded is there only for who may see everybody."""
    sql = f"""
SELECT raw.id, raw.stored_at, raw.xapi_version, raw.credential_id, raw.flattened_at, raw.flatten_error, raw.voided_by,
    raw.payload::text AS payload
FROM bronze.statements_raw raw LEFT JOIN silver.statements_flat flat ON flat.statement_id = raw.id
WHERE raw.id = :id AND {part.condition}
"""
    return db.execute(text(sql), part.bind(id=statement_id)).one_or_none()
