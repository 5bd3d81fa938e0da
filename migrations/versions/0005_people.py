"""What later doors write about learners, lessons and cohorts; what the content hash is a hash of.

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HASH_BEFORE = "of what may not differ between repeats"
HASH_NOW = "of the text: equal ones are exact repeats, others have to be compared"


def upgrade() -> None:
    attributes = sa.Column(
        "attributes",
        postgresql.JSONB(astext_type=sa.Text()),
        server_default=sa.text("'{}'"),
        nullable=False,
        comment="further columns of rosters, by their heading; reports filter by them",
    )
    op.add_column("users", attributes)
    link = sa.Column("link", sa.Text(), comment="where learners open it; NULL: its activity_id, if a URL")
    op.add_column("lessons", link)
    op.add_column("cohorts", sa.Column("starts_on", sa.Date(), comment="day 0 of cohort_lessons.due_after_days"))
    after = "days after cohorts.starts_on; due_on is written from it, so readers need only that"
    op.add_column("cohort_lessons", sa.Column("due_after_days", sa.Integer(), comment=after))
    op.alter_column("statements_raw", "content_hash", comment=HASH_NOW, schema="bronze")


def downgrade() -> None:
    op.alter_column("statements_raw", "content_hash", comment=HASH_BEFORE, schema="bronze")
    op.drop_column("cohort_lessons", "due_after_days")
    op.drop_column("cohorts", "starts_on")
    op.drop_column("lessons", "link")
    op.drop_column("users", "attributes")
