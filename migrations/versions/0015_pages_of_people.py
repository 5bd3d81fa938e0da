"""What the pages of people need: uploaded files that wait to be applied, learners by name, acts by actor and day.

Revision: 0015
After: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

AUDIT_INDEXES = (
    ("ix_audit_log_actor_id", ["actor", "id"]),
    ("ix_audit_log_act_id", ["act", "id"]),
    ("ix_audit_log_at", ["at"]),
)


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="roster, responses"),
        sa.Column("actor", sa.Text(), nullable=False, comment="who uploaded it"),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("choices", postgresql.JSONB(), nullable=False, comment="what was chosen beside the file"),
        sa.Column("content", sa.LargeBinary(), nullable=True, comment="NULL once it is applied or discarded"),
        sa.Column(
            "summary", postgresql.JSONB(), nullable=False, comment="what it comes to, or came to, without its rows"
        ),
        sa.Column("lines", postgresql.JSONB(), nullable=False, comment="the same row by row, in order"),
        sa.Column("import_id", sa.Uuid(), nullable=True, comment="ops.imports.id, once it is applied"),
        sa.Column("problem", sa.Text(), nullable=True, comment="why applying it failed"),
        sa.Column("uploaded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        schema="ops",
    )
    op.create_index("ix_uploads_uploaded_at", "uploads", ["uploaded_at"], unique=False, schema="ops")
    op.create_index("ix_uploads_import_id", "uploads", ["import_id"], unique=False, schema="ops")
    op.create_index(
        "ix_users_shown_name",
        "users",
        [sa.text("left(lower(coalesce(name, email, phone, '')), 200)"), "id"],
        unique=False,
    )
    for name, columns in AUDIT_INDEXES:
        op.create_index(name, "audit_log", columns, unique=False, schema="ops")


def downgrade() -> None:
    for name, _ in AUDIT_INDEXES:
        op.drop_index(name, "audit_log", schema="ops")
    op.drop_index("ix_users_shown_name", "users")
    op.drop_table("uploads", schema="ops")
