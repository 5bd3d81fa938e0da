"""The first tables: statements as received and flat, people, cohorts, progress, credentials, quarantine.

Revision: 0001
After:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


SCHEMAS = ("bronze", "silver", "gold", "ops")

# Whoever connects to this database sees every schema: `select * from statements_flat` just works.
SEARCH_PATH = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path TO public, silver, bronze, gold, ops', current_database());
END $$
"""


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    op.execute(SEARCH_PATH)
    op.create_table(
        "statements_raw",
        sa.Column(
            "seq",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order of storing",
        ),
        sa.Column("id", sa.Uuid(), nullable=False, comment="statement id, the sender's or ours"),
        sa.Column(
            "payload",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="the text as sent, number by number",
        ),
        sa.Column(
            "content_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="of what may not differ between repeats",
        ),
        sa.Column(
            "stored_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=False,
            comment="when the door accepted it",
        ),
        sa.Column("xapi_version", sa.Text(), nullable=False),
        sa.Column(
            "credential_id",
            sa.Text(),
            nullable=False,
            comment="fingerprint of the sender's public key",
        ),
        sa.Column(
            "flattened_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="the mark that drives the sweep",
        ),
        sa.Column("flatten_error", sa.Text(), nullable=True, comment="why it cannot be flattened"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_statements_raw")),
        schema="bronze",
    )
    op.create_index(
        "ix_statements_raw_unflattened",
        "statements_raw",
        ["seq"],
        unique=False,
        schema="bronze",
        postgresql_where=sa.text("flattened_at IS NULL AND flatten_error IS NULL"),
    )
    op.create_index("uq_statements_raw_id", "statements_raw", ["id"], unique=True, schema="bronze")
    op.create_table(
        "cohorts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False, comment="its name in addresses"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="IANA name"),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        sa.UniqueConstraint("slug", name=op.f("uq_cohorts_slug")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Text(), nullable=False, comment="fingerprint: SHA-256 of the public key, hex"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False, comment="body on one line"),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
    )
    op.create_table(
        "lesson_progress",
        sa.Column("learner_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column(
            "started_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="first statement",
        ),
        sa.Column(
            "last_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="latest statement",
        ),
        sa.Column(
            "completed_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="first completion; NULL: not completed",
        ),
        sa.Column("statement_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("best_score_scaled", sa.Float(), nullable=True, comment="of the lesson itself, -1 to 1"),
        sa.PrimaryKeyConstraint("learner_id", "lesson_id", name=op.f("pk_lesson_progress")),
        schema="gold",
    )
    op.create_index(
        "ix_lesson_progress_lesson_id",
        "lesson_progress",
        ["lesson_id"],
        unique=False,
        schema="gold",
    )
    op.create_table(
        "lessons",
        sa.Column("id", sa.Uuid(), nullable=False, comment="stable_id('activity', activity_id)"),
        sa.Column("activity_id", sa.Text(), nullable=False, comment="the IRI that statements name"),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lessons")),
    )
    op.create_table(
        "dead_letters",
        sa.Column(
            "id",
            sa.Uuid(),
            nullable=False,
            comment="stable_id of source, reason code and body: repeats meet",
        ),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="where it was turned away: door, stream, loader, sweep",
        ),
        sa.Column(
            "code",
            sa.Text(),
            nullable=False,
            comment="stable code of the reason: unreadable, conflict, failed",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="a sentence"),
        sa.Column("path", sa.Text(), nullable=True, comment="property path of the first problem"),
        sa.Column(
            "problems",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="every problem: path, message, expected",
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the bytes as sent"),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("credential_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True, comment="of the last time it was seen"),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.Column("seen_count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="how often loading it was tried",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default="open",
            nullable=False,
            comment="open, replayed, discarded",
        ),
        sa.Column("first_seen_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_seen_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        schema="ops",
    )
    op.create_index(
        "ix_dead_letters_status_last_seen_at",
        "dead_letters",
        ["status", "last_seen_at"],
        unique=False,
        schema="ops",
    )
    op.create_table(
        "job_runs",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column(
            "period",
            postgresql.TIMESTAMP(timezone=True),
            nullable=False,
            comment="start of the period it stands for",
        ),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Text(),
            nullable=True,
            comment="done, failed; NULL while it runs or after a crash",
        ),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("job", "period", name=op.f("pk_job_runs")),
        schema="ops",
    )
    op.create_table(
        "statements_flat",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("learner_id", sa.Uuid(), nullable=True, comment="users.id; unknown for groups"),
        sa.Column(
            "actor_key",
            sa.Text(),
            nullable=False,
            comment="the identifier as sent, mbox in lower case",
        ),
        sa.Column("actor_email", sa.Text(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=True),
        sa.Column("verb_id", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False, comment="last part of verb_id, for reading"),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "object_type",
            sa.Text(),
            nullable=False,
            comment="Activity, Agent, Group, StatementRef, SubStatement",
        ),
        sa.Column("object_name", sa.Text(), nullable=True),
        sa.Column("activity_type", sa.Text(), nullable=True),
        sa.Column("interaction_type", sa.Text(), nullable=True),
        sa.Column(
            "lesson_id",
            sa.Uuid(),
            nullable=True,
            comment="lessons.id: the object, or the lesson it is part of",
        ),
        sa.Column(
            "completes_lesson",
            sa.Boolean(),
            nullable=False,
            comment="completed or passed, and of the lesson itself",
        ),
        sa.Column("success", sa.Boolean(), nullable=True),
        sa.Column("completion", sa.Boolean(), nullable=True),
        sa.Column("score_scaled", sa.Float(), nullable=True),
        sa.Column("score_raw", sa.Float(), nullable=True),
        sa.Column("score_min", sa.Float(), nullable=True),
        sa.Column("score_max", sa.Float(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True, comment="seconds"),
        sa.Column("registration", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("grouping_id", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column(
            "card_type",
            sa.Text(),
            nullable=True,
            comment="poll, quiz, form, rating … as 7taps says it",
        ),
        sa.Column(
            "occurred_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=False,
            comment="the sender's timestamp, else stored_at",
        ),
        sa.Column("stored_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statements_flat")),
        schema="silver",
    )
    op.create_index(
        "ix_statements_flat_learner_id_lesson_id",
        "statements_flat",
        ["learner_id", "lesson_id"],
        unique=False,
        schema="silver",
    )
    op.create_index(
        "ix_statements_flat_lesson_id_occurred_at",
        "statements_flat",
        ["lesson_id", "occurred_at"],
        unique=False,
        schema="silver",
    )
    op.create_index(
        "ix_statements_flat_occurred_at",
        "statements_flat",
        ["occurred_at"],
        unique=False,
        schema="silver",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True, comment="lower case"),
        sa.Column("phone", sa.Text(), nullable=True, comment="E.164, +15551234567"),
        sa.Column(
            "avatar",
            sa.Text(),
            nullable=True,
            comment="public handle, unique without regard to case",
        ),
        sa.Column("time_zone", sa.Text(), nullable=True, comment="IANA name; unknown means the cohort's"),
        sa.Column("language", sa.Text(), nullable=True, comment="RFC 5646 tag"),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="who recognised them first: statement, roster, signup",
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("ix_users_email", "users", ["email"], unique=False)
    op.create_index("uq_users_avatar_lower", "users", [sa.literal_column("lower(avatar)")], unique=True)
    op.create_table(
        "cohort_lessons",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="1 for the first lesson"),
        sa.Column("due_on", sa.Date(), nullable=True, comment="a day in the learner's own time zone"),
        sa.ForeignKeyConstraint(
            ["cohort_id"],
            ["cohorts.id"],
            name=op.f("fk_cohort_lessons_cohort_id_cohorts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lessons.id"],
            name=op.f("fk_cohort_lessons_lesson_id_lessons"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cohort_id", "lesson_id", name=op.f("pk_cohort_lessons")),
    )
    op.create_index("ix_cohort_lessons_lesson_id", "cohort_lessons", ["lesson_id"], unique=False)
    op.create_table(
        "cohort_members",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "joined_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"],
            ["cohorts.id"],
            name=op.f("fk_cohort_members_cohort_id_cohorts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_cohort_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cohort_id", "user_id", name=op.f("pk_cohort_members")),
    )
    op.create_index("ix_cohort_members_user_id", "cohort_members", ["user_id"], unique=False)
    op.create_table(
        "user_identifiers",
        sa.Column("key", sa.Uuid(), nullable=False, comment="stable_id(kind, value)"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="mbox, mbox_sha1sum, openid, account, phone"),
        sa.Column(
            "value",
            sa.Text(),
            nullable=False,
            comment="normalised: mbox in lower case, phone as E.164",
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_user_identifiers_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_user_identifiers")),
    )
    op.create_index("ix_user_identifiers_user_id", "user_identifiers", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_user_identifiers_user_id", table_name="user_identifiers")
    op.drop_table("user_identifiers")
    op.drop_index("ix_cohort_members_user_id", table_name="cohort_members")
    op.drop_table("cohort_members")
    op.drop_index("ix_cohort_lessons_lesson_id", table_name="cohort_lessons")
    op.drop_table("cohort_lessons")
    op.drop_index("uq_users_avatar_lower", table_name="users")
    op.drop_index("ix_users_email", table_name="users")
    op.drop_table("users")
    op.drop_index("ix_statements_flat_occurred_at", table_name="statements_flat", schema="silver")
    op.drop_index("ix_statements_flat_lesson_id_occurred_at", table_name="statements_flat", schema="silver")
    op.drop_index("ix_statements_flat_learner_id_lesson_id", table_name="statements_flat", schema="silver")
    op.drop_table("statements_flat", schema="silver")
    op.drop_table("job_runs", schema="ops")
    op.drop_index("ix_dead_letters_status_last_seen_at", table_name="dead_letters", schema="ops")
    op.drop_table("dead_letters", schema="ops")
    op.drop_table("lessons")
    op.drop_index("ix_lesson_progress_lesson_id", table_name="lesson_progress", schema="gold")
    op.drop_table("lesson_progress", schema="gold")
    op.drop_table("credentials")
    op.drop_table("cohorts")
    op.drop_index("uq_statements_raw_id", table_name="statements_raw", schema="bronze")
    op.drop_index(
        "ix_statements_raw_unflattened",
        table_name="statements_raw",
        schema="bronze",
        postgresql_where=sa.text("flattened_at IS NULL AND flatten_error IS NULL"),
    )
    op.drop_table("statements_raw", schema="bronze")
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema}")
