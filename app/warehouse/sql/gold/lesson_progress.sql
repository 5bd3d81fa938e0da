-- Grain: one row per learner per lesson. Key: (learner_id, lesson_id). Reads: silver.statements_flat.
-- Recomputes only the touched keys, given as two arrays of equal length: %(learner_ids)s and %(lesson_ids)s.
-- Writes only rows that change.
WITH touched AS (
    SELECT learner_id, lesson_id
    FROM unnest(%(learner_ids)s::uuid[], %(lesson_ids)s::uuid[]) AS keys (learner_id, lesson_id)
),

recomputed AS (
    SELECT
        touched.learner_id,
        touched.lesson_id,
        min(flat.occurred_at) AS started_at,
        max(flat.occurred_at) AS last_at,
        min(flat.occurred_at) FILTER (WHERE flat.completes_lesson) AS completed_at,
        count(flat.statement_id) AS statement_count,
        max(flat.score_scaled) FILTER (WHERE flat.completes_lesson) AS best_score_scaled
    FROM touched
    LEFT JOIN silver.statements_flat AS flat
        ON flat.learner_id = touched.learner_id
        AND flat.lesson_id = touched.lesson_id
    GROUP BY touched.learner_id, touched.lesson_id
)

UPDATE gold.lesson_progress AS progress
SET
    started_at = recomputed.started_at,
    last_at = recomputed.last_at,
    completed_at = recomputed.completed_at,
    statement_count = recomputed.statement_count,
    best_score_scaled = recomputed.best_score_scaled
FROM recomputed
WHERE progress.learner_id = recomputed.learner_id
    AND progress.lesson_id = recomputed.lesson_id
    AND (
        progress.started_at, progress.last_at, progress.completed_at, progress.statement_count,
        progress.best_score_scaled
    ) IS DISTINCT FROM (
        recomputed.started_at, recomputed.last_at, recomputed.completed_at, recomputed.statement_count,
        recomputed.best_score_scaled
    )
