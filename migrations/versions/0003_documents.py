"""Documents that senders keep here: activity state, agent profiles, activity profiles.

Revision: 0003
After: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("state_documents", "agent_profile_documents", "activity_profile_documents")
AGENT_COMMENT = "lrs.identity.agent_identity, for reading"


def _own_columns(table: str) -> list[sa.Column[Any]]:
    """What names the document besides its id."""
    columns: list[sa.Column[Any]] = []
    if table != "agent_profile_documents":
        columns.append(sa.Column("activity_iri", sa.Text(), nullable=False))
    if table != "activity_profile_documents":
        columns.append(sa.Column("agent", sa.Text(), nullable=False, comment=AGENT_COMMENT))
    if table == "state_documents":
        columns.append(sa.Column("registration", sa.Uuid(), nullable=True))
    return columns


def upgrade() -> None:
    for table in TABLES:
        op.create_table(
            table,
            sa.Column("key", sa.Uuid(), nullable=False, comment="stable_id of all that names the document"),
            sa.Column(
                "owner",
                sa.Uuid(),
                nullable=False,
                comment="stable_id of what the document belongs to, without registration",
            ),
            *_own_columns(table),
            sa.Column("document_id", sa.Text(), nullable=False, comment="stateId or profileId, the sender's"),
            sa.Column("content", sa.LargeBinary(), nullable=False),
            sa.Column("content_type", sa.Text(), nullable=False, comment="the header Content-Type it came with"),
            sa.Column("etag", sa.Text(), nullable=False, comment="SHA-1 of the content, lower-case hex"),
            sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
            sa.PrimaryKeyConstraint("key", name=op.f(f"pk_{table}")),
        )
        op.create_index(f"ix_{table}_owner", table, ["owner"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_index(f"ix_{table}_owner", table_name=table)
        op.drop_table(table)
