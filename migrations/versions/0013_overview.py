"""What the overview counts, in the index by time: whose statement it was, and about which lesson.

Revision: 0013
After: 0011
"""

from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEX, TABLE = "ix_statements_flat_occurred_at", "statements_flat"


def upgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE, schema="silver")
    op.create_index(
        INDEX, TABLE, ["occurred_at"], unique=False, schema="silver", postgresql_include=["learner_id", "lesson_id"]
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE, schema="silver")
    op.create_index(INDEX, TABLE, ["occurred_at"], unique=False, schema="silver")
