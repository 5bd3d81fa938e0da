"""Dead letters that can be looked at, mended, replayed and discarded; the audit log that says who did.

Revision: 0004
After: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
COLUMNS: tuple[tuple[str, "sa.types.TypeEngine[object]", str], ...] = (
    ("xapi_version", sa.Text(), "the edition it was sent under; NULL: not known"),
    (
        "statement_ids",
        sa.ARRAY(sa.Uuid()),
        "ids of its statements in the order of the body, once the sender was told or they are stored",
    ),
    ("resolved_at", MOMENT, "when it was replayed or discarded"),
    ("resolved_by", sa.Text(), "on whose authority, see audit_log.actor"),
    ("resolution", sa.Text(), "why it was discarded, in the words of who did it"),
)
INDEXES = (
    ("last_seen_at", "id"),
    ("status", "first_seen_at", "id"),
    ("first_seen_at", "id"),
    ("status", "code", "source"),
)


def upgrade() -> None:
    for name, kind, comment in COLUMNS:
        op.add_column("dead_letters", sa.Column(name, kind, nullable=True, comment=comment), schema="ops")
    for columns in INDEXES:
        op.create_index(f"ix_dead_letters_{'_'.join(columns)}", "dead_letters", list(columns), schema="ops")
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="order of writing"),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="on whose authority: admin token, command line"),
        sa.Column("act", sa.Text(), nullable=False, comment="noun.verb, such as dead_letter.replay"),
        sa.Column("target", sa.Text(), nullable=False, comment="noun:id, such as dead_letter:7c3e…"),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="what came of it; no personal data, no bodies",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        schema="ops",
    )
    op.create_index("ix_audit_log_target_id", "audit_log", ["target", "id"], schema="ops")


def downgrade() -> None:
    op.drop_table("audit_log", schema="ops")
    for columns in INDEXES:
        op.drop_index(f"ix_dead_letters_{'_'.join(columns)}", table_name="dead_letters", schema="ops")
    for name, _, _ in COLUMNS:
        op.drop_column("dead_letters", name, schema="ops")
