"""SQL for analysts: what tables and columns mean, and what each analyst asked.

Revision: 0018
After: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES: dict[str, str] = {
    "bronze.statements_raw": (
        "Statements as received, one row per statement id. For counting use " "silver.statements_flat."
    ),
    "bronze.attachments": "Data of attachments, one row per content.",
    "silver.statements_flat": "Who did what, with what result, one row per statement. The table to begin with.",
    "silver.statement_links": (
        "What each statement is found by, several rows per statement. Made for the API; hardly of " "use in SQL."
    ),
    "silver.statement_refs": "Statements about statements, one row per statement that refers to another one.",
    "silver.activities": "Activities (lessons, questions) with their names and choices, one row per activity.",
    "silver.verbs": "Verbs with their names, one row per verb.",
    "gold.lesson_progress": (
        "How far each learner is with each lesson they have touched, one row per learner and " "lesson."
    ),
    "public.users": "Learners, one row per person.",
    "public.user_identifiers": "What statements call a learner, one row per identifier.",
    "public.cohorts": "Groups that take the course together, one row per cohort.",
    "public.cohort_members": "Who is in which cohort, one row per learner and cohort.",
    "public.cohort_lessons": "What is due when, one row per cohort and lesson.",
    "public.lessons": "Lessons, one row per activity that learners complete.",
    "public.notifications": "Reminders, one row per learner and day of theirs.",
    "public.reminder_stops": "Why a learner gets no reminders, one row per learner about whom something was decided.",
    "ops.job_runs": "Runs of scheduled jobs, one row per job and period.",
    "ops.task_status": "How background tasks are doing, one row per task.",
    "ops.imports": "Imports of files, one row per file.",
    "ops.dead_letters": (
        "What was sent and could not be stored, one row per distinct body, source and reason. " "Without the body."
    ),
}
COLUMNS: dict[str, str] = {
    "bronze.statements_raw.xapi_version": "edition that it was sent under, such as 1.0.3 or 2.0.0",
    "bronze.attachments.content": "the bytes",
    "bronze.attachments.stored_at": "when it first came",
    "silver.statements_flat.statement_id": "statements_raw.id",
    "silver.statements_flat.actor_email": "as sent, in lower case; of accounts NULL",
    "silver.statements_flat.actor_name": "as sent with this statement; users.name is the name of today",
    "silver.statements_flat.verb_id": "IRI of the verb",
    "silver.statements_flat.object_id": "IRI of what it is about, mostly of a lesson or a question",
    "silver.statements_flat.object_name": "its name as sent",
    "silver.statements_flat.activity_type": "IRI of the kind of activity: lesson, question …",
    "silver.statements_flat.interaction_type": "of questions: choice, fill-in, likert …",
    "silver.statements_flat.success": "whether it was right or passed; NULL where nothing was judged",
    "silver.statements_flat.completion": "result.completion as sent; completes_lesson is what is counted",
    "silver.statements_flat.score_scaled": "-1 to 1",
    "silver.statements_flat.score_raw": "in the units of score_min to score_max",
    "silver.statements_flat.score_min": "the least score possible",
    "silver.statements_flat.score_max": "the highest score possible",
    "silver.statements_flat.response": "what was answered, whole",
    "silver.statements_flat.registration": "the attempt that it belongs to, if the sender says so",
    "silver.statements_flat.parent_id": "IRI of what the object is part of",
    "silver.statements_flat.grouping_id": "IRI of the course or the like",
    "silver.statements_flat.platform": "from where: web, app … as sent",
    "silver.statements_flat.language": "RFC 5646 tag, as sent",
    "silver.statements_flat.stored_at": "when it was accepted here",
    "silver.statement_links.stored_at": "of the statement",
    "silver.activities.iri": "its id",
    "silver.activities.updated_at": "when a statement last changed the definition",
    "silver.verbs.iri": "its id",
    "silver.verbs.updated_at": "when a statement last changed the name",
    "gold.lesson_progress.learner_id": "users.id",
    "gold.lesson_progress.lesson_id": "lessons.id",
    "gold.lesson_progress.statement_count": "statements about the lesson",
    "public.users.id": "what other tables call learner_id or user_id",
    "public.users.name": "of today",
    "public.users.created_at": "first recognised",
    "public.user_identifiers.user_id": "users.id",
    "public.user_identifiers.created_at": "first seen",
    "public.cohorts.id": "what other tables call cohort_id",
    "public.cohorts.name": "for people",
    "public.cohorts.created_at": "when it was made",
    "public.cohort_members.cohort_id": "cohorts.id",
    "public.cohort_members.user_id": "users.id",
    "public.cohort_members.joined_at": "when they were put in",
    "public.cohort_lessons.cohort_id": "cohorts.id",
    "public.cohort_lessons.lesson_id": "lessons.id",
    "public.lessons.title": "NULL until somebody names it",
    "public.lessons.created_at": "first seen",
    "public.notifications.learner_id": "users.id",
    "public.notifications.attempts": "how often sending was tried",
    "public.reminder_stops.learner_id": "users.id",
    "ops.job_runs.job": "its name",
    "ops.job_runs.started_at": "when it began",
    "ops.job_runs.finished_at": "NULL while it runs or after a crash",
    "ops.job_runs.detail": "figures of the run",
    "ops.task_status.updated_at": "of the last step",
    "ops.imports.id": "of the import",
    "ops.imports.rows_total": "rows of the file",
    "ops.imports.rows_done": "rows that are done",
    "ops.imports.started_at": "when it began",
    "ops.imports.finished_at": "NULL while it runs or after a crash",
    "ops.dead_letters.content_type": "it came with",
    "ops.dead_letters.statement_id": "if one could be read",
    "ops.dead_letters.seen_count": "how often it came",
    "ops.dead_letters.first_seen_at": "when it came first",
    "ops.dead_letters.last_seen_at": "when it came last",
}


def _comment(kind: str, name: str, comment: str | None) -> None:
    said = "NULL" if comment is None else "'" + comment.replace("'", "''") + "'"
    op.execute(f"COMMENT ON {kind} {name} IS {said}")


def upgrade() -> None:
    for name, comment in TABLES.items():
        _comment("TABLE", name, comment)
    for name, comment in COLUMNS.items():
        _comment("COLUMN", name, comment)
    op.create_table(
        "sql_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="as the audit log names them"),
        sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="done, or the stable code of the refusal"),
        sa.Column("rows", sa.Integer(), nullable=True, comment="of the result, as far as it was shown"),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sql_history")),
        schema="ops",
    )
    op.create_index("ix_sql_history_actor_id", "sql_history", ["actor", "id"], schema="ops")


def downgrade() -> None:
    op.drop_table("sql_history", schema="ops")
    for name in COLUMNS:
        _comment("COLUMN", name, None)
    for name in TABLES:
        _comment("TABLE", name, None)
