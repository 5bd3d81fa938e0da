"""Keys of senders take turns: which key succeeds which, and who made it.

Revision: 0016
After: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "credentials",
        sa.Column("succeeds", sa.Text(), nullable=True, comment="the key that this one takes over from"),
    )
    op.add_column(
        "credentials",
        sa.Column("created_by", sa.Text(), nullable=True, comment="as the audit log names them; NULL: not known"),
    )
    op.create_foreign_key(
        op.f("fk_credentials_succeeds_credentials"), "credentials", "credentials", ["succeeds"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_credentials_succeeds_credentials"), "credentials", type_="foreignkey")
    op.drop_column("credentials", "created_by")
    op.drop_column("credentials", "succeeds")
