"""The newest completions are a walk along an index of their own.

Revision: 0017
After: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INDEX, TABLE = "ix_statements_flat_completions", "statements_flat"


def upgrade() -> None:
    op.create_index(
        INDEX,
        TABLE,
        ["occurred_at", "statement_id"],
        unique=False,
        schema="silver",
        postgresql_where=sa.text("completes_lesson"),
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE, schema="silver")
