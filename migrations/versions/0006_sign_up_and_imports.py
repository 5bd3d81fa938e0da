"""Sign-ups claim their public handle; imports say how far they are.

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "avatar_claims",
        sa.Column("handle", sa.Text(), nullable=False, comment="as written; unique without regard to case"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_avatar_claims_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_avatar_claims")),
    )
    op.create_index("uq_avatar_claims_handle_lower", "avatar_claims", [sa.text("lower(handle)")], unique=True)
    op.create_index("ix_avatar_claims_user_id", "avatar_claims", ["user_id"])
    op.execute("INSERT INTO avatar_claims (handle, user_id) SELECT avatar, id FROM users WHERE avatar IS NOT NULL")
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="roster, responses"),
        sa.Column("actor", sa.Text(), nullable=False, comment="on whose authority: admin token, command line"),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True, comment="done, failed; NULL while it runs or after a crash"),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="rows by verdict; no personal data",
        ),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column(
            "updated_at", MOMENT, nullable=False, comment="of the last step; old without outcome: it was cut off"
        ),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        schema="ops",
    )
    op.create_index("ix_imports_started_at", "imports", ["started_at"], schema="ops")


def downgrade() -> None:
    op.drop_table("imports", schema="ops")
    op.drop_table("avatar_claims")
