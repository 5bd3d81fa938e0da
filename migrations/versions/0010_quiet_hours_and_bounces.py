"""Quiet hours of a cohort's own; to which address a reminder went, for mails that come back.

Revision: 0010
After: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comments = {
        "quiet_from_hour": "0 to 23; with quiet_until_hour: no reminders in between; NULL: as the settings say",
        "quiet_until_hour": "0 to 23",
    }
    for name, comment in comments.items():
        op.add_column("cohorts", sa.Column(name, sa.SmallInteger(), nullable=True, comment=comment))
    op.create_check_constraint(
        op.f("ck_cohorts_quiet_hours"),
        "cohorts",
        "quiet_from_hour BETWEEN 0 AND 23 AND quiet_until_hour BETWEEN 0 AND 23 "
        "OR quiet_from_hour IS NULL AND quiet_until_hour IS NULL",
    )
    comment = "SHA-256 of the address it went to, for mails that come back"
    op.add_column("notifications", sa.Column("address_hash", sa.LargeBinary(), nullable=True, comment=comment))


def downgrade() -> None:
    op.drop_column("notifications", "address_hash")
    op.drop_constraint(op.f("ck_cohorts_quiet_hours"), "cohorts")
    op.drop_column("cohorts", "quiet_until_hour")
    op.drop_column("cohorts", "quiet_from_hour")
