"""As part of whom a merged learner goes on, for links in mails that still name the old id; why an import failed.

Revision: 0019
After: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# What was merged so far stands in the audit log: a chain from who is gone to who is there. UNION ends a circle, which
# an id that is nobody's cannot be part of but a hand-made row could.
FROM_THE_LOG = """
WITH RECURSIVE merge AS (
    SELECT (detail ->> 'other')::uuid AS gone, substr(target, 9)::uuid AS kept, at
    FROM ops.audit_log
    WHERE act = 'learner.merge' AND target LIKE 'learner:%' AND detail ->> 'other' IS NOT NULL
), chain AS (
    SELECT gone, kept, at FROM merge
    UNION
    SELECT c.gone, m.kept, c.at FROM chain c JOIN merge m ON m.gone = c.kept
)
INSERT INTO merged_learners (gone_id, kept_id, merged_at)
SELECT DISTINCT ON (c.gone) c.gone, c.kept, c.at FROM chain c JOIN users u ON u.id = c.kept
WHERE NOT EXISTS (SELECT FROM users g WHERE g.id = c.gone) ORDER BY c.gone, c.at DESC
"""


def upgrade() -> None:
    op.create_table(
        "merged_learners",
        sa.Column("gone_id", sa.Uuid(), nullable=False, comment="an id that is nobody's any more"),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("merged_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["kept_id"], ["users.id"], name=op.f("fk_merged_learners_kept_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("gone_id", name=op.f("pk_merged_learners")),
    )
    op.create_index("ix_merged_learners_kept_id", "merged_learners", ["kept_id"])
    op.execute(FROM_THE_LOG)
    comment = "for people: why it failed; NULL while nobody knows"
    op.add_column("imports", sa.Column("reason", sa.Text(), nullable=True, comment=comment), schema="ops")


def downgrade() -> None:
    op.drop_column("imports", "reason", schema="ops")
    op.drop_table("merged_learners")
