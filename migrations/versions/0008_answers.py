"""What reports count: answers, in an index of their own, and progress, in its primary key.

Rows that are there already learn it where the activity is known; `python -m app rebuild silver` gives it to all.

Revision: 0008
After: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


COUNTED = "started_at, last_at, completed_at, statement_count"


def upgrade() -> None:
    question = sa.Column(
        "question_id", sa.Uuid(), nullable=True, comment="activities.key of the object, if it was answered"
    )
    choice = sa.Column("choice", sa.Text(), nullable=True, comment="the response to it, if short enough to be counted")
    op.add_column("statements_flat", question, schema="silver")
    op.add_column("statements_flat", choice, schema="silver")
    op.execute(
        "UPDATE silver.statements_flat flat "
        "SET question_id = activity.key, choice = CASE WHEN length(response) <= 100 THEN response END "
        "FROM silver.activities activity "
        "WHERE activity.iri = flat.object_id AND flat.verb_id = 'http://adlnet.gov/expapi/verbs/answered' "
        "AND flat.lesson_id IS NOT NULL"
    )
    op.create_index(
        "ix_statements_flat_answers",
        "statements_flat",
        ["lesson_id", "question_id", "learner_id", "occurred_at", "statement_id"],
        unique=False,
        schema="silver",
        postgresql_include=["choice", "success", "score_raw"],
        postgresql_where=sa.text("question_id IS NOT NULL"),
    )
    replace_progress_key(f"INCLUDE ({COUNTED})")


def replace_progress_key(include: str) -> None:
    op.execute("ALTER TABLE gold.lesson_progress DROP CONSTRAINT pk_lesson_progress")
    op.execute(
        "ALTER TABLE gold.lesson_progress ADD CONSTRAINT pk_lesson_progress "
        f"PRIMARY KEY (learner_id, lesson_id) {include}"
    )


def downgrade() -> None:
    replace_progress_key("")
    op.drop_index("ix_statements_flat_answers", table_name="statements_flat", schema="silver")
    op.drop_column("statements_flat", "choice", schema="silver")
    op.drop_column("statements_flat", "question_id", schema="silver")
