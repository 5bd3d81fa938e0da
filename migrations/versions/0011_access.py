"""Who gets in: accounts, sessions, tokens of programs.

Revision: 0011
After: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="unique without regard to case"),
        sa.Column("password_hash", sa.Text(), nullable=False, comment="argon2id, with its parameters"),
        sa.Column("role", sa.Text(), nullable=False, comment="admin, viewer"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("password_changed_at", MOMENT, nullable=False, comment="sessions begun before it have ended"),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.CheckConstraint("role IN ('admin', 'viewer')", name=op.f("ck_accounts_role_is_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index("uq_accounts_name_lower", "accounts", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False, comment="SHA-256 of the token, hex"),
        sa.Column("account_id", sa.Uuid(), nullable=True, comment="NULL: logged in with ADMIN_TOKEN"),
        sa.Column(
            "admin_mark",
            sa.Text(),
            nullable=True,
            comment="HMAC of ADMIN_TOKEN under the session's token: a new ADMIN_TOKEN ends it; NULL: of an account",
        ),
        sa.Column("role", sa.Text(), nullable=False, comment="at login; an account's role of today counts"),
        sa.Column(
            "user_agent", sa.Text(), nullable=False, comment="of the login, cut short, for the list of own sessions"
        ),
        sa.Column("created_at", MOMENT, nullable=False, comment="before the password was looked at"),
        sa.Column("last_seen_at", MOMENT, nullable=False, comment="written at most once a minute"),
        sa.Column("expires_at", MOMENT, nullable=False, comment="whatever happens; idle ones end earlier"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "agent_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="unique without regard to case among those not revoked"),
        sa.Column("token_hash", sa.Text(), nullable=False, comment="SHA-256 of the token, hex"),
        sa.Column("hint", sa.Text(), nullable=False, comment="the first letters of the token, to tell which one it is"),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, comment="as the audit log names them"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True, comment="written at most once a minute"),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_agent_tokens_token_hash")),
    )
    op.create_index(
        "uq_agent_tokens_name_lower",
        "agent_tokens",
        [sa.literal_column("lower(name)")],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("agent_tokens")
    op.drop_table("sessions")
    op.drop_table("accounts")
