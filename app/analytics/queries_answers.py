"""The SELECTs on answers. Counting reads nothing but the index ix_statements_flat_answers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.analytics.queries import Rows
from app.analytics.selection import Part


def questions(db: Session, lessons: Collection[tuple[int, UUID]], most: int, *, after: UUID | None = None) -> Rows:
    """Questions that were answered in lessons, given as (place, id): place, lesson_id, question_id, object_id.

    most: of each lesson, those with the lowest ids after this one. Found by jumping from one question to the next in
    the index, however many answers lie between.
    """
    sql = f"""
SELECT lesson.place, lesson.id AS lesson_id, question.id AS question_id, sample.object_id
FROM unnest(CAST(:places AS int[]), CAST(:lesson_ids AS uuid[])) AS lesson (place, id)
CROSS JOIN LATERAL (
    WITH RECURSIVE found AS (
        (
            SELECT question_id AS id FROM silver.statements_flat
            WHERE lesson_id = lesson.id AND {"question_id > :after" if after else "question_id IS NOT NULL"}
            ORDER BY question_id LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT question_id FROM silver.statements_flat
            WHERE lesson_id = lesson.id AND question_id > found.id
            ORDER BY question_id LIMIT 1
        ) FROM found WHERE found.id IS NOT NULL
    )
    SELECT id FROM found WHERE id IS NOT NULL LIMIT :most
) question
CROSS JOIN LATERAL (
    SELECT object_id FROM silver.statements_flat
    WHERE lesson_id = lesson.id AND question_id = question.id LIMIT 1
) sample
"""
    places, ids = [place for place, _ in lessons], [key for _, key in lessons]
    return db.execute(text(sql), {"places": places, "lesson_ids": ids, "most": most, "after": after}).all()


def definitions(db: Session, asked: Sequence[tuple[UUID, UUID]]) -> Rows:
    """What is known of questions, given as (lesson, question): question_id, object_name, card_type, interaction_type,
    definition (the canonical one, parsed; NULL: unknown).
    """
    sql = """
SELECT asked.lesson_id, asked.question_id, sample.*, activity.definition
FROM unnest(CAST(:lesson_ids AS uuid[]), CAST(:question_ids AS uuid[])) AS asked (lesson_id, question_id)
CROSS JOIN LATERAL (
    SELECT object_name, card_type, interaction_type FROM silver.statements_flat
    WHERE lesson_id = asked.lesson_id AND question_id = asked.question_id LIMIT 1
) sample
LEFT JOIN silver.activities activity ON activity.key = asked.question_id
"""
    return db.execute(text(sql), _asked(asked)).all()


def counts(
    db: Session,
    asked: Sequence[tuple[UUID, UUID]],
    part: Part,
) -> Rows:
    """How often each answer was given: question_id, is_latest (of its learner, in the span), choice, success,
    score_raw, answers. part: on learner_id. Answers of groups are nobody's and do not count.
    """
    sql = f"""
SELECT
    asked.lesson_id, asked.question_id, answer.is_latest, answer.choice, answer.success, answer.score_raw,
    count(*) AS answers
FROM unnest(CAST(:lesson_ids AS uuid[]), CAST(:question_ids AS uuid[])) AS asked (lesson_id, question_id)
CROSS JOIN LATERAL (
    SELECT
        learner_id, choice, success, score_raw,
        lead(learner_id) OVER (ORDER BY learner_id, occurred_at, statement_id) IS DISTINCT FROM learner_id AS is_latest
    FROM silver.statements_flat
    WHERE lesson_id = asked.lesson_id AND question_id = asked.question_id AND learner_id IS NOT NULL
        AND {part.condition} AND {part.within('occurred_at')}
) answer
GROUP BY asked.lesson_id, asked.question_id, answer.is_latest, answer.choice, answer.success, answer.score_raw
"""
    return db.execute(text(sql), part.bind(**_asked(asked))).all()


def texts(
    db: Session,
    part: Part,
    question: tuple[UUID, UUID],
    *,
    search: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Rows:
    """The next answers in words to a (lesson, question), the newest first.

    search: letters that the response holds, in either case. part: on flat.learner_id.
    """
    holds = "AND strpos(lower(flat.response), lower(:search)) > 0" if search else ""
    beyond = "AND (flat.occurred_at, flat.statement_id) < (:after_at, :after_id)" if after else ""
    sql = f"""
SELECT flat.statement_id, flat.learner_id, flat.occurred_at, flat.response
FROM silver.statements_flat flat
WHERE flat.lesson_id = :lesson_id AND flat.question_id = :question_id AND flat.response IS NOT NULL
    AND {part.condition} AND {part.within('flat.occurred_at')} {holds} {beyond}
ORDER BY flat.occurred_at DESC, flat.statement_id DESC LIMIT :limit
"""
    return db.execute(
        text(sql),
        part.bind(
            lesson_id=question[0],
            question_id=question[1],
            search=search,
            after_at=after and after[0],
            after_id=after and after[1],
            limit=limit,
        ),
    ).all()


def _asked(asked: Sequence[tuple[UUID, UUID]]) -> dict[str, list[UUID]]:
    return {"lesson_ids": [one[0] for one in asked], "question_ids": [one[1] for one in asked]}
