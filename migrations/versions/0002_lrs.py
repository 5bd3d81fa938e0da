"""What a Learning Record Store asks of statements: links to find them by, references, definitions, attachments.

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = postgresql.JSON(astext_type=sa.Text())
MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.add_column(
        "statements_raw",
        sa.Column("voided_by", sa.Uuid(), nullable=True, comment="the statement that voids this one"),
        schema="bronze",
    )
    op.add_column(
        "statements_raw",
        sa.Column(
            "defines",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="whether its sender may define activities and verbs",
        ),
        schema="bronze",
    )
    op.create_index(
        "ix_statements_raw_stored_at_seq",
        "statements_raw",
        ["stored_at", "seq"],
        schema="bronze",
        postgresql_where=sa.text("voided_by IS NULL"),
    )
    op.create_table(
        "attachments",
        sa.Column("sha2", sa.Text(), nullable=False, comment="SHA-2 of the content, lower-case hex"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha2", name=op.f("pk_attachments")),
        schema="bronze",
    )
    op.create_table(
        "statement_links",
        sa.Column("key", sa.Uuid(), nullable=False, comment="stable_id(kind, value), see lrs.filters"),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="statements_raw.seq"),
        sa.PrimaryKeyConstraint("key", "stored_at", "seq", name=op.f("pk_statement_links")),
        schema="silver",
    )
    op.create_table(
        "statement_refs",
        sa.Column("statement_id", sa.Uuid(), nullable=False, comment="the statement that refers"),
        sa.Column("target_id", sa.Uuid(), nullable=False, comment="the statement it refers to, here already or not"),
        sa.Column("voids", sa.Boolean(), nullable=False, comment="its verb is voided"),
        sa.Column("resolved_at", MOMENT, nullable=True, comment="when its target was found"),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statement_refs")),
        schema="silver",
    )
    op.create_index("ix_statement_refs_target_id", "statement_refs", ["target_id"], schema="silver")
    op.create_index(
        "ix_statement_refs_unresolved",
        "statement_refs",
        ["target_id"],
        schema="silver",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "activities",
        sa.Column("key", sa.Uuid(), nullable=False, comment="stable_id('activity', iri)"),
        sa.Column("iri", sa.Text(), nullable=False),
        sa.Column("definition", JSON, nullable=False, comment="canonical, merged from statements"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_activities")),
        schema="silver",
    )
    op.create_table(
        "verbs",
        sa.Column("key", sa.Uuid(), nullable=False, comment="stable_id('verb', iri)"),
        sa.Column("iri", sa.Text(), nullable=False),
        sa.Column("display", JSON, nullable=False, comment="canonical, merged from statements"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_verbs")),
        schema="silver",
    )
    # Statements loaded before have no links yet: the sweep writes them, as it does for any raw row that waits.
    op.execute("UPDATE bronze.statements_raw SET flattened_at = NULL WHERE flatten_error IS NULL")


def downgrade() -> None:
    for table in ("verbs", "activities", "statement_refs", "statement_links"):
        op.drop_table(table, schema="silver")
    op.drop_table("attachments", schema="bronze")
    op.drop_index("ix_statements_raw_stored_at_seq", "statements_raw", schema="bronze")
    op.drop_column("statements_raw", "defines", schema="bronze")
    op.drop_column("statements_raw", "voided_by", schema="bronze")
